// Elements of the page.

const SVG = 'http://www.w3.org/2000/svg';

export const byId = (id) => document.getElementById(id);

function made(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith('on')) {
            element.addEventListener(name.slice(2), value);
        } else if (value === true) {
            element.setAttribute(name, '');
        } else if (value !== false && value !== undefined) {
            element.setAttribute(name, value);
        }
    }
    element.append(...children.filter((child) => child !== undefined));
    return element;
}

/** An element with attributes, listeners (`onclick`) and children. */
export const element = (tag, attributes = {}, ...children) => made(document.createElement(tag), attributes, children);

/** The same of a drawing. */
export const drawn = (tag, attributes = {}, ...children) => made(document.createElementNS(SVG, tag), attributes, children);

/** Says something to those who listen to the page, and shows it for a while. */
export function say(text) {
    const said = byId('said');
    said.textContent = text;
    said.classList.toggle('shown', text !== '');
    clearTimeout(say.timer);
    say.timer = setTimeout(() => said.classList.remove('shown'), 6000);
}

/** Gives the user a file. */
export function save(name, text, type = 'application/x-ndjson') {
    const address = URL.createObjectURL(new Blob([text], { type }));
    element('a', { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** Calls `later` once things have settled for so long. */
export function settled(millis, later) {
    let timer;
    return (...values) => {
        clearTimeout(timer);
        timer = setTimeout(() => later(...values), millis);
    };
}

/** Whether the user asked for little motion. */
export const wantsLittleMotion = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
