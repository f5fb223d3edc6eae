// The settings of a policy as a form: a preset, and what is laid over it.

import { byId, element, settled } from './dom.js';

const words = (...list) => Object.fromEntries(list.map((word) => [word, word.replaceAll('_', ' ')]));

/** The knobs with their place in a config. A span is in milliseconds there, and in seconds here. */
const KNOBS = [
    ['Waits', [
        { path: 'backoff.curve', label: 'Curve', choices: words('exponential', 'linear', 'constant', 'fibonacci', 'quadratic', 'elapsed', 'windows') },
        { path: 'backoff.initial_ms', label: 'First wait', seconds: true },
        { path: 'backoff.factor', label: 'Factor', hint: '2, or 3/2' },
        { path: 'backoff.scale_ms', label: 'Window', seconds: true },
        { path: 'backoff.max_ms', label: 'Longest wait', seconds: true },
        { path: 'backoff.jitter', label: 'Jitter', choices: words('none', 'full', 'equal', 'decorrelated', 'decorrelated_v2') },
        { path: 'reset_after_stable_ms', label: 'Stable after', seconds: true, none: 'by the cap' },
        { path: 'min_interval_ms', label: 'Least distance', seconds: true },
    ]],
    ['Limits', [
        { path: 'max_attempts', label: 'Attempts' },
        { path: 'max_elapsed_ms', label: 'Outage', seconds: true },
        { path: 'connect_timeout_ms', label: 'A dial', seconds: true },
        { path: 'ready_timeout_ms', label: 'A session', seconds: true },
        { path: 'max_age_ms', label: 'Age of a connection', seconds: true },
    ]],
    ['Liveness', [
        { path: 'heartbeat.interval_ms', label: 'Heartbeat every', seconds: true },
        { path: 'heartbeat.answer_within_ms', label: 'Answered within', seconds: true },
        { path: 'heartbeat.missed', label: 'Missed' },
        { path: 'establish', label: 'Counts as up', choices: { on_ready: 'when ready', on_open: 'when open' } },
    ]],
    ['Session', [
        { path: 'resume.enabled', label: 'Resume', toggle: true },
        { path: 'restore.batch', label: 'Subscriptions at once' },
        { path: 'restore.interval_ms', label: 'Between batches', seconds: true },
        { path: 'handover', label: 'Hand over when announced', object: { timeout_ms: 10_000, drain_ms: 0 } },
    ]],
    ['Breaker and host', [
        { path: 'breaker', label: 'Circuit breaker', object: { failures: 5, open_ms: 60_000 } },
        { path: 'breaker.failures', label: 'Opens after' },
        { path: 'breaker.open_ms', label: 'Open for', seconds: true },
        { path: 'network.on_down', label: 'Offline', choices: words('park', 'drop', 'probe', 'ignore') },
        { path: 'on_wake', label: 'After a sleep', choices: words('redial', 'probe') },
        { path: 'visibility', label: 'Hidden page', choices: { defer: 'waits', ignore: 'dials all the same' } },
    ]],
];

/** Those that some configs have and others don't. */
const OF_SOME = ['backoff.factor', 'backoff.scale_ms', 'breaker.failures', 'breaker.open_ms'];

const OWN = ['recommended', 'websocket', 'fleet', 'eager', 'few', 'battery'];

/** Fills a list of presets: this project's first. */
export function presetsInto(select, presets, chosen) {
    const options = (names) => names.map((name) => element('option', { value: name, selected: name === chosen }, name));
    select.replaceChildren(
        element('optgroup', { label: 'Recommended here' }, ...options(presets.filter((name) => OWN.includes(name)))),
        element('optgroup', { label: 'As another client does' }, ...options(presets.filter((name) => !OWN.includes(name)))),
    );
}

const at = (object, path) => path.split('.').reduce((part, key) => part?.[key], object);

/** The same object with another value at a path; `undefined` takes it away, and what is empty then. */
function changed(object, path, value) {
    const [key, ...rest] = path.split('.');
    const copy = { ...object };
    const inner = rest.length ? changed(typeof copy[key] === 'object' ? copy[key] ?? {} : {}, rest.join('.'), value) : value;
    const isGone = inner === undefined || (rest.length && inner !== null && Object.keys(inner).length === 0);
    if (isGone) {
        delete copy[key];
    } else {
        copy[key] = inner;
    }
    return copy;
}

export class Knobs {
    #core;
    #changed;
    #fields = new Map();
    setUp;

    /** `changedTo` is called with each set-up that the core takes. */
    constructor(core, setUp, changedTo) {
        this.#core = core;
        this.#changed = changedTo;
        this.setUp = setUp;
        const preset = byId('preset');
        presetsInto(preset, core.presets(), setUp.preset);
        preset.addEventListener('change', () => this.#try({ seed: this.setUp.seed, preset: preset.value }));
        byId('seed').addEventListener('change', () => this.#try({ ...this.setUp, seed: Number(byId('seed').value) }));
        byId('new-seed').addEventListener('click', () => this.#try({ ...this.setUp, seed: crypto.getRandomValues(new Uint32Array(1))[0] }));
        byId('as-preset').addEventListener('click', () => this.#try({ seed: this.setUp.seed, preset: this.setUp.preset }));
        byId('keys').addEventListener('input', settled(400, () => this.#read()));
        byId('knobs').append(...KNOBS.map(([title, knobs], number) => this.#group(title, knobs, number === 0)));
        this.show(setUp);
    }

    /** Shows another set-up. */
    show(setUp) {
        const { config, handover } = this.#core.config(setUp);
        this.setUp = setUp;
        const all = handover ? { ...config, handover } : config;
        byId('preset').value = setUp.preset ?? '';
        byId('seed').value = setUp.seed ?? 0;
        const own = setUp.config ?? {};
        byId('as-preset').hidden = Object.keys(own).length === 0;
        byId('keys').value = JSON.stringify(own, null, 2);
        for (const [path, { knob, input, row }] of this.#fields) {
            row.classList.toggle('changed', at(own, path) !== undefined);
            row.hidden = OF_SOME.includes(path) && at(all, path) === undefined;
            fill(knob, input, at(all, path));
        }
        this.#complain('');
    }

    #group(title, knobs, open) {
        const rows = knobs.map((knob) => {
            const id = `knob-${knob.path.replaceAll('.', '-')}`;
            const input = this.#input(knob, id);
            const unit = knob.seconds ? element('span', { class: 'unit' }, 's') : undefined;
            const row = element('div', { class: 'knob' }, element('label', { for: id }, knob.label), element('span', { class: 'value' }, input, unit));
            this.#fields.set(knob.path, { knob, input, row });
            return row;
        });
        return element('details', { open }, element('summary', {}, title), element('div', { class: 'rows' }, ...rows));
    }

    #input({ path, choices, toggle, object, hint, none }, id) {
        const onchange = (event) => this.#turned(path, event.target);
        if (choices) {
            const options = Object.entries(choices).map(([value, text]) => element('option', { value }, text));
            return element('select', { id, onchange }, ...options);
        }
        if (toggle || object) {
            return element('input', { id, type: 'checkbox', onchange });
        }
        return element('input', { id, type: 'text', inputmode: hint ? 'text' : 'decimal', autocomplete: 'off', placeholder: hint ?? none ?? 'none', onchange });
    }

    #turned(path, input) {
        const { knob } = this.#fields.get(path);
        let config = changed(this.setUp.config ?? {}, path, value(knob, input));
        if (path === 'backoff.curve') {
            // What another curve means by these is no business of this one.
            config = ['factor', 'scale_ms', 'step_ms'].reduce((left, key) => changed(left, `backoff.${key}`, undefined), config);
        }
        this.#try({ ...this.setUp, config });
    }

    /** The keys as JSON. */
    #read() {
        let config;
        try {
            config = JSON.parse(byId('keys').value || '{}');
        } catch (error) {
            return this.#complain(`The keys are not valid JSON: ${error.message}.`);
        }
        if (JSON.stringify(config) !== JSON.stringify(this.setUp.config ?? {})) {
            this.#try({ ...this.setUp, config });
        }
    }

    #try({ seed, preset, config }) {
        const setUp = { seed, preset };
        if (config && Object.keys(config).length) {
            setUp.config = config;
        }
        try {
            this.#core.config(setUp);
            this.#changed(setUp);
        } catch (error) {
            return this.#complain(`${error.message}. The run goes on with what was set before.`);
        }
        this.show(setUp);
    }

    #complain(text) {
        byId('knobs-error').textContent = text;
    }
}

/** What a field says, as a config has it. */
function value({ choices, toggle, object, seconds, hint }, input) {
    if (toggle) {
        return input.checked;
    }
    if (object) {
        return input.checked ? object : null;
    }
    const text = input.value.trim();
    if (choices || hint) {
        return text;
    }
    if (text === '') {
        return null;
    }
    const number = Number(text.replace(',', '.'));
    // What is no number is the core's to refuse, with its reason.
    return Number.isFinite(number) ? (seconds ? Math.round(number * 1000) : number) : text;
}

function fill({ choices, toggle, object, seconds }, input, is) {
    if (toggle || object) {
        input.checked = Boolean(is);
        return;
    }
    if (choices) {
        const word = typeof is === 'object' && is !== null ? written(is) : is ?? '';
        if (!(word in choices) && ![...input.options].some((option) => option.value === word)) {
            input.append(element('option', { value: word }, word || 'none'));
        }
        input.value = word;
        return;
    }
    input.value = is === undefined || is === null ? '' : seconds ? Number(is) / 1000 : is;
}

/** A jitter with numbers, in few characters. */
const written = (jitter) => Object.entries(jitter).map(([name, of]) => `${name.replaceAll('_', ' ')} ${[of].flat().join(' to ')}`).join(', ');
