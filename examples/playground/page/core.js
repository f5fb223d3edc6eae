// The core, which is WebAssembly: a question goes in as text, and the answer comes out as JSON.

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What the core refuses, in one line. */
export class Refused extends Error {}

export class Core {
    #exports;

    constructor(exports) {
        this.#exports = exports;
    }

    static async load() {
        const response = await fetch('core.wasm');
        if (!response.ok) {
            throw new Error(`core.wasm: ${response.status}; build the page with cargo run -p redial-playground`);
        }
        const { instance } = await WebAssembly.instantiateStreaming(response, {});
        return new Core(instance.exports);
    }

    #ask(name, question = '', ...numbers) {
        const { memory, input, output, output_length } = this.#exports;
        const bytes = typeof question === 'string' ? encoder.encode(question) : question;
        const at = input(bytes.length);
        new Uint8Array(memory.buffer, at, bytes.length).set(bytes);
        this.#exports[name](...numbers);
        const answer = JSON.parse(decoder.decode(new Uint8Array(memory.buffer, output(), output_length())));
        if (answer.error !== undefined) {
            throw new Refused(answer.error);
        }
        return answer;
    }

    /** The names of the presets. */
    presets() {
        return this.#ask('presets').presets;
    }

    /** Every key of the config that a set-up amounts to. */
    config(setUp) {
        return this.#ask('config', JSON.stringify(setUp));
    }

    /** Begins a log, and returns its number. */
    open() {
        return this.#ask('open').run;
    }

    /** Tells the next line; the answer has decisions, a timeline for people, and notes. */
    line(run, text) {
        return this.#ask('line', text, run);
    }

    /** What would be decided until `at` without another line, and what the policy says of itself then. */
    look(run, at) {
        return this.#ask('look', String(at), run);
    }

    /** Ends a log: what is due at its last instant is still decided. */
    finish(run) {
        return this.#ask('finish', '', run);
    }

    close(run) {
        this.#ask('close', '', run);
    }

    /** The lines of a flight recording, or `needs_set_up`. */
    flight(dump, setUp = '') {
        const line = encoder.encode(setUp);
        const question = new Uint8Array(dump.length + line.length);
        question.set(dump);
        question.set(line, dump.length);
        return this.#ask('flight', question, dump.length);
    }

    storm(question) {
        return this.#ask('storm', JSON.stringify(question));
    }
}
