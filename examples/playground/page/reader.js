// A log, or a flight recording, from a file: replayed line by line, and made into what can be drawn.

import { columns, parsed } from './lines.js';
import { story } from './story.js';

/** So large may a file be, and so many lines may it have. */
export const MOST_BYTES = 16 << 20;
const MOST_LINES = 50_000;
/** The first byte of a flight recording. */
const MAGIC = 0xd3;

const WAY_OUT = 'Correct that line or take it out, and open the log again.';

export class Reader {
    #core;

    constructor(core) {
        this.#core = core;
    }

    /** The model of a log, up to its end or its first bad line. */
    async read({ bytes, setUp }) {
        const flight = recording(bytes);
        const lines = flight ? this.#flown(flight, setUp) : split(new TextDecoder().decode(bytes));
        return lines === undefined ? { needsSetUp: true } : { isFlight: Boolean(flight), ...this.#replayed(lines, flight ? flown : trouble) };
    }

    #flown(dump, setUp) {
        const { lines, needs_set_up: needs } = this.#core.flight(dump, setUp);
        return needs ? undefined : lines;
    }

    #replayed(lines, explained) {
        if (lines.length > MOST_LINES) {
            throw new Error(`The log has ${lines.length} lines, and a page draws ${MOST_LINES} at most. Cut it, or run: cargo run --release --example replay -- --timeline`);
        }
        const run = this.#core.open();
        const steps = [];
        const told = [];
        const notes = [];
        let wrong;
        try {
            for (const [number, line] of [...lines, undefined].entries()) {
                const answer = line === undefined ? this.#core.finish(run) : this.#core.line(run, line);
                notes.push(...answer.notes);
                told.push(answer.timeline);
                steps.push({ fact: line === undefined || number === 0 ? undefined : fact(line), text: answer.decisions, decisions: parsed(answer.decisions) });
            }
        } catch (error) {
            wrong = explained(error.message, lines);
        } finally {
            this.#core.close(run);
        }
        const end = Math.max(0, ...lines.slice(-1).map((line) => time(line)).filter(Number.isFinite));
        const model = story(steps);
        model.end = Math.max(model.end, wrong ? 0 : end);
        const text = told.join('');
        return { model, lines: text.split('\n').filter(Boolean).map(columns), decisions: steps.map((step) => step.text).join(''), notes, wrong, count: lines.length };
    }
}

const split = (text) => text.split('\n').filter((line, at, all) => line !== '' || at < all.length - 1);

function parse(line) {
    try {
        return JSON.parse(line);
    } catch {
        return undefined;
    }
}

const fact = (line) => {
    const told = parse(line);
    return told?.event ? told : undefined;
};

const time = (line) => {
    const told = parse(line);
    return told?.at ?? told?.at_us / 1000;
};

/** What is wrong with a line, and the way out. */
function trouble(message, lines) {
    const [, number, why] = /^line (\d+): ([^]*)$/.exec(message) ?? [];
    if (number === undefined) {
        return { message, wayOut: WAY_OUT };
    }
    const line = lines[Number(number) - 1] ?? '';
    const shown = line.length > 160 ? `${line.slice(0, 160)}…` : line;
    return { number: Number(number), message: why, line: shown, wayOut: WAY_OUT };
}

/** The same of a recording, whose lines nobody wrote. */
function flown(message) {
    const [, why] = /^line \d+: (?:"checkpoint": )?([^]*)$/.exec(message) ?? [null, message];
    return { message: `The recording can't be played: ${why}`, wayOut: 'Open it with the preset or config that the policy ran on, and with the version that recorded it.' };
}

/** The bytes of a flight recording, which may have been pasted as hexadecimal digits; nothing where it is none. */
function recording(bytes) {
    if (bytes[0] === MAGIC) {
        return bytes;
    }
    const text = new TextDecoder().decode(bytes.subarray(0, 1 << 20)).trim();
    const digits = /^(?:0x)?(d3[0-9a-f\s]*)$/i.exec(text)?.[1].replace(/\s/g, '');
    return digits ? Uint8Array.from(digits.match(/../g), (pair) => parseInt(pair, 16)) : undefined;
}
