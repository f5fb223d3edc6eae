// The second tab: storms in a worker, two policies side by side.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { address, open, text } from './browser.mjs';

const { question, answer } = JSON.parse(readFileSync(new URL('storm.json', import.meta.url), 'utf8'));

const settled = (page) => page.waitForFunction(() => document.getElementById('storm-out').getAttribute('aria-busy') === 'false'
    && document.querySelector('#figures td'));
const figures = (page) => page.locator('#figures tr').evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));

/** Puts a slider to a value, as a drag does. */
const slide = (page, id, value) => page.locator(`#${id}`).fill(String(value));

/** Begins a storm of more clients than the page offers, which is under way for long enough to do something meanwhile. */
async function long(page) {
    await page.locator('#clients').evaluate((slider) => {
        slider.max = 100_000;
        slider.value = 100_000;
        slider.dispatchEvent(new Event('input', { bubbles: true }));
    });
    await page.waitForFunction(() => document.getElementById('storm-cancel').ariaDisabled === 'false');
}

/** Changes the storm, and waits until the figures are those of the change. */
async function change(page, does) {
    await page.locator('#figures').evaluate((body) => body.replaceChildren());
    await does();
    await settled(page);
    return figures(page);
}

test('the core in the browser gives the figures of the host', async () => {
    await open('#tab=storm', async (page) => {
        const said = await page.evaluate(async (asked) => {
            const { Core } = await import('./core.js');
            return (await Core.load()).storm(asked);
        }, question);
        assert.deepEqual(said, answer);
    });
});

test('two policies are drawn side by side with an ideal, and in a table', async () => {
    await open('#tab=storm', async (page) => {
        await settled(page);
        for (const name of ['dials', 'online']) {
            const curves = await page.locator(`#chart-${name} path`).evaluateAll((all) => all.map((path) => [path.getAttribute('class'), path.getAttribute('d').length]));
            assert.deepEqual(curves.map(([sort]) => sort), ['curve ideal', 'curve a', 'curve b']);
            assert.ok(curves.slice(1).every(([, length]) => length > 500), name);
        }
        const [[title, a, b, ideal]] = await figures(page);
        assert.deepEqual([title, ideal], ['Dials a client', '1']);
        assert.ok(Number(a) > 1 && Number(b) > Number(a), `${a} and ${b}`);
        assert.equal(await text(page, '#name-a'), 'recommended');
        const before = await text(page, '#second-value');
        await slide(page, 'second', 3);
        assert.match(await text(page, '#second-value'), /^0:03: A \d.* dials, \d+ % online; B \d.* dials, \d+ % online$/);
        assert.notEqual(await text(page, '#second-value'), before);
    });
});

test('every control of a storm changes it', async () => {
    await open('#tab=storm', async (page) => {
        await settled(page);
        await change(page, () => slide(page, 'clients', 1000));
        let before = await figures(page);
        const changes = [
            ['capacity', () => slide(page, 'capacity', 50)],
            ['outage', () => slide(page, 'outage', 20)],
            ['hints: all', () => page.locator('#hints').selectOption('constant')],
            ['hints: each', () => page.locator('#hints').selectOption('appointments')],
            ['hints: window', () => page.locator('#hints').selectOption('window')],
            ['failure', () => page.locator('#failure').selectOption('silent')],
            ['policy A', () => page.locator('#policy-a').selectOption('socket-io')],
            ['policy B', () => page.locator('#policy-b').selectOption('grpc')],
            ['seed', () => page.locator('#storm-seed').fill('77')],
        ];
        for (const [name, does] of changes) {
            const after = await change(page, does);
            assert.notDeepEqual(after, before, name);
            before = after;
        }
        assert.equal(await page.locator('#hints').isDisabled(), true, 'a server that answers nothing gives no hint');
        assert.equal(await text(page, '#capacity-value'), '50 a second');
        assert.equal(await text(page, '#outage-value'), '0:20');
        assert.deepEqual(await change(page, () => page.locator('#storm-run').click()), before, 'the same again');
    });
});

test('a storm that is cancelled draws nothing, and the next one does', async () => {
    await open('#tab=storm', async (page) => {
        await settled(page);
        const before = await figures(page);
        await long(page);
        await page.locator('#storm-cancel').evaluate((button) => button.click());
        await page.waitForFunction(() => document.getElementById('storm-cancel').ariaDisabled === 'true');
        assert.deepEqual(await figures(page), before);
        await slide(page, 'clients', 500);
        const after = await change(page, () => page.locator('#storm-run').click());
        assert.notDeepEqual(after, before);
    });
});

test('the page answers while a storm runs', async () => {
    await open('#tab=storm', async (page) => {
        await settled(page);
        await long(page);
        // The click is taken and the other tab shows before the storm is over.
        const order = await page.evaluate(async () => {
            const happened = [];
            new MutationObserver(() => happened.push('over')).observe(document.getElementById('storm-out'), { attributes: true });
            document.getElementById('tab-log').click();
            await new Promise((later) => { requestAnimationFrame(() => requestAnimationFrame(later)); });
            happened.push(document.getElementById('panel-log').hidden ? 'hidden' : 'shown');
            return happened;
        });
        assert.equal(order[0], 'shown');
    });
});

test('the policy that was bent in the first tab is one to choose', async () => {
    await open('', async (page) => {
        await page.locator('#preset').selectOption('few');
        await page.locator('#knob-backoff-max_ms').fill('3');
        await page.locator('#knob-backoff-max_ms').blur();
        await page.locator('#tab-storm').click();
        await settled(page);
        await page.locator('#policy-b').selectOption('few');
        const after = await change(page, () => page.locator('#policy-a').selectOption('connection'));
        assert.ok(Number(after[0][1]) > Number(after[0][2]), 'a cap of 3 s dials more than one of 30 s');
        await page.locator('#storm-share').click();
        await page.waitForFunction(() => location.hash.includes('set-up='));
        await open(page.url().slice(address().length), async (other) => {
            await settled(other);
            assert.deepEqual(await figures(other), after);
            assert.equal(await other.locator('#knob-backoff-max_ms').inputValue(), '3');
        });
        await open('#tab=storm&policy-a=connection&set-up={"preset":"none"}', async (other) => {
            assert.match(await text(other, '#said'), /^The link can't be opened: unknown preset "none"/);
        });
    });
});

test('a link to a storm opens that storm', async () => {
    await open('#tab=storm', async (page, context) => {
        await context.grantPermissions(['clipboard-read', 'clipboard-write']);
        await settled(page);
        await page.locator('#policy-b').selectOption('polly');
        await page.locator('#hints').selectOption('window');
        const before = await change(page, () => slide(page, 'clients', 700));
        await page.locator('#storm-share').click();
        const link = await page.evaluate(() => navigator.clipboard.readText());
        await open(link.slice(address().length), async (other) => {
            await settled(other);
            assert.deepEqual(await figures(other), before);
            assert.equal(await text(other, '#name-b'), 'polly');
        });
    });
});
