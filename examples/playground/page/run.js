// A run on a virtual clock: the presses of a person, the world's answers, and the policy's decisions. The events that the policy
// was told are its log, and the log alone decides what it decides.

import { parsed, written } from './lines.js';
import { World } from './world.js';

/** So many lines has a log here. */
const MOST_LINES = 5000;
/** A look ahead of so many decisions is written down with a line that moves the clock. */
const MOST_AHEAD = 400;

export class Run {
    now = 0;
    /** Changes with everything that is told and decided. */
    version = 0;
    /** Why nothing more can be told, or empty. */
    full = '';
    #core;
    #number;
    #lines = [];
    /** What was told, each with what was decided since. */
    #steps = [];
    /** What the policy decided by itself since the last line. */
    #ahead = { text: '', decisions: [], timeline: '', explain: {}, stats: {} };
    #lookedAt = -1;
    #isStale = true;
    /** How many decisions the world has seen. */
    #seen = 0;
    #settled = 0;
    #wake = Infinity;

    /** `presses` are made when their time comes. */
    constructor(core, setUp, presses = []) {
        this.setUp = setUp;
        const { config } = core.config(setUp);
        this.world = new World(config);
        this.presses = presses.map((press) => ({ ...press }));
        this.#core = core;
        this.#number = core.open();
        this.made = 0;
        this.#write(setUp);
    }

    close() {
        this.#core.close(this.#number);
    }

    /** Moves the clock, as far as the log has room. */
    advance(to) {
        for (let next = this.#next(); next <= to && !this.full; next = this.#next()) {
            this.#happens(next);
        }
        if (!this.full) {
            this.#move(to);
        }
    }

    /** Moves the clock to the next thing that happens. False if nothing will. */
    step() {
        const next = this.#next();
        if (next === Infinity || this.full) {
            return false;
        }
        this.advance(next);
        return true;
    }

    /** Makes a press now, which may do nothing: then the text says why. */
    press(name) {
        if (this.#lookedAt === this.now) {
            // What was due now has happened already.
            this.now += 1;
        }
        this.presses.splice(this.made, 0, { at: this.now, name });
        const done = this.#press();
        return typeof done === 'string' ? done : '';
    }

    /** What was told and decided, in order, until now. */
    steps() {
        this.#look();
        return [...this.#steps, { decisions: this.#ahead.decisions }];
    }

    /** The lines for people. */
    timeline() {
        this.#look();
        return [...this.#steps.map(({ timeline }) => timeline), this.#ahead.timeline].join('').split('\n').filter(Boolean);
    }

    /** What the policy says of itself. */
    explained() {
        this.#look();
        return this.#ahead;
    }

    /** The log until now. */
    log() {
        return `${[...this.#lines, written({ at: this.now })].join('\n')}\n`;
    }

    /** What `replay` prints for that log. */
    decisions() {
        this.#look();
        return [...this.#steps, this.#ahead].map(({ text }) => text).join('');
    }

    /** The time of the next thing that happens: an answer of the world, a press, or a deadline of the policy. */
    #next() {
        return Math.max(this.now, Math.min(this.world.due, this.presses[this.made]?.at ?? Infinity, this.#wake));
    }

    #happens(at) {
        this.#move(at);
        if (this.world.due <= at) {
            this.#tell(this.world.next());
        } else if (this.made < this.presses.length && this.presses[this.made].at <= at) {
            this.#press();
        } else {
            const wake = this.#wake;
            this.#isStale = true;
            this.#look();
            if (this.#wake === wake) {
                this.#wake = Infinity;
            }
        }
    }

    #move(to) {
        this.#isStale ||= to !== this.now && this.#wake <= to;
        this.now = to;
    }

    #press() {
        const { name } = this.presses[this.made];
        this.made += 1;
        const facts = this.world.press(name, this.now);
        if (typeof facts !== 'string') {
            this.#tell(facts);
        }
        return facts;
    }

    #tell(facts) {
        for (const fact of facts) {
            this.#write({ at: this.now, ...fact });
        }
    }

    /** Writes a line into the log, and has its decisions. */
    #write(fact) {
        if (this.#lines.length >= MOST_LINES) {
            this.full = `The log is full: ${MOST_LINES} lines. Restart to go on.`;
            return;
        }
        const line = written(fact);
        const { decisions, timeline } = this.#core.line(this.#number, line);
        this.#lines.push(line);
        const step = { fact: fact.event ? fact : undefined, text: decisions, decisions: parsed(decisions), timeline };
        this.#steps.push(step);
        this.#learn(step.decisions);
        this.#settled += step.decisions.length;
        this.#isStale = true;
        this.version += 1;
    }

    /** The world and the clock learn of decisions that follow the settled ones. */
    #learn(decisions) {
        decisions.slice(Math.max(0, this.#seen - this.#settled)).forEach((decision) => this.world.decided(decision));
        this.#seen = Math.max(this.#seen, this.#settled + decisions.length);
        for (const { wake } of decisions) {
            this.#wake = wake === undefined ? this.#wake : wake ?? Infinity;
        }
    }

    #look() {
        if (!this.#isStale) {
            return;
        }
        const { decisions, ...rest } = this.#core.look(this.#number, this.now);
        this.#ahead = { ...rest, text: decisions, decisions: parsed(decisions) };
        this.version += 1;
        this.#learn(this.#ahead.decisions);
        this.#isStale = false;
        const last = this.#ahead.decisions.at(-1);
        this.#lookedAt = last?.at === this.now ? this.now : -1;
        if (this.#ahead.decisions.length > MOST_AHEAD) {
            this.#write({ at: this.now });
        }
    }
}
