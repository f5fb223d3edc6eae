// From events and decisions to what can be drawn: states, waits, dials, heartbeats, subscriptions and marks.

import { when } from './lines.js';
import { cause, mark } from './words.js';

/** The phases in which the connection serves. */
const LIVE = ['restoring', 'online'];
const WAITS = ['waiting', 'parked'];

/** Folds the steps of a log, each with the event that was told, if one was, and the decisions that followed. */
export function story(steps) {
    const fold = new Fold();
    for (const { fact, decisions } of steps) {
        let told = fact;
        for (const decision of decisions) {
            // The timers that fired before it.
            if (told && when(decision) === when(told)) {
                fold.told(told);
                told = undefined;
            }
            fold.decided(decision);
        }
        if (told) {
            fold.told(told);
        }
    }
    return fold.model;
}

/** The part of a list of spans that is open at a time: the last that began until then and has not ended. */
export function at(spans, time) {
    return spans.findLast(({ from, to }) => from <= time && !(to <= time));
}

class Fold {
    model = {
        states: [{ state: 'idle', why: '', from: 0, to: undefined }],
        waits: [], dials: [], marks: [], keys: new Map(), end: 0,
    };
    #newest = 0;
    /** The deadline that was told last. */
    #wake;
    #byEpoch = new Map();
    /** The dials that have not ended. */
    #open = new Set();

    get #state() {
        return this.model.states.at(-1);
    }

    /** An event of the log. */
    told(fact) {
        const time = this.#clock(fact);
        const dial = this.#dial(fact.epoch ?? this.#newest);
        const label = mark(fact);
        if (label) {
            this.model.marks.push({ at: time, label, event: fact.event, gap: fact.counted === false ? fact.gap : 0 });
        }
        switch (fact.event) {
            case 'opened':
                if (dial) dial.opened ??= time;
                break;
            case 'ready': case 'resumed':
                if (dial) dial.live ??= time;
                if (fact.event === 'ready') this.#every((key) => this.#become(key, 'wanted', time));
                break;
            case 'open_failed': case 'closed': case 'send_failed':
                this.#ended(dial, time, fact.cause ? cause(fact.cause) : 'send failed');
                break;
            case 'beat_ack': {
                const beat = dial?.beats.at(-1);
                if (beat) beat.answered ??= time;
                break;
            }
            case 'subscribe': this.#become(fact.key, 'wanted', time); break;
            case 'unsubscribe': this.#become(fact.key, undefined, time); break;
            case 'sub_confirmed': this.#become(fact.key, 'confirmed', time); break;
            case 'sub_failed': case 'sub_lost': this.#become(fact.key, 'wanted', time); break;
            case 'restart':
                this.#open.forEach((each) => this.#ended(each, time, 'the process ended'));
                this.#every((key) => this.#become(key, undefined, time));
                break;
            default:
        }
    }

    decided(decision) {
        const time = this.#clock(decision);
        if (decision.action) {
            this.#acted(decision, time);
        } else if (decision.state && decision.explain === undefined) {
            this.#entered(decision.state, decision.why, time);
        } else if (decision.wake !== undefined) {
            const wait = this.model.waits.at(-1);
            this.#wake = (decision.wake_us === undefined ? decision.wake : decision.wake_us / 1000) ?? undefined;
            if (wait && wait.to === undefined) {
                Object.assign(wait, { until: this.#wake, why: decision.why });
            }
        }
    }

    #acted({ action, epoch, attempt, mode, role, endpoint, keys, reason, detail }, time) {
        switch (action) {
            case 'open':
                this.#newest = epoch;
                this.#dialled({ epoch, attempt, mode, endpoint, successor: role === 'successor', from: time, beats: [] });
                break;
            case 'close': this.#ended(this.#dial(epoch), time, 'closed here'); break;
            case 'beat': this.#dial(epoch)?.beats.push({ at: time, answered: undefined }); break;
            case 'restore': keys.forEach((key) => this.#become(key, 'sent', time)); break;
            case 'promote': {
                const dial = this.#dial(epoch);
                if (dial) dial.live ??= time;
                this.model.marks.push({ at: time, label: `#${epoch} takes over`, event: 'promote' });
                break;
            }
            case 'gave_up':
                this.model.marks.push({ at: time, label: `gave up: ${reason}`, event: 'gave_up', detail });
                break;
            default:
        }
    }

    #entered(state, why, time) {
        const last = this.#state;
        last.to = time;
        this.model.states.push({ state, why, from: time, to: undefined });
        const wait = this.model.waits.at(-1);
        if (wait && wait.to === undefined) {
            wait.to = time;
        }
        if (WAITS.includes(state)) {
            // A deadline that stays the same is not told again.
            this.model.waits.push({ state, from: time, until: this.#wake, to: undefined, why });
        }
        if (LIVE.includes(state)) {
            const dial = [...this.#open].findLast((each) => !each.successor);
            if (dial) dial.live ??= time;
        } else if (!['connecting', 'establishing'].includes(state)) {
            this.#open.forEach((each) => this.#ended(each, time, why));
        }
        if (LIVE.includes(last.state) !== LIVE.includes(state)) {
            this.#every((key) => this.#become(key, this.model.keys.get(key).at(-1).is, time));
        }
    }

    #clock(line) {
        const time = when(line);
        this.model.end = Math.max(this.model.end, time);
        return time;
    }

    #dialled(dial) {
        this.model.dials.push(dial);
        this.#byEpoch.set(dial.epoch, dial);
        this.#open.add(dial);
    }

    #dial(epoch) {
        return this.#byEpoch.get(epoch);
    }

    #ended(dial, time, why) {
        if (dial && dial.to === undefined) {
            Object.assign(dial, { to: time, end: why });
            this.#open.delete(dial);
        }
    }

    #every(change) {
        [...this.model.keys.keys()].filter((key) => this.model.keys.get(key).at(-1).is).forEach(change);
    }

    /** A subscription is something else from here on; it shows as `away` while the connection does not serve. */
    #become(key, is, time) {
        if (!this.model.keys.has(key)) {
            this.model.keys.set(key, []);
        }
        const spans = this.model.keys.get(key);
        const shows = is && (LIVE.includes(this.#state.state) ? is : 'away');
        const last = spans.at(-1);
        if (last && last.to === undefined) {
            if (last.shows === shows) {
                last.is = is;
                return;
            }
            last.to = time;
        }
        spans.push({ is, shows, from: time, to: undefined });
    }
}
