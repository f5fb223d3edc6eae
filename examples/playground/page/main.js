// The page: three tabs over one core.

import { Connection } from './connection.js';
import { Core } from './core.js';
import { byId, say } from './dom.js';
import { Log } from './log.js';
import { address, parameters, unpacked } from './share.js';
import { shortcuts } from './shortcuts.js';
import { Storm } from './storm.js';
import { Tabs } from './tabs.js';
import { theme } from './theme.js';

async function begin() {
    theme();
    const core = await Core.load();
    const connection = new Connection(core);
    const storm = new Storm(core, connection);
    const log = new Log();
    const tabs = new Tabs((name) => {
        if (parameters().get('tab') !== name) {
            history.replaceState(null, '', address({ tab: name }));
        }
        if (name === 'storm') {
            storm.show();
        }
        if (name !== 'connection') {
            connection.pause();
        }
    });
    const only = (does) => () => tabs.current === 'connection' && does();
    shortcuts(new Map([
        ['1', () => tabs.show('connection')], ['2', () => tabs.show('storm')], ['3', () => tabs.show('log')],
        [' ', only(() => connection.play())], ['.', only(() => connection.step())], ['0', only(() => connection.restart())],
        ['+', () => (tabs.current === 'log' ? log : connection).zoom(-1)], ['-', () => (tabs.current === 'log' ? log : connection).zoom(1)],
        ...connection.keys().map(([key, does]) => [key, only(does)]),
    ]));
    /** Shows what the address says. */
    const open = async () => {
        const said = parameters();
        const text = said.get('log');
        const tab = said.get('tab') ?? 'connection';
        if (tab === 'storm') {
            storm.open(said);
        } else if (text) {
            const whole = await unpacked(text);
            if (tab === 'connection' && await connection.open(whole, said.get('do') ?? '')) {
                return tabs.show('connection');
            }
            if (tab === 'connection') {
                say('This link was made by another version of the page: its log opens as a log.');
            }
            tabs.show('log');
            return log.openText(whole);
        } else if (tab === 'connection') {
            connection.tell('day');
        }
        tabs.show(tab);
    };
    const opened = () => open().catch((error) => {
        connection.tell('day');
        tabs.show('connection');
        say(`The link can't be opened: ${error.message}.`);
    });
    addEventListener('hashchange', opened);
    byId('skip').addEventListener('click', (event) => {
        // The address is the link of what is shown.
        event.preventDefault();
        byId('main').focus();
    });
    await opened();
    document.body.dataset.ready = '';
}

begin().catch((error) => {
    byId('broken').hidden = false;
    byId('broken').textContent = `The page can't start: ${error.message}.`;
});
