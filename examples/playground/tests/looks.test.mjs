// How the page looks: both themes, narrow and wide, for whom axe speaks; and what it may not do.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { address, open, text, violations } from './browser.mjs';

/** The states of the page that are looked at, each with the way there. */
const SCENES = {
    connection: async (page) => {
        await page.locator('details').evaluateAll((all) => all.forEach((each) => { each.open = true; }));
        await page.locator('#faults button', { hasText: 'Refuse' }).click();
        await page.locator('#knob-backoff-initial_ms').fill('0');
        await page.locator('#knob-backoff-initial_ms').blur();
    },
    json: (page) => page.locator('#shown-as').selectOption('decisions'),
    keys: (page) => page.locator('#help-open').click(),
    storm: async (page) => {
        await page.locator('#tab-storm').click();
        await page.waitForFunction(() => document.querySelector('#figures td'));
    },
    log: async (page) => {
        await page.locator('#tab-log').click();
        await page.locator('#example').click();
        await page.waitForFunction(() => !document.getElementById('log-out').hidden);
    },
    'a bad log': async (page) => {
        await page.locator('#tab-log').click();
        await page.locator('summary', { hasText: 'Paste' }).click();
        await page.locator('#paste').fill('{}\n{"at": 0, "event": "start"}\n{"at": 1, "event": "none"}');
        await page.locator('#paste-open').click();
        await page.waitForFunction(() => !document.getElementById('log-error').hidden);
    },
};

for (const colorScheme of ['light', 'dark']) {
    test(`axe finds nothing wrong in ${colorScheme}`, async () => {
        for (const [name, go] of Object.entries(SCENES)) {
            await open('', async (page) => {
                await go(page);
                assert.deepEqual(await violations(page), [], name);
            }, { colorScheme });
        }
    });
}

test('axe finds nothing wrong on a phone', async () => {
    for (const name of ['connection', 'storm', 'log']) {
        await open('', async (page) => {
            await SCENES[name](page);
            assert.deepEqual(await violations(page), [], name);
        }, { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });
    }
});

test('nothing stands out of a page of 320 to 1280 pixels', async () => {
    for (const [name, go] of Object.entries(SCENES)) {
        await open('', async (page) => {
            await go(page);
            for (const width of [320, 360, 400, 768, 1280]) {
                await page.setViewportSize({ width, height: 800 });
                const out = await page.evaluate(() => {
                    const wide = document.documentElement.scrollWidth > innerWidth;
                    const scrolls = (each) => each.closest('.scrolls, .hidden, .skip, svg, dialog');
                    const over = [...document.querySelectorAll('body *')].filter((each) => each.checkVisibility() && !scrolls(each) && each.getBoundingClientRect().right > innerWidth + 1);
                    return [wide && 'the page scrolls sideways', ...over.map((each) => each.outerHTML.slice(0, 90))].filter(Boolean);
                });
                assert.deepEqual(out, [], `${name} at ${width}`);
            }
        });
    }
});

test('what is pressed on a phone is large enough for a finger', async () => {
    await open('', async (page) => {
        const small = await page.locator('button:visible, select:visible').evaluateAll((all) => all.map((each) => [each.id || each.textContent, each.getBoundingClientRect()])
            .filter(([, { width, height }]) => width < 32 || height < 32).map(([name]) => name));
        assert.deepEqual(small, []);
    }, { viewport: { width: 360, height: 740 } });
});

test('the theme follows the system until it is switched, and the switch is kept', async () => {
    const ground = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await open('', async (page) => {
        const light = await ground(page);
        await page.emulateMedia({ colorScheme: 'dark' });
        const dark = await ground(page);
        assert.notEqual(dark, light);
        assert.equal(await page.locator('#theme').getAttribute('aria-pressed'), 'true');
        await page.locator('#theme').click();
        assert.equal(await ground(page), light);
        await page.reload();
        await page.waitForSelector('body[data-ready]');
        assert.equal(await ground(page), light);
        await page.locator('#theme').click();
        assert.equal(await ground(page), dark);
    }, { colorScheme: 'light' });
});

test('states are told by a name beside the colour', async () => {
    await open('', async (page) => {
        assert.equal((await page.locator('#connection-view .legend li').allTextContents()).join(' '), 'Idle Connecting Establishing Restoring Online Waiting Parked Stopped Failed');
        const grounds = await page.locator('#connection-view .legend .chip').evaluateAll((all) => all.map((chip) => getComputedStyle(chip).backgroundColor));
        assert.equal(new Set(grounds).size, 9);
        assert.match(await text(page, '#announced'), /^\w+ at \d+:\d\d\.\d$/);
    });
});

test('the page has no network, and no script but its own', async () => {
    await open('', async (page) => {
        const refused = await page.evaluate(async (home) => {
            const said = [];
            document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => said.push(effectiveDirective));
            const other = home.replace('127.0.0.1', 'localhost');
            await fetch(other).then(() => said.push('fetched'), () => {});
            new Image().src = `${other}icon.svg`;
            document.body.append(Object.assign(document.createElement('script'), { textContent: 'globalThis.ran = true' }));
            document.body.append(Object.assign(document.createElement('iframe'), { src: other }));
            await new Promise((later) => { setTimeout(later, 100); });
            return [...said, globalThis.ran ? 'ran' : ''].filter(Boolean).sort();
        }, address());
        assert.deepEqual(refused, ['connect-src', 'frame-src', 'img-src', 'script-src-elem']);
    }, {}, [/Content Security Policy/, /^a request to http:\/\/localhost:\d+\/icon\.svg$/]);
});
