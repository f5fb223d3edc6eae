// The first tab: one connection on a virtual clock.

import { byId, element, save, say, wantsLittleMotion } from './dom.js';
import { Knobs } from './knobs.js';
import { columns } from './lines.js';
import { BY_KEY, GROUPS, STORIES, nameOf, read, spelt } from './presses.js';
import { Run } from './run.js';
import { address, packed, shared } from './share.js';
import { story } from './story.js';
import { View, described, list } from './view.js';
import { capital, clock } from './words.js';

const SEED = 7;
const PRESET = 'recommended';
/** The list shows what is at most so long ago. */
const RECENT = 600_000;
/** A frame counts for at most so many milliseconds of real time. */
const FRAME = 250;

export class Connection {
    #core;
    #run;
    #knobs;
    #view;
    #isPlaying = false;
    #drawnAt = 0;
    #folded = { version: -1 };
    #buttons = new Map();
    #said = '';

    constructor(core) {
        this.#core = core;
        this.#view = new View(byId('connection-view'), () => this.#show());
        this.#run = new Run(core, { seed: SEED, preset: PRESET });
        this.#knobs = new Knobs(core, this.#run.setUp, (setUp) => this.#bend(setUp));
        byId('story').append(...STORIES.map(({ name, title }) => element('option', { value: name }, title)));
        byId('faults').append(...GROUPS.map((group) => this.#group(group)));
        const clicks = {
            play: () => this.play(), step: () => this.step(), restart: () => this.restart(), share: () => this.share(),
            'save-log': () => save('connection.jsonl', this.#run.log()),
        };
        Object.entries(clicks).forEach(([id, does]) => byId(id).addEventListener('click', does));
        byId('story').addEventListener('change', () => this.tell(byId('story').value));
        byId('shown-as').addEventListener('change', () => this.#show(true));
        byId('subscribe').addEventListener('submit', (event) => this.#subscribe(event));
    }

    /** Begins a story: at once where motion is welcome, else at its end. */
    tell(name) {
        const chosen = STORIES.find((each) => each.name === name) ?? STORIES[0];
        byId('story').value = chosen.name;
        this.#begin(this.#knobs.setUp, chosen.presses);
        if (wantsLittleMotion()) {
            this.#run.advance(chosen.until * 1000);
            this.pause();
            this.#view.whole();
        } else if (!this.#isPlaying) {
            this.play();
        }
        this.#show(true);
    }

    /** Shows what a link has: its presses, if they give its log. */
    async open(log, presses) {
        const [first, ...rest] = log.trimEnd().split('\n');
        const end = JSON.parse(rest.at(-1) ?? '{"at": 0}').at;
        const run = new Run(this.#core, JSON.parse(first), read(presses));
        run.advance(end);
        if (run.log() !== log) {
            run.close();
            return false;
        }
        this.pause();
        this.#take(run);
        this.#knobs.show(run.setUp);
        this.#show(true);
        return true;
    }

    play() {
        this.#isPlaying = !this.#isPlaying;
        this.#shownPlaying();
        if (this.#isPlaying) {
            this.#view.look(Infinity);
            this.#drawnAt = performance.now();
            requestAnimationFrame((time) => this.#frame(time));
        }
    }

    pause() {
        this.#isPlaying = false;
        this.#shownPlaying();
    }

    step() {
        this.pause();
        this.#view.cursor = undefined;
        if (!this.#run.step()) {
            say(this.#run.full || 'Nothing is due: press something.');
        }
        this.#show(true);
    }

    restart() {
        this.#begin(this.#run.setUp, this.#run.presses);
        this.#show(true);
    }

    zoom(steps) {
        this.#view.zoom(steps);
    }

    press(press) {
        const name = nameOf(press, this.#run.world);
        this.#pressed(name, `${press.label}: ${name === press.name ? press.hint : 'ended.'}`);
    }

    /** The settings as they are. */
    get setUp() {
        return this.#run.setUp;
    }

    /** The key of a press, if it has one. */
    keys() {
        return [...BY_KEY].map(([key, press]) => [key, () => this.press(press)]);
    }

    async share() {
        const url = address({ tab: 'connection', log: await packed(this.#run.log()), do: spelt(this.#run.presses) });
        say(await shared(url) ? 'The link is copied. It holds the whole log.' : 'The link is in the address bar. It holds the whole log.');
    }

    #begin(setUp, presses) {
        this.#take(new Run(this.#core, setUp, presses));
        this.#run.advance(0);
    }

    #take(run) {
        this.#run.close();
        this.#run = run;
        this.#view.cursor = undefined;
    }

    /** The same presses under other settings. */
    bend(setUp) {
        this.#knobs.show(setUp);
        this.#bend(setUp);
    }

    #bend(setUp) {
        const { now, presses } = this.#run;
        this.#begin(setUp, presses);
        this.#run.advance(now);
        this.#show(true);
    }

    #pressed(name, done) {
        const refused = this.#run.press(name);
        this.#view.cursor = undefined;
        say(refused || this.#run.full || done);
        this.#show(true);
    }

    #subscribe(event) {
        event.preventDefault();
        const key = byId('key').value.trim();
        if (key) {
            this.#pressed(`sub:${key}`, `Subscribed to ${key}.`);
            byId('key').value = '';
        }
    }

    #frame(time) {
        if (!this.#isPlaying) {
            return;
        }
        // Little motion: four pictures a second, each still.
        if (!wantsLittleMotion() || time - this.#drawnAt >= FRAME) {
            const passed = Math.min(FRAME, Math.max(0, time - this.#drawnAt));
            this.#drawnAt = time;
            this.#run.advance(Math.round(this.#run.now + passed * Number(byId('speed').value)));
            if (this.#run.full) {
                this.pause();
                say(this.#run.full);
            }
            this.#show();
        }
        requestAnimationFrame((next) => this.#frame(next));
    }

    #group({ title, presses }) {
        const buttons = presses.map((press) => {
            const { key, label, hint, off } = press;
            const button = element('button', {
                type: 'button', title: hint, 'aria-pressed': off ? 'false' : undefined, 'aria-keyshortcuts': key, onclick: () => this.press(press),
            }, label, element('kbd', { 'aria-hidden': 'true' }, key));
            this.#buttons.set(press, button);
            return button;
        });
        return element('fieldset', {}, element('legend', {}, title), element('div', { class: 'presses' }, ...buttons));
    }

    #shownPlaying() {
        byId('play').setAttribute('aria-label', this.#isPlaying ? 'Pause' : 'Play');
        byId('play').dataset.playing = this.#isPlaying;
    }

    /** Draws what there is; the list only where something changed. */
    #show(always = false) {
        const run = this.#run;
        const explained = run.explained();
        const isNew = always || this.#folded.version !== run.version;
        if (isNew) {
            this.#folded = { version: run.version, model: story(run.steps()), lines: run.timeline().map(columns) };
        }
        const { model, lines } = this.#folded;
        if (this.#view.cursor === undefined || isNew) {
            this.#view.set(model, run.now);
        }
        this.#status(explained);
        if (isNew) {
            this.#shows(run, lines);
        }
    }

    #status({ explain, stats: { stats } }) {
        const moment = this.#view.moment();
        const { time, state, wait } = moment;
        byId('state').textContent = capital(state.state);
        byId('state').className = `badge ${state.state}`;
        byId('clock').textContent = clock(time);
        byId('sentence').textContent = described(moment);
        const length = wait?.until === undefined ? 0 : wait.until - wait.from;
        byId('left').value = length > 0 ? Math.max(0, (wait.until - time) / length) : 0;
        byId('left').classList.toggle('gone', length <= 0);
        byId('explain').textContent = this.#view.cursor === undefined ? explain?.explain ?? '' : 'The clock is further on than the moment you look at.';
        const counted = { dials: stats?.opens, established: stats?.established, failed: stats?.failed, resumed: stats?.resumed };
        byId('counts').textContent = Object.entries(counted).map(([name, value]) => `${capital(name)} ${value ?? 0}`).join(' · ');
        if (state.state !== this.#said && this.#view.cursor === undefined) {
            this.#said = state.state;
            byId('announced').textContent = `${capital(state.state)} at ${clock(time)}`;
        }
    }

    #shows(run, lines) {
        for (const [press, button] of this.#buttons) {
            if (press.off) {
                button.setAttribute('aria-pressed', press.pressed(run.world));
            }
        }
        const as = byId('shown-as').value;
        byId('decisions').hidden = as === 'people';
        byId('list').hidden = as !== 'people';
        if (as !== 'people') {
            byId('decisions').textContent = as === 'log' ? run.log() : run.decisions();
        } else {
            list(byId('lines'), lines, run.now - RECENT, run.now, true);
        }
        byId('subscriptions').replaceChildren(...[...run.world.keys].map((key) => element('li', {}, key, element('button', {
            type: 'button', 'aria-label': `Unsubscribe from ${key}`, onclick: () => this.#pressed(`unsub:${key}`, `Unsubscribed from ${key}.`),
        }, '×'))));
    }
}
