// Tabs, as a keyboard knows them: one of them is in the order of focus, and the arrows lead to the others.

import { byId } from './dom.js';

const NAMES = ['connection', 'storm', 'log'];

const tab = (name) => byId(`tab-${name}`);

export class Tabs {
    /** `shown` is called with the name of the tab that shows. */
    constructor(shown) {
        this.#shown = shown;
        for (const name of NAMES) {
            tab(name).addEventListener('click', () => this.show(name));
            tab(name).addEventListener('keydown', (event) => this.#key(event, NAMES.indexOf(name)));
        }
    }

    #shown;
    current = NAMES[0];

    show(name) {
        this.current = NAMES.includes(name) ? name : NAMES[0];
        for (const other of NAMES) {
            const is = other === this.current;
            tab(other).setAttribute('aria-selected', is);
            tab(other).tabIndex = is ? 0 : -1;
            byId(`panel-${other}`).hidden = !is;
        }
        this.#shown(this.current);
    }

    #key(event, at) {
        const steps = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: NAMES.length - 1 };
        const next = steps[event.key];
        if (next !== undefined) {
            event.preventDefault();
            const name = NAMES[(next + NAMES.length) % NAMES.length];
            this.show(name);
            tab(name).focus();
        }
    }
}
