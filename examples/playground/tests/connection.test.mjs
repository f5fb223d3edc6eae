// The first tab: presses, knobs, the clock, the timeline, links.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { address, decisions, open, saved, step, text, told } from './browser.mjs';
import { replay } from './host.mjs';

/** A connection that is online, and to which nothing happens. */
async function online(page) {
    await page.locator('#story').selectOption('empty');
    assert.equal(await text(page, '#state'), 'Online');
}

const press = (page, label) => page.locator('#faults button', { hasText: label });
const state = (page) => text(page, '#state');
const clock = async (page) => {
    const parts = (await text(page, '#clock')).split(':').map(Number);
    return parts.reduce((sum, part) => sum * 60 + part, 0);
};

/** What follows from a press on a connection that is online: the state at once, a line of the log, and the state in the end. */
const PRESSES = [
    ['Drop', 'Waiting', '"event": "closed", "epoch": 1, "cause": {"ws": null}', 'Online'],
    ['Half-open', 'Online', undefined, 'Online'],
    ['Refuse', 'Waiting', '"cause": {"io": "connection_refused"}', 'Waiting'],
    ['Overload', 'Online', undefined, 'Online'],
    ['Go away', 'Online', '"event": "please_reconnect", "epoch": 1, "deadline": 10000', 'Online'],
    ['Planned restart', 'Waiting', '"window": 20000', 'Online'],
    ['Fatal close', 'Failed', '"cause": {"class": "fatal"}', 'Failed'],
    ['Takeover', 'Waiting', '"cause": {"class": "replaced"}', 'Online'],
    ['Forget session', 'Waiting', '"event": "session_invalid"', 'Online'],
    ['Expire credential', 'Parked', '"event": "credential_ok"', 'Online'],
    ['Offline', 'Online', '"event": "net_down"', 'Parked'],
    ['Change network', 'Connecting', '"event": "network_changed"', 'Online'],
    ['Sleep 1 h', 'Waiting', '"gap": 3600000, "counted": false', 'Online'],
    ['Hide page', 'Online', '"event": "hidden"', 'Online'],
    ['Crash', 'Idle', '"event": "restart", "down_ms": 3000', 'Online'],
    ['Connect', 'Stopped', '"event": "stop"', 'Stopped'],
    ['Retry now', 'Online', '"event": "retry_now"', 'Online'],
    ['Replace', 'Connecting', '"event": "redial"', 'Online'],
    ['Sign out', 'Online', '"event": "hold", "reason": "signed_out"', 'Online'],
];

test('every press does what it says, and the host agrees', async () => {
    await open('', async (page) => {
        const labels = await page.locator('#faults button').evaluateAll((all) => all.map((button) => button.firstChild.textContent));
        assert.deepEqual(labels.toSorted(), PRESSES.map(([label]) => label).toSorted());
        for (const [label, first, line, last] of PRESSES) {
            await online(page);
            const button = press(page, label);
            const toggles = await button.getAttribute('aria-pressed');
            await button.click();
            assert.equal(await state(page), first, label);
            if (toggles !== null) {
                assert.notEqual(await button.getAttribute('aria-pressed'), toggles, label);
            }
            assert.notEqual(await text(page, '#said'), '', label);
            for (let steps = 0; steps < 12; steps += 1) {
                await page.locator('#step').click();
            }
            if (last === 'Online') {
                await step(page, async () => await state(page) === last);
            }
            assert.equal(await state(page), last, label);
            const log = await told(page);
            assert.ok(line === undefined || log.includes(line), `${label}: ${log}`);
            const host = replay(log);
            assert.deepEqual([host.status, host.stderr], [0, ''], label);
            assert.equal(await decisions(page), host.stdout, label);
            if (toggles !== null) {
                await button.click();
                assert.equal(await button.getAttribute('aria-pressed'), toggles, `${label} ends`);
            }
        }
    });
});

test('a press that can do nothing says so and writes no line', async () => {
    await open('', async (page) => {
        await online(page);
        await press(page, 'Fatal close').click();
        const before = await told(page);
        await press(page, 'Drop').click();
        assert.equal(await text(page, '#said'), 'No connection is open.');
        assert.equal(await told(page), before);
    });
});

test('a connection that is parked names what it waits for', async () => {
    await open('', async (page) => {
        await online(page);
        // Until it is stable, so that no deadline is left to be told.
        await page.locator('#step').click();
        for (const [label, sentence] of [['Sign out', 'Hold. The next dial waits for this to end: a condition is missing.'], ['Offline', 'Network. The next dial waits for this to end: no network.']]) {
            await press(page, label).click();
            await press(page, 'Drop').click();
            await step(page, async () => await state(page) === 'Parked', 3);
            assert.equal(await text(page, '#sentence'), sentence);
            await press(page, label).click();
            await step(page, async () => await state(page) === 'Online');
        }
    });
});

test('a half-open connection is found by its heartbeat alone', async () => {
    await open('', async (page) => {
        await online(page);
        await press(page, 'Half-open').click();
        await page.locator('#step').click();
        // The recommended policy has no heartbeat of its own: it stays online, and nothing is due for long.
        assert.equal(await state(page), 'Online');
        await page.locator('summary', { hasText: 'Liveness' }).click();
        await page.locator('#knob-heartbeat-interval_ms').fill('5');
        await page.locator('#knob-heartbeat-interval_ms').blur();
        assert.match(await decisions(page), /"state": "waiting", "why": "missed_beat"/);
    });
});

test('subscriptions come and go', async () => {
    await open('', async (page) => {
        await online(page);
        await page.locator('#key').fill('weather <b>');
        await page.locator('#subscribe button', { hasText: 'Add' }).click();
        await step(page, async () => (await told(page)).includes('"sub_confirmed", "epoch": 1, "key": "weather <b>"'));
        await page.getByRole('button', { name: 'Unsubscribe from orders' }).click();
        const kept = await page.locator('#subscriptions li').evaluateAll((all) => all.map((item) => item.firstChild.textContent));
        assert.deepEqual(kept, ['prices', 'news', 'weather <b>']);
        assert.ok((await page.locator('#connection-view svg text.key').allTextContents()).includes('weather <b>'));
        assert.equal(await decisions(page), replay(await told(page)).stdout);
    });
});

test('a knob that is turned runs the same presses under other settings', async () => {
    await open('', async (page) => {
        const dials = async () => Number(/^Dials (\d+) · /.exec(await text(page, '#counts'))[1]);
        const few = await dials();
        const presses = (log) => log.split('\n').filter((line) => /"(net_down|net_up|woke|start)"/.test(line));
        const before = await told(page);
        await page.locator('#knob-backoff-curve').selectOption('constant');
        await page.locator('#knob-backoff-initial_ms').fill('1,5');
        await page.locator('#knob-backoff-initial_ms').blur();
        const after = await told(page);
        assert.match(after, /^\{"seed": 7, "preset": "recommended", "config": \{"backoff": \{"curve": "constant", "initial_ms": 1500\}\}\}\n/);
        assert.deepEqual(presses(after), presses(before));
        assert.ok(await dials() > few, `${await dials()} dials, and ${few} before`);
        assert.equal(await page.locator('.knob.changed').count(), 2);
        assert.equal(await decisions(page), replay(after).stdout);
        await page.locator('#as-preset').click();
        assert.equal(await told(page), before);
        assert.equal(await page.locator('.knob.changed').count(), 0);
    });
});

test('every knob takes another value, and the host the log that follows', async () => {
    await open('', async (page) => {
        await page.locator('#knobs summary').evaluateAll((all) => all.forEach(({ parentElement }) => { parentElement.open = true; }));
        // Those of the curves that have them, and a breaker that is there.
        await page.locator('#preset').selectOption('signalr');
        await page.locator('#knob-backoff-curve').selectOption('exponential');
        await page.locator('#knob-breaker').check();
        const knobs = await page.locator('#knobs :is(input, select):visible').evaluateAll((all) => all.map(({ id }) => id));
        assert.ok(knobs.length >= 25, `${knobs.length} knobs`);
        for (const id of knobs) {
            const knob = page.locator(`#${id}`);
            const before = await told(page);
            const kind = await knob.evaluate(({ tagName, type }) => (tagName === 'SELECT' ? 'select' : type));
            if (kind === 'select') {
                const others = await knob.evaluate(({ options, value }) => [...options].map((option) => option.value).filter((other) => other !== value));
                await knob.selectOption(id === 'knob-backoff-curve' ? 'linear' : others[0]);
            } else if (kind === 'checkbox') {
                await knob.click();
            } else {
                await knob.fill(id.includes('factor') ? '3/2' : String(Number((await knob.inputValue()) || '7') + 1));
                await knob.blur();
            }
            assert.equal(await text(page, '#knobs-error'), '', id);
            const log = await told(page);
            assert.notEqual(log, before, id);
            const host = replay(log);
            assert.equal(host.status, 0, `${id}: ${host.stderr}`);
            assert.equal(await decisions(page), host.stdout, id);
            await page.locator('#knob-breaker').check();
            await page.locator('#knob-backoff-curve').selectOption('exponential');
        }
    });
});

test('a setting that is refused names its key and the way out, and the run goes on', async () => {
    await open('', async (page) => {
        const before = await told(page);
        const refused = async (pattern) => {
            assert.match(await text(page, '#knobs-error'), pattern);
            assert.equal(await told(page), before);
        };
        await page.locator('#knob-backoff-initial_ms').fill('0');
        await page.locator('#knob-backoff-initial_ms').blur();
        await refused(/"config\.backoff/);
        await page.locator('#knob-backoff-max_ms').fill('soon');
        await page.locator('#knob-backoff-max_ms').blur();
        await refused(/"config\.backoff\.max_ms" must be .*"soon"/);
        await page.locator('summary', { hasText: 'All keys' }).click();
        await page.locator('#keys').fill('{"backoff": {"max": 9}}');
        await page.waitForFunction(() => document.getElementById('knobs-error').textContent.includes('did you mean'));
        await refused(/unknown key "config\.backoff\.max"; did you mean "max_ms"\?/);
        await page.locator('#keys').fill('{"backoff"');
        await page.waitForFunction(() => document.getElementById('knobs-error').textContent.includes('JSON'));
        await refused(/not valid JSON/);
        await page.locator('#keys').fill('{"max_attempts": 1}');
        await page.waitForFunction(() => document.getElementById('knobs-error').textContent === '');
        assert.match(await told(page), /^\{"seed": 7, "preset": "recommended", "config": \{"max_attempts": 1\}\}\n/);
    });
});

test('another seed draws other waits, and the same seed the same', async () => {
    await open('', async (page) => {
        const before = await decisions(page);
        await page.locator('#seed').fill('8');
        await page.locator('#seed').blur();
        assert.notEqual(await decisions(page), before);
        await page.locator('#seed').fill('7');
        await page.locator('#seed').blur();
        assert.equal(await decisions(page), before);
        await page.locator('#new-seed').click();
        assert.notEqual(await page.locator('#seed').inputValue(), '7');
        assert.equal(await decisions(page), replay(await told(page)).stdout);
        await page.locator('#seed').fill('-1');
        await page.locator('#seed').blur();
        assert.match(await text(page, '#knobs-error'), /"seed"/);
    });
});

test('the clock plays, pauses, steps and begins again', async () => {
    await open('', async (page) => {
        assert.equal(await page.locator('#play').getAttribute('aria-label'), 'Pause');
        await page.waitForFunction(() => document.getElementById('clock').textContent !== '0:00.0');
        await page.locator('#speed').selectOption('100');
        await page.waitForFunction(() => document.getElementById('clock').textContent > '0:30');
        await page.locator('#play').click();
        assert.equal(await page.locator('#play').getAttribute('aria-label'), 'Play');
        const stood = await clock(page);
        await page.evaluate(() => new Promise((later) => { requestAnimationFrame(() => requestAnimationFrame(later)); }));
        assert.equal(await clock(page), stood);
        await page.locator('#restart').click();
        assert.equal(await clock(page), 0);
        for (const speed of ['1', '4', '10', '30']) {
            await page.locator('#speed').selectOption(speed);
            const from = await clock(page);
            await page.locator('#play').click();
            await page.waitForFunction((shown) => document.getElementById('clock').textContent !== shown, await text(page, '#clock'));
            await page.locator('#play').click();
            assert.ok(await clock(page) > from, speed);
        }
    }, { reducedMotion: 'no-preference' });
});

test('with little motion nothing moves until it is asked to', async () => {
    await open('', async (page) => {
        assert.equal(await page.locator('#play').getAttribute('aria-label'), 'Play');
        assert.equal(await clock(page), 400);
        await page.locator('#play').click();
        await page.waitForFunction(() => document.getElementById('clock').textContent !== '6:40.0');
    });
});

test('the timeline shows states by name, and any moment of it', async () => {
    await open('', async (page) => {
        await page.getByRole('button', { name: 'Show all of it' }).click();
        const names = await page.locator('#connection-view text.state').allTextContents();
        assert.ok(names.includes('Online') && names.includes('Waiting'), names.join());
        const range = page.locator('#connection-view-range');
        await range.fill('85000');
        assert.equal(await state(page), 'Waiting');
        assert.match(await text(page, '#sentence'), /The next dial is at \d+:\d\d\.\d, in [\d.]+ m?s: backoff\.$/);
        assert.match(await range.getAttribute('aria-valuetext'), /^1:2\d\.\d, waiting$/);
        const span = () => text(page, '#connection-view output');
        const whole = await span();
        await page.getByRole('button', { name: 'Show less time' }).click();
        assert.notEqual(await span(), whole);
        await page.getByRole('button', { name: 'Show more time' }).click();
        await page.getByRole('button', { name: 'Show all of it' }).click();
        const box = await page.locator('#connection-view svg').boundingBox();
        await page.mouse.click(box.x + 110, box.y + 60);
        assert.ok(await clock(page) < 6, 'a click looks at the place of the pointer');
        await page.mouse.click(box.x + box.width - 2, box.y + 60);
        assert.equal(await clock(page), 400);
        assert.match(await page.locator('#connection-view svg').getAttribute('aria-label'), /^Timeline from 0:00/);
    });
});

test('a link opens what it was made of, and goes on from there', async () => {
    await open('', async (page, context) => {
        await context.grantPermissions(['clipboard-read', 'clipboard-write']);
        await page.locator('#knob-backoff-initial_ms').fill('2');
        await page.locator('#knob-backoff-initial_ms').blur();
        await press(page, 'Drop').click();
        await page.locator('#key').fill('a~b.c');
        await page.locator('#subscribe button', { hasText: 'Add' }).click();
        await page.locator('#share').click();
        await page.waitForFunction(() => location.hash.includes('log='));
        const link = await page.evaluate(() => navigator.clipboard.readText());
        assert.equal(link, page.url());
        const [log, said] = [await told(page), await decisions(page)];
        assert.equal(await saved(page, '#save-log'), log);
        for (let steps = 0; steps < 8; steps += 1) await page.locator('#step').click();
        const later = await told(page);
        await open(link.slice(address().length), async (other) => {
            assert.equal(await told(other), log);
            assert.equal(await decisions(other), said);
            assert.equal(await other.locator('#knob-backoff-initial_ms').inputValue(), '2');
            for (let steps = 0; steps < 8; steps += 1) await other.locator('#step').click();
            assert.equal(await told(other), later);
        });
    });
});

test('a link whose presses do not give its log opens as a log, and one that is cut says so', async () => {
    await open('', async (page) => {
        await page.locator('#share').click();
        await page.waitForFunction(() => location.hash.includes('log='));
        const fragment = page.url().slice(address().length);
        const log = await told(page);
        await open(fragment.replace('8000.drop', '8000.fatal'), async (other) => {
            await other.waitForFunction(() => !document.getElementById('log-out').hidden);
            assert.equal(await other.locator('#panel-log').isVisible(), true);
            assert.equal(await saved(other, '#log-save'), log);
        });
        for (const cut of [fragment.replace(/log=([^&]{100})[^&]*/, 'log=$1'), '#tab=connection&log=nonsense', fragment.replace('8000.drop', '8000.nothing')]) {
            await open(cut, async (other) => {
                assert.match(await text(other, '#said'), /^The link can't be opened: .+\.$/);
                assert.ok(await clock(other) > 60, 'the first story shows');
            });
        }
    });
});

test('a log that is full says so and stops', async () => {
    await open('', async (page) => {
        await online(page);
        await page.locator('summary', { hasText: 'Liveness' }).click();
        await page.locator('#knob-heartbeat-interval_ms').fill('0.13');
        await page.locator('#knob-heartbeat-interval_ms').blur();
        await page.locator('#speed').selectOption('100');
        await page.locator('#play').click();
        await page.waitForFunction(() => document.getElementById('said').textContent.startsWith('The log is full: 5000 lines'));
        assert.equal(await page.locator('#play').getAttribute('aria-label'), 'Play');
        const host = replay(await told(page));
        assert.equal(await decisions(page), host.stdout);
    });
});
