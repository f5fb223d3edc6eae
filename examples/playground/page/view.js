// A timeline with its controls: how much of it shows, and which moment is looked at.

import { drawn, element } from './dom.js';
import { at } from './story.js';
import { draw } from './timeline.js';
import { STATES, capital, clock, meaning, plain, reason, span } from './words.js';

/** How much time can show at once, in milliseconds. */
const SPANS = [5e3, 10e3, 20e3, 45e3, 90e3, 180e3, 600e3, 1800e3, 3600e3, 4 * 3600e3, 24 * 3600e3];
const FIRST = 4;
/** Where in the drawing the present is. */
const PRESENT = 0.8;

export class View {
    /** The moment that is looked at; undefined: the newest. */
    cursor;
    #span = SPANS[FIRST];
    #isWhole = false;
    #from = 0;
    #model;
    #now = 0;
    #plot;
    #svg = drawn('svg', { role: 'img', class: 'timeline' });
    #range;
    #shown = element('output', { class: 'span' });
    #moved;

    /** `moved` is called when another moment is looked at. */
    constructor(root, moved = () => {}) {
        this.#moved = moved;
        const id = `${root.id}-range`;
        this.#range = element('input', {
            type: 'range', id, min: 0, max: 1, step: 1, value: 1, oninput: () => this.look(Number(this.#range.value)),
        });
        const button = (label, text, onclick) => element('button', { type: 'button', 'aria-label': label, title: label, onclick }, text);
        const tools = element('div', { class: 'tools', role: 'group', 'aria-label': 'Zoom' },
            button('Show less time', '+', () => this.zoom(-1)), this.#shown, button('Show more time', '−', () => this.zoom(1)),
            button('Show all of it', 'All', () => this.whole()));
        const scrub = element('div', { class: 'scrub' }, element('label', { for: id }, 'Look at'), this.#range);
        const frame = element('div', { class: 'frame', onclick: (event) => this.#clicked(event) }, this.#svg);
        root.append(frame, element('div', { class: 'below' }, scrub, tools), legend());
        new ResizeObserver(() => this.#draw()).observe(frame);
        this.#frame = frame;
    }

    #frame;

    /** Shows this model until now. */
    set(model, now) {
        this.#model = model;
        this.#now = now;
        this.#follow();
        this.#draw();
    }

    /** Looks at a moment; at the end or beyond it: at the newest, and it stays there. */
    look(time) {
        this.cursor = time >= this.#now ? undefined : Math.max(0, time);
        this.#follow();
        this.#draw();
        this.#moved();
    }

    zoom(steps) {
        this.#isWhole = false;
        const nearest = SPANS.findIndex((each) => each >= this.#span);
        const place = Math.min(SPANS.length - 1, Math.max(0, (nearest < 0 ? SPANS.length - 1 : nearest) + steps));
        const middle = this.cursor ?? this.#now;
        const share = (middle - this.#from) / this.#span;
        this.#span = SPANS[place];
        this.#from = middle - this.#span * Math.min(1, Math.max(0, share));
        this.#follow();
        this.#draw();
    }

    /** As much as there is. */
    whole() {
        this.#isWhole = true;
        this.#follow();
        this.#draw();
    }

    /** What the model says of the moment that is looked at. */
    moment() {
        const time = this.cursor ?? this.#now;
        const state = at(this.#model.states, time) ?? { state: 'idle', why: '' };
        const wait = at(this.#model.waits, time);
        const { dials } = this.#model;
        const serves = dials.findLast(({ live, to }) => live <= time && !(to <= time));
        return { time, state, wait, dial: serves ?? dials.findLast(({ from }) => from <= time) };
    }

    #follow() {
        const time = this.cursor ?? this.#now;
        if (this.#isWhole) {
            this.#span = Math.max(1000, this.#now / 0.97);
            this.#from = 0;
        } else if (this.cursor === undefined) {
            this.#from = Math.max(0, time - this.#span * PRESENT);
        } else if (time < this.#from || time > this.#from + this.#span) {
            this.#from = Math.max(0, time - this.#span / 2);
        }
        this.#from = Math.max(0, this.#from);
    }

    #draw() {
        const width = Math.floor(this.#frame.clientWidth);
        if (!this.#model || width < 50) {
            return;
        }
        const [from, to] = [this.#from, this.#from + this.#span];
        this.#plot = draw(this.#svg, this.#model, { from, to, now: this.#now, cursor: this.cursor, width });
        const { time, state } = this.moment();
        this.#svg.setAttribute('aria-label', `Timeline from ${clock(from, 0)} to ${clock(to, 0)}: ${state.state} at ${clock(time)}`);
        this.#shown.textContent = span(this.#span);
        const range = this.#range;
        range.max = Math.max(1, Math.ceil(this.#now));
        range.step = Math.max(1, Math.round(this.#span / 100));
        range.value = this.cursor ?? range.max;
        range.setAttribute('aria-valuetext', `${clock(time)}, ${state.state}`);
    }

    #clicked(event) {
        const { left } = this.#frame.getBoundingClientRect();
        const { left: begin, right, from, to } = this.#plot;
        const share = (event.clientX - left - begin) / (right - begin);
        if (share >= 0) {
            this.look(Math.round(from + share * (to - from)));
        }
    }
}

function legend() {
    const entries = STATES.map((state) => element('li', { title: meaning(state) }, element('i', { class: `chip ${state}` }), capital(state)));
    return element('ul', { class: 'legend', 'aria-label': 'Colours of the states' }, ...entries);
}

/** What a moment is called, in two lines. */
export function described({ time, state, wait, dial }) {
    const why = plain(state.why);
    if (wait?.until !== undefined) {
        return `${capital(why)}. The next dial is at ${clock(wait.until)}, in ${span(Math.max(0, wait.until - time))}: ${reason(wait.why)}.`;
    }
    if (wait) {
        return `${capital(why)}. The next dial waits for this to end: ${reason(wait.why)}.`;
    }
    if (['connecting', 'establishing'].includes(state.state) && dial) {
        return `${meaning(state.state)} Attempt ${dial.attempt}, ${dial.mode === 'resume' ? 'to resume the session' : 'for a new session'}.`;
    }
    if (['restoring', 'online'].includes(state.state) && dial) {
        return `${meaning(state.state)} Connection #${dial.epoch}, ${dial.mode === 'resume' ? 'which resumed the session' : 'with a new session'}.`;
    }
    return state.state === 'failed' ? `The policy gave up: ${why}. It does not dial again by itself.` : meaning(state.state);
}

/** Shows the lines of a log for people that are near a moment. */
export function list(root, lines, from, to, newestFirst) {
    const near = lines.filter(({ at: time }) => time >= from && time <= to);
    const few = newestFirst ? near.slice(-MOST_LINES).reverse() : near.slice(0, MOST_LINES);
    root.replaceChildren(...few.map(({ at: time, epoch, label, what }) => element('tr', { class: label.toLowerCase().replaceAll(' ', '-') },
        element('td', {}, clock(time, 3)), element('td', {}, epoch), element('th', { scope: 'row' }, label), element('td', {}, what))));
    return near.length - few.length;
}

/** So many lines are in a list at once. */
const MOST_LINES = 150;


