// Light or dark: as the system says, or as the switch does, which the browser remembers.

import { byId } from './dom.js';

const KEY = 'redial-theme';

const prefersDark = () => matchMedia('(prefers-color-scheme: dark)').matches;

function stored() {
    try {
        return localStorage.getItem(KEY);
    } catch {
        return null;
    }
}

function apply(theme) {
    if (theme) {
        document.documentElement.dataset.theme = theme;
    }
    byId('theme').setAttribute('aria-pressed', (theme ?? (prefersDark() ? 'dark' : 'light')) === 'dark');
}

export function theme() {
    apply(stored());
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => apply(stored()));
    byId('theme').addEventListener('click', () => {
        const next = byId('theme').getAttribute('aria-pressed') === 'true' ? 'light' : 'dark';
        try {
            localStorage.setItem(KEY, next);
        } catch {
            // It holds for this visit.
        }
        apply(next);
    });
}
