// The page in a Chromium, and what the tests do with it.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { after, before } from 'node:test';

const require = createRequire(`${process.env.BROWSER_MODULES}/`);
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

let server;
let browser;
let home;

/** Starts the server of the page, and a browser. */
before(async () => {
    server = spawn(process.env.PLAYGROUND, ['--port', '0', '--core', process.env.PLAYGROUND_CORE], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(createInterface({ input: server.stdout }), 'line');
    home = line.trim();
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ARGUMENTS });
});

after(async () => {
    await browser?.close();
    server?.kill();
});

/** The page's own address. */
export const address = () => home;

/**
 * Opens the page and calls `use` with it. Whatever the browser complains of fails the test, as does a request to another server.
 * The settings are those of a browser context; little motion is the default, so that nothing moves by itself. What matches one of
 * `expected` is no complaint.
 */
export async function open(fragment, use, settings = {}, expected = []) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce', ...settings });
    const complaints = [];
    try {
        const page = await context.newPage();
        page.setDefaultTimeout(30_000);
        page.on('console', (message) => {
            if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
        });
        page.on('pageerror', (error) => complaints.push(error.stack ?? error.message));
        page.on('request', (request) => {
            if (!request.url().startsWith(home) && !/^(blob|data):/.test(request.url())) complaints.push(`a request to ${request.url()}`);
        });
        await page.goto(`${home}${fragment}`);
        await page.waitForSelector('body[data-ready]');
        await use(page, context);
    } finally {
        await context.close();
    }
    assert.deepEqual(complaints.filter((complaint) => !expected.some((each) => each.test(complaint))), []);
}

/** What axe finds wrong with the page as it is. */
export async function violations(page) {
    // The page lets no other script in; this one is the test's.
    await page.evaluate(axe);
    const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
    return found.violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ target, failureSummary }) => `${target}: ${failureSummary}`).join('; ')}`);
}

/** The text of an element. */
export const text = (page, selector) => page.locator(selector).textContent();

/** The lines of the first tab: its decisions as `replay` prints them, or its log. */
async function lines(page, as) {
    await page.locator('#shown-as').selectOption(as);
    return text(page, '#decisions');
}

export const decisions = (page) => lines(page, 'decisions');
export const told = (page) => lines(page, 'log');

/** What a button gives to save. */
export async function saved(page, selector) {
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator(selector).click()]);
    return readFileSync(await download.path(), 'utf8');
}

/** Moves the clock of the first tab to the next thing that happens, until `is` holds. */
export async function step(page, is, most = 400) {
    for (let steps = 0; steps < most; steps += 1) {
        if (await is()) return;
        await page.locator('#step').click();
    }
    assert.fail('it never came to that');
}
