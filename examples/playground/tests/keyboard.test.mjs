// The page with the keyboard alone, from the first key to the last.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { open, text } from './browser.mjs';

/** What has the focus, and whether one sees that. */
const focused = (page) => page.evaluate(() => {
    const at = document.activeElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(at.matches('.button input') ? at.parentElement : at);
    const { width, height } = at.getBoundingClientRect();
    return {
        id: at.id, tag: at.tagName, text: at.textContent.trim().slice(0, 30), isBody: at === document.body,
        seen: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2 && (width > 0 && height > 0),
    };
});

/** Presses Tab until something of this kind has the focus. */
async function reach(page, is, most = 150) {
    for (let presses = 0; presses < most; presses += 1) {
        await page.keyboard.press('Tab');
        const at = await focused(page);
        if (is(at)) return at;
    }
    return assert.fail(`not reached: ${is}`);
}

for (const tab of ['connection', 'storm', 'log']) {
    test(`Tab leads through ${tab}, to everything, with a focus that shows`, async () => {
        await open(`#tab=${tab}`, async (page) => {
            if (tab === 'log') {
                // Not by the pointer: where that was, Tab would go on.
                await page.locator('#example').evaluate((button) => button.click());
                await page.waitForFunction(() => !document.getElementById('log-out').hidden);
            }
            await page.locator('details').evaluateAll((all) => all.forEach((each) => { each.open = true; }));
            const wanted = await page.evaluate(() => {
                const all = [...document.querySelectorAll('a[href], button, select, input, textarea, summary, [tabindex="0"]')];
                globalThis.reached = new Set();
                document.addEventListener('focusin', ({ target }) => globalThis.reached.add(target));
                return all.filter((each) => each.checkVisibility({ visibilityProperty: true }) && !each.disabled && each.tabIndex >= 0).length;
            });
            assert.ok(wanted > 15, `${wanted} to reach`);
            let ended = false;
            for (let presses = 0; presses < wanted + 5 && !ended; presses += 1) {
                await page.keyboard.press('Tab');
                const at = await focused(page);
                ended = at.isBody;
                assert.ok(ended || at.seen, `the focus shows on ${at.tag} #${at.id} ${at.text}`);
            }
            const missed = await page.evaluate(() => [...document.querySelectorAll('a[href], button, select, input, textarea, summary, [tabindex="0"]')]
                .filter((each) => each.checkVisibility({ visibilityProperty: true }) && !each.disabled && each.tabIndex >= 0 && !globalThis.reached.has(each))
                .map((each) => each.outerHTML.slice(0, 80)));
            assert.deepEqual(missed, []);
        });
    });
}

test('a stranger without a mouse: a fault, a knob, a storm, a log', async () => {
    await open('', async (page) => {
        // Past the top, which does not change what is shown.
        const before = await text(page, '#clock');
        await page.keyboard.press('Tab');
        assert.equal((await focused(page)).id, 'skip');
        await page.keyboard.press('Enter');
        assert.deepEqual([(await focused(page)).id, await text(page, '#clock')], ['main', before]);
        await page.keyboard.press('Shift+Tab');
        await page.keyboard.press('Shift+Tab');
        await page.keyboard.press('Shift+Tab');
        // To the tabs, and with the arrows through them.
        await reach(page, ({ id }) => id === 'tab-connection');
        await page.keyboard.press('End');
        assert.equal((await focused(page)).id, 'tab-log');
        await page.keyboard.press('ArrowRight');
        assert.equal((await focused(page)).id, 'tab-connection');
        assert.equal(await page.locator('#panel-connection').isVisible(), true);
        // A fault by its button, one by its key, and steps until it is mended.
        await reach(page, ({ text: is }) => is.startsWith('Drop'));
        await page.keyboard.press('Enter');
        assert.equal(await text(page, '#state'), 'Waiting');
        await page.keyboard.press('.');
        assert.equal(await text(page, '#state'), 'Connecting');
        await page.keyboard.press('.');
        await page.keyboard.press('.');
        assert.equal(await text(page, '#state'), 'Online');
        await page.keyboard.press('f');
        assert.equal(await text(page, '#state'), 'Failed');
        await page.keyboard.press('0');
        assert.equal(await text(page, '#clock'), '0:00.0');
        // A key that plays; the button that has the focus is not pressed by it.
        await page.evaluate(() => document.activeElement.blur());
        await page.keyboard.press(' ');
        assert.equal(await page.locator('#play').getAttribute('aria-label'), 'Pause');
        await page.keyboard.press(' ');
        // A knob. What is typed there is no shortcut.
        await reach(page, ({ id }) => id === 'knob-backoff-initial_ms');
        await page.keyboard.press('Control+A');
        await page.keyboard.type('3');
        await page.keyboard.press('Tab');
        assert.equal(await page.locator('.knob.changed').count(), 1);
        // The timeline, moment by moment.
        const range = await reach(page, ({ id }) => id === 'connection-view-range');
        assert.ok(range.seen);
        await page.keyboard.press('Home');
        assert.equal(await text(page, '#state'), 'Connecting');
        // The keys, and out of the dialog again.
        await page.keyboard.press('?');
        assert.equal(await page.locator('#help').isVisible(), true);
        await page.keyboard.press('Escape');
        assert.equal(await page.locator('#help').isVisible(), false);
        // A storm.
        await page.keyboard.press('2');
        await page.waitForFunction(() => document.querySelector('#figures td'));
        await reach(page, ({ id }) => id === 'clients');
        await page.locator('#figures').evaluate((body) => body.replaceChildren());
        await page.keyboard.press('ArrowLeft');
        await page.waitForFunction(() => document.querySelector('#figures td'));
        assert.match(await text(page, '#clients-value'), /^9.900$/);
        // A log.
        await page.keyboard.press('3');
        await reach(page, ({ id }) => id === 'example');
        await page.keyboard.press('Enter');
        await page.waitForFunction(() => !document.getElementById('log-out').hidden);
        await reach(page, ({ id }) => id === 'log-view-range');
        await page.keyboard.press('Home');
        await page.keyboard.press('PageUp');
        assert.equal(await text(page, '#log-state'), 'Online');
    });
});

test('every key of the list does what it says there', async () => {
    await open('', async (page) => {
        await page.keyboard.press('?');
        const keys = await page.locator('#help dt').allTextContents();
        await page.keyboard.press('Escape');
        assert.ok(keys.length >= 25);
        await page.locator('#story').selectOption('empty');
        await page.evaluate(() => document.activeElement.blur());
        const effect = () => page.evaluate(() => ['#said', '#clock', '#connection-view output'].map((each) => document.querySelector(each).textContent).join()
            + document.getElementById('play').ariaLabel + document.getElementById('help').open + document.querySelector('[role=tab][aria-selected=true]').id);
        for (const key of keys.flatMap((each) => (each === 'Space' ? [' '] : each.replace('−', '-').split(' ')))) {
            await page.locator('#said').evaluate((said) => { said.textContent = ''; });
            const before = await effect();
            await page.keyboard.press(key);
            assert.ok(key === '1' || await effect() !== before, `the key ${key} does something`);
            if (key === ' ') await page.keyboard.press(' ');
            if (key === '?') await page.keyboard.press('Escape');
            if ('23'.includes(key)) await page.keyboard.press('1');
        }
    });
});

test('single keys can be switched off, and stay so', async () => {
    await open('', async (page) => {
        await page.locator('#help-open').click();
        await page.locator('#single-keys').uncheck();
        await page.locator('#help-close').click();
        await page.evaluate(() => document.activeElement.blur());
        const before = await text(page, '#state');
        await page.keyboard.press('f');
        assert.equal(await text(page, '#state'), before);
        await page.reload();
        await page.waitForSelector('body[data-ready]');
        assert.equal(await page.locator('#single-keys').isChecked(), false);
    });
});
