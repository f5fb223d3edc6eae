// Single keys, and the list of them. They can be switched off, for whom a stray key does harm.

import { byId, element } from './dom.js';
import { GROUPS } from './presses.js';

const KEY = 'redial-keys';

const GENERAL = [
    ['1 2 3', 'The tabs'], ['Space', 'Play or pause'], ['.', 'To the next thing that happens'], ['0', 'Restart at 0:00'],
    ['+ −', 'Show less or more time'], ['?', 'This list'],
];

/** `keys` maps a key to what it does. */
export function shortcuts(keys) {
    const dialog = byId('help');
    const own = GROUPS.map(({ title, presses }) => [title, presses.map(({ key, label }) => [key, label])]);
    byId('help-lists').append(...[['Everywhere', GENERAL], ...own].map(([title, list]) => element('section', {},
        element('h3', {}, title),
        element('dl', {}, ...list.flatMap(([key, label]) => [element('dt', {}, element('kbd', {}, key)), element('dd', {}, label)])))));
    const single = byId('single-keys');
    try {
        single.checked = localStorage.getItem(KEY) !== 'off';
    } catch {
        single.checked = true;
    }
    single.addEventListener('change', () => {
        try {
            localStorage.setItem(KEY, single.checked ? 'on' : 'off');
        } catch {
            // It holds for this visit.
        }
    });
    byId('help-open').addEventListener('click', () => dialog.showModal());
    byId('help-close').addEventListener('click', () => dialog.close());
    document.addEventListener('keydown', (event) => {
        const types = event.target.closest('input:not([type=range]):not([type=checkbox]), textarea, select');
        if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || dialog.open || types || !single.checked) {
            return;
        }
        const presses = event.key === ' ' && event.target.closest('button, summary, a, [role=tab], input');
        const does = event.key === '?' ? () => dialog.showModal() : keys.get(event.key);
        if (does && !presses) {
            event.preventDefault();
            does();
        }
    });
}
