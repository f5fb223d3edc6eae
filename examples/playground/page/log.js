// The third tab: a log, or a flight recording, as a timeline.

import { byId, element, save, say } from './dom.js';
import { Helper } from './helper.js';
import { MOST_BYTES } from './reader.js';
import { address, packed, shared } from './share.js';
import { View, described, list } from './view.js';
import { capital, clock, count } from './words.js';

/** A log in a link may be so long, compressed. */
const LONGEST_LINK = 16_000;

/** A log to begin with. */
const EXAMPLE = `{"seed": 42, "preset": "discord-gateway"}
{"at": 0, "event": "subscribe", "key": "guild 1"}
{"at": 0, "event": "start"}
{"at": 180, "event": "opened"}
{"at": 220, "event": "greeting", "heartbeat": 41250}
{"at": 400, "event": "ready", "id": "a1", "seq": 1, "endpoint": "resume.example"}
{"at": 560, "event": "sub_confirmed", "key": "guild 1"}
{"at": 21000, "event": "seq", "n": 88}
{"at": 36000, "event": "beat_ack"}
{"at": 52400, "event": "please_reconnect"}
{"at": 54000, "event": "opened"}
{"at": 54080, "event": "greeting", "heartbeat": 41250}
{"at": 54200, "event": "session_invalid", "resumable": false}
{"at": 60500, "event": "opened"}
{"at": 60600, "event": "greeting", "heartbeat": 41250}
{"at": 60900, "event": "ready", "id": "b2", "seq": 1}
{"at": 75000, "event": "closed", "cause": {"ws": 4004}}
{"at": 80000}
`;

export class Log {
    #helper = new Helper();
    #view;
    #bytes;
    #answer;
    /** Whether the recording that is open has no set-up of its own. */
    #isBare = false;

    constructor() {
        this.#view = new View(byId('log-view'), () => this.#look());
        byId('file').addEventListener('change', () => this.#files(byId('file').files));
        byId('paste-open').addEventListener('click', () => this.openText(byId('paste').value));
        byId('example').addEventListener('click', () => this.openText(EXAMPLE));
        byId('log-share').addEventListener('click', () => this.share());
        byId('log-save').addEventListener('click', () => save('log.jsonl', new TextDecoder().decode(this.#bytes)));
        byId('set-up').addEventListener('submit', (event) => {
            event.preventDefault();
            this.#read(byId('set-up-line').value);
        });
        const zone = byId('panel-log');
        for (const [kind, is] of [['dragover', true], ['dragleave', false], ['drop', false]]) {
            zone.addEventListener(kind, (event) => {
                event.preventDefault();
                zone.classList.toggle('over', is);
            });
        }
        zone.addEventListener('drop', (event) => this.#files(event.dataTransfer.files));
        document.addEventListener('paste', (event) => this.#pasted(event));
    }

    openText(text) {
        this.#open(new TextEncoder().encode(text));
    }

    async share() {
        const log = await packed(new TextDecoder().decode(this.#bytes));
        if (log.length > LONGEST_LINK) {
            return say(`The log is too long for a link: ${count(log.length)} characters, and at most ${count(LONGEST_LINK)}. Send the file.`);
        }
        say(await shared(address({ tab: 'log', log })) ? 'The link is copied. It holds the whole log.' : 'The link is in the address bar.');
    }

    zoom(steps) {
        this.#view.zoom(steps);
    }

    async #files([file]) {
        if (!file) {
            return;
        }
        if (file.size > MOST_BYTES) {
            return this.#complain({ message: `${file.name} has ${count(file.size)} bytes, and at most ${count(MOST_BYTES)} can be opened`, wayOut: 'Cut it.' });
        }
        this.#open(new Uint8Array(await file.arrayBuffer()));
        byId('file').value = '';
    }

    #pasted(event) {
        const text = event.clipboardData?.getData('text');
        if (text && !byId('panel-log').hidden && !event.target.closest('input, textarea')) {
            event.preventDefault();
            this.openText(text);
        }
    }

    #open(bytes) {
        this.#bytes = bytes;
        this.#isBare = false;
        return this.#read('');
    }

    async #read(setUp) {
        this.#helper.cancel();
        byId('log-out').setAttribute('aria-busy', true);
        try {
            this.#answer = await this.#helper.ask({ log: { bytes: this.#bytes, setUp } });
            this.#show();
        } catch (error) {
            if (error) {
                byId('log-out').hidden = true;
                this.#complain({ message: error.message, wayOut: 'Open a log of events, one JSON object a line, or the dump of a flight recorder.' });
            }
        } finally {
            byId('log-out').setAttribute('aria-busy', false);
        }
    }

    #show() {
        const { needsSetUp, model, wrong, notes, count: lines, isFlight } = this.#answer;
        this.#isBare ||= Boolean(needsSetUp);
        byId('set-up').hidden = !this.#isBare;
        if (needsSetUp) {
            byId('log-out').hidden = true;
            this.#complain(undefined);
            return byId('set-up-line').focus();
        }
        this.#complain(wrong);
        byId('log-out').hidden = model.end === 0 && Boolean(wrong);
        byId('notes').replaceChildren(...notes.slice(0, 20).map((note) => element('li', {}, note)));
        byId('log-share').disabled = isFlight;
        byId('log-what').textContent = `${isFlight ? 'A flight recording' : 'A log'} of ${count(lines)} lines, ${clock(model.end)} long`;
        this.#view.cursor = undefined;
        this.#view.set(model, model.end);
        this.#view.whole();
        this.#look();
        byId('announced').textContent = wrong ? '' : byId('log-what').textContent;
    }

    /** What is at the moment that is looked at. */
    #look() {
        const moment = this.#view.moment();
        const { time, state } = moment;
        byId('log-state').textContent = capital(state.state);
        byId('log-state').className = `badge ${state.state}`;
        byId('log-clock').textContent = clock(time);
        byId('log-sentence').textContent = described(moment);
        const isWhole = this.#view.cursor === undefined;
        const left = list(byId('log-lines'), this.#answer.lines, isWhole ? -1 : time - 2000, isWhole ? Infinity : time + 60_000, false);
        byId('log-left').textContent = left > 0 ? `${count(left)} more lines follow; look at a later moment to read them.` : '';
    }

    #complain(wrong) {
        byId('log-error').hidden = !wrong;
        if (!wrong) {
            return;
        }
        const { number, message, line, wayOut } = wrong;
        const title = number === undefined ? capital(message) : `Line ${number}: ${message}`;
        const shown = line === undefined ? [] : [element('code', {}, line)];
        byId('log-error').replaceChildren(element('strong', {}, /[.?!]$/.test(title) ? title : `${title}.`), ...shown, element('span', {}, wayOut));
    }
}
