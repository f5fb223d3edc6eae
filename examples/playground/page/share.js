// What a link holds: the tab, and a log in few characters. `#tab=connection&log=z…&do=…` has the presses beside the log.

/** A log in a link may be so long when it is read. */
const MOST = 1 << 20;

async function piped(bytes, through) {
    const reader = new Blob([bytes]).stream().pipeThrough(through).getReader();
    const chunks = [];
    let length = 0;
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
        length += read.value.length;
        if (length > MOST) {
            await reader.cancel();
            throw new Error('the log in this link is larger than 1 MiB');
        }
        chunks.push(read.value);
    }
    return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** A text in the characters of a link: compressed, and base64 with `-` and `_`. */
export async function packed(text) {
    const bytes = await piped(new TextEncoder().encode(text), new CompressionStream('deflate-raw'));
    const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
    return `z${btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}`;
}

/** The text again. What is none is an error with its reason. */
export async function unpacked(text) {
    const broken = new Error('the log in this link is cut or altered; ask for the link again');
    if (!text.startsWith('z')) {
        throw broken;
    }
    let bytes;
    try {
        const binary = atob(text.slice(1).replaceAll('-', '+').replaceAll('_', '/'));
        bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
    } catch {
        throw broken;
    }
    try {
        return new TextDecoder('utf-8', { fatal: true }).decode(await piped(bytes, new DecompressionStream('deflate-raw')));
    } catch (error) {
        throw error.message.includes('1 MiB') ? error : broken;
    }
}

/** What the address says. */
export const parameters = () => new URLSearchParams(location.hash.slice(1));

/** The address with these in place of what it said; nothing is loaded. */
export function address(values) {
    const entries = Object.entries(values).filter(([, value]) => value !== undefined && value !== '');
    const fragment = entries.map(([key, value]) => `${key}=${encodeURIComponent(value).replaceAll('%20', '+')}`).join('&');
    return `${location.href.split('#')[0]}#${fragment}`;
}

/** Puts an address into the bar and the clipboard; false where the clipboard is not to be had. */
export async function shared(url) {
    history.replaceState(null, '', url);
    try {
        await navigator.clipboard.writeText(url);
        return true;
    } catch {
        return false;
    }
}
