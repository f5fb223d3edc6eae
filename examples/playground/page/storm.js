// The second tab: thousands of clients lose their server together.

import { chart, levels, steps } from './chart.js';
import { byId, drawn, element, say, settled } from './dom.js';
import { Helper } from './helper.js';
import { presetsInto } from './knobs.js';
import { address, shared } from './share.js';
import { clock, count } from './words.js';

const SIDES = ['a', 'b'];
const FIELDS = ['clients', 'capacity', 'outage', 'failure', 'hints', 'storm-seed'];
/** The policy of the first tab, in the lists of policies. */
const BENT = 'connection';

export class Storm {
    #helpers = { a: new Helper(), b: new Helper() };
    #reports;
    #asked = 0;
    #bent;
    #charts = { dials: drawn('svg', { role: 'img' }), online: drawn('svg', { role: 'img' }) };
    #isShown = false;
    #again = settled(250, () => this.run());

    /** `bent` is the first tab, whose policy can be chosen. */
    constructor(core, bent) {
        this.#bent = bent;
        const presets = core.presets();
        for (const [side, chosen] of [['a', 'recommended'], ['b', 'aws-full']]) {
            const select = byId(`policy-${side}`);
            presetsInto(select, presets, chosen);
            select.append(element('optgroup', { label: 'As bent' }, element('option', { value: BENT }, 'the one in “A connection”')));
            select.addEventListener('change', this.#again);
        }
        for (const name of FIELDS) {
            byId(name).addEventListener('input', () => this.#changed());
        }
        byId('storm-form').addEventListener('submit', (event) => event.preventDefault());
        byId('storm-run').addEventListener('click', () => this.run());
        byId('storm-cancel').addEventListener('click', () => this.cancel());
        byId('storm-share').addEventListener('click', () => this.share());
        byId('second').addEventListener('input', () => this.#draw());
        for (const [name, svg] of Object.entries(this.#charts)) {
            byId(`chart-${name}`).append(svg);
        }
        new ResizeObserver(() => this.#draw()).observe(byId('chart-dials'));
        this.#labels();
    }

    /** The tab shows: what was not run yet is. */
    show() {
        if (!this.#isShown) {
            this.#isShown = true;
            this.run();
        }
    }

    /** Takes what a link says. */
    open(parameters) {
        for (const name of [...FIELDS, 'policy-a', 'policy-b']) {
            const value = parameters.get(name);
            const field = byId(name);
            if (value !== null && (field.tagName !== 'SELECT' || [...field.options].some((option) => option.value === value))) {
                field.value = value;
            }
        }
        const setUp = parameters.get('set-up');
        if (setUp) {
            this.#bent.bend(JSON.parse(setUp));
        }
        this.#labels();
        if (this.#isShown) {
            this.run();
        }
    }

    async run() {
        this.cancel();
        this.#asked += 1;
        const asked = this.#asked;
        this.#busy(true);
        try {
            const answers = await Promise.all(SIDES.map((side) => this.#helpers[side].ask({ storm: this.#question(side) })));
            if (asked === this.#asked) {
                this.#reports = { a: answers[0], b: answers[1] };
                this.#busy(false);
                this.#show();
            }
        } catch (error) {
            if (asked === this.#asked) {
                this.#busy(false);
                byId('storm-error').textContent = error ? `${error.message}.` : '';
            }
        }
    }

    /** Gives up what is under way. */
    cancel() {
        SIDES.forEach((side) => this.#helpers[side].cancel());
    }

    async share() {
        const values = Object.fromEntries([...FIELDS, 'policy-a', 'policy-b'].map((name) => [name, byId(name).value]));
        if (SIDES.some((side) => values[`policy-${side}`] === BENT)) {
            values['set-up'] = JSON.stringify(this.#bent.setUp);
        }
        say(await shared(address({ tab: 'storm', ...values })) ? 'The link is copied.' : 'The link is in the address bar.');
    }

    #question(side) {
        const name = byId(`policy-${side}`).value;
        const { preset, config } = name === BENT ? this.#bent.setUp : { preset: name };
        return {
            clients: this.#number('clients'), per_second: this.#number('capacity'), outage_ms: this.#number('outage') * 1000,
            failure: byId('failure').value, hints: byId('hints').disabled ? 'none' : byId('hints').value, seed: this.#number('storm-seed'),
            policy: config ? { preset, config } : { preset },
        };
    }

    #number(name) {
        return Math.max(0, Math.round(Number(byId(name).value)) || 0);
    }

    #changed() {
        this.#labels();
        this.#again();
    }

    #labels() {
        byId('clients-value').textContent = count(this.#number('clients'));
        byId('capacity-value').textContent = `${count(this.#number('capacity'))} a second`;
        // A server that answers nothing gives no hint.
        byId('hints').disabled = byId('failure').value === 'silent';
        byId('outage-value').textContent = clock(this.#number('outage') * 1000, 0);
    }

    #busy(is) {
        byId('storm-out').setAttribute('aria-busy', is);
        // Not disabled in earnest: who has just pressed it keeps the focus.
        byId('storm-cancel').setAttribute('aria-disabled', !is);
        if (is) {
            byId('storm-error').textContent = '';
        }
    }

    /** The last second that is worth a look: when most are back, with both policies. */
    #until() {
        const { a, b } = this.#reports;
        const from = a.measured_from;
        const longest = from + a.ideal * 8 + 10;
        const back = [a, b].map(({ back_most: most }) => from + (most ?? Infinity)).filter((second) => second <= longest);
        return Math.ceil(Math.max(10, Math.max(from + a.ideal, ...back) * 1.15 + 2));
    }

    #show() {
        byId('second').max = this.#until();
        byId('second').value = Math.round(this.#reports.a.measured_from);
        this.#table();
        this.#draw();
    }

    #draw() {
        const width = Math.floor(byId('chart-dials').clientWidth);
        if (!this.#reports || width < 50) {
            return;
        }
        const { a, b } = this.#reports;
        const until = this.#until();
        const second = Number(byId('second').value);
        const capacity = this.#number('capacity');
        const from = a.measured_from;
        const dials = SIDES.map((side) => ({ sort: side, values: steps(this.#reports[side].dials, until) }));
        const shared = { width, until, shade: { to: from, name: 'server down' }, cursor: second };
        const top = (first) => Math.max(...dials.flatMap(({ values }) => values.map(([at, value]) => (at >= first ? value : 0))));
        const [all, after] = [top(0), Math.max(capacity * 1.2, top(from))];
        // What a server that is down refuses in the first seconds would leave no space for the rest.
        const isCut = all > after * 3;
        byId('peak').textContent = isCut ? `at first up to ${count(all)}, beyond the picture` : '';
        chart(this.#charts.dials, {
            ...shared, height: 220, most: isCut ? after * 1.8 : Math.max(all, after) * 1.04, unit: '',
            curves: [{ sort: 'ideal', values: [[0, 0], [from, 0], [from, capacity], [until, capacity]] }, ...dials],
        });
        const share = (report) => report.online.map((online) => (100 * online) / report.clients);
        const ideal = [[0, 0], [from, 0], [from + a.ideal, 100], [until, 100]];
        const online = SIDES.map((side) => {
            const report = this.#reports[side];
            return { sort: side, values: levels(share(report), 100, (100 * report.online_at_end) / report.clients, until) };
        });
        chart(this.#charts.online, { ...shared, height: 200, most: 103, unit: '%', curves: [{ sort: 'ideal', values: ideal }, ...online] });
        this.#charts.dials.setAttribute('aria-label', `Dials a second, up to ${count(all)}; the server takes ${count(capacity)}`);
        this.#charts.online.setAttribute('aria-label', 'Share of the clients that are online; the table below has the figures');
        this.#look(second, { a, b });
    }

    /** What was in one second. */
    #look(second, reports) {
        const said = SIDES.map((side) => {
            const report = reports[side];
            const online = report.online[second] ?? report.online_at_end;
            return `${side.toUpperCase()} ${count(report.dials[second] ?? 0)} dials, ${((100 * online) / report.clients).toFixed(0)} % online`;
        });
        byId('second-value').textContent = `${clock(second * 1000, 0)}: ${said.join('; ')}`;
        byId('second').setAttribute('aria-valuetext', byId('second-value').textContent);
    }

    #table() {
        const seconds = (value) => (value === null ? 'never' : clock(value * 1000, 0));
        const rows = [
            ['Dials a client', (report) => report.dials_a_client.toFixed(1), '1'],
            ['Half are back after', (report) => seconds(report.back_half), seconds(this.#reports.a.ideal / 2)],
            ['99 % are back after', (report) => seconds(report.back_most), seconds(this.#reports.a.ideal * 0.99)],
            ['Times the ideal', (report) => report.times_ideal?.toFixed(2) ?? '–', '1'],
            ['Most dials in a second', (report) => count(report.peak), count(this.#number('capacity'))],
            ['Gave up', (report) => count(report.gave_up), '0'],
        ];
        byId('figures').replaceChildren(...rows.map(([title, of, ideal]) => element('tr', {}, element('th', { scope: 'row' }, title),
            ...SIDES.map((side) => element('td', {}, of(this.#reports[side]))), element('td', {}, ideal))));
        SIDES.forEach((side) => {
            byId(`name-${side}`).textContent = byId(`policy-${side}`).selectedOptions[0].textContent;
        });
    }
}
