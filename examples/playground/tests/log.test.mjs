// The third tab: logs and flight recordings from files, drops, pastes and links.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { address, open, saved, text } from './browser.mjs';
import { replay } from './host.mjs';

const LOG = readFileSync(new URL('../../../tests/replay/worked_example.jsonl', import.meta.url), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'playground-'));
const dump = (...options) => {
    const file = join(folder, `incident${options.length}.bin`);
    writeFileSync(file, spawnSync(process.env.DUMP, options).stdout);
    return file;
};

const opened = (page) => page.waitForFunction(() => !document.getElementById('log-out').hidden && document.getElementById('log-out').ariaBusy === 'false');
const rows = (page) => page.locator('#log-lines tr').evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent).slice(1).join(' ').trim().replaceAll(/\s+/g, ' ')));
const words = (timeline) => timeline.split('\n').filter(Boolean).map((line) => line.replace(/^\s*\S+ s/, '').trim().replaceAll(/\s+/g, ' '));

async function pasted(page, log) {
    if (!await page.locator('#paste').isVisible()) {
        await page.locator('summary', { hasText: 'Paste' }).click();
    }
    await page.locator('#paste').fill(log);
    await page.locator('#paste-open').click();
}

const complaint = (page) => page.waitForFunction(() => !document.getElementById('log-error').hidden).then(() => text(page, '#log-error'));

test('the example shows states, waits and reasons at any moment', async () => {
    await open('#tab=log', async (page) => {
        await page.locator('#example').click();
        await opened(page);
        assert.equal(await text(page, '#log-state'), 'Failed');
        assert.match(await text(page, '#log-sentence'), /^The policy gave up: fatal/);
        await page.locator('#log-view-range').fill('55500');
        assert.equal(await text(page, '#log-state'), 'Waiting');
        assert.match(await text(page, '#log-sentence'), /The next dial is at 0:\d\d\.\d/);
        assert.ok((await rows(page)).length > 3);
        await page.getByRole('tabpanel').getByRole('button', { name: 'Show less time' }).click();
        assert.match(await text(page, '#log-what'), /^A log of 18 lines, 1:20\.0 long$/);
        const example = await saved(page, '#log-save');
        assert.deepEqual([replay(example).status, replay(example).stderr], [0, '']);
    });
});

test('a log is opened from a file, a drop, a paste and a link', async () => {
    const host = words(replay(LOG, '--timeline').stdout);
    const file = join(folder, 'worked.jsonl');
    writeFileSync(file, LOG);
    await open('#tab=log', async (page, context) => {
        await context.grantPermissions(['clipboard-read', 'clipboard-write']);
        await page.locator('#file').setInputFiles(file);
        await opened(page);
        assert.deepEqual(await rows(page), host);
        await page.locator('#log-share').click();
        await page.waitForFunction(() => location.hash.includes('log='));
        const link = page.url();
        await open(link.slice(address().length), async (other) => {
            await opened(other);
            assert.deepEqual(await rows(other), host);
            assert.equal(await saved(other, '#log-save'), LOG);
        });
        const empty = () => page.locator('#log-lines').evaluate((body) => body.replaceChildren());
        const again = () => page.waitForFunction(() => document.querySelector('#log-lines td'));
        await empty();
        await page.evaluate((log) => {
            const data = new DataTransfer();
            data.items.add(new File([log], 'dropped.jsonl'));
            const drop = (kind) => document.getElementById('panel-log').dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
            drop('dragover');
            drop('drop');
        }, LOG);
        await again();
        assert.deepEqual(await rows(page), host);
        await empty();
        await page.locator('#title-open').click();
        await page.evaluate((log) => navigator.clipboard.writeText(log), LOG);
        await page.keyboard.press('Control+V');
        await again();
        assert.deepEqual(await rows(page), host);
        await empty();
        await pasted(page, LOG);
        await again();
        assert.deepEqual(await rows(page), host);
    });
});

test('a flight recording is played as the host plays it', async () => {
    const file = dump();
    const host = words(replay('', '--flight', file, '--timeline').stdout);
    assert.ok(host.length > 10);
    await open('#tab=log', async (page) => {
        await page.locator('#file').setInputFiles(file);
        await opened(page);
        assert.match(await text(page, '#log-what'), /^A flight recording of/);
        assert.deepEqual(await rows(page), host);
        await page.locator('#log-lines').evaluate((body) => body.replaceChildren());
        await pasted(page, readFileSync(file).toString('hex').replaceAll(/(.{64})/g, '$1\n'));
        await page.waitForFunction(() => document.querySelector('#log-lines td'));
        assert.deepEqual(await rows(page), host);
    });
});

test('a flight recording without a set-up asks for one', async () => {
    const file = dump('bare');
    await open('#tab=log', async (page) => {
        await page.locator('#file').setInputFiles(file);
        await page.locator('#set-up-line').waitFor();
        await page.locator('#set-up-line').fill('{"preset": "few"}');
        await page.locator('#set-up button').click();
        assert.match(await complaint(page), /^The recording can't be played: .*another config.*Open it with the preset/);
        await page.locator('#set-up-line').fill('{"preset": "websocket"}');
        await page.locator('#set-up button').click();
        await opened(page);
        assert.deepEqual(await rows(page), words(replay('{"preset": "websocket"}\n', '--flight', file, '--timeline').stdout));
    });
});

/** Logs that are wrong, and what is said of each: the line, the reason, the way out. */
const WRONG = [
    [`${LOG.trim()}\n{"at": 1200, "event": "opend"}\n`, /^Line 5: unknown event "opend"; did you mean "opened"\?.*\{"at": 1200, "event": "opend"\}Correct that line/],
    [`${LOG.trim()}\n{"at": 1200, "event": \n`, /^Line 5: not valid JSON: .*at column \d+.*Correct that line/],
    ['{"at": 0, "event": "start"}\n', /^Line 1: the first line must be the set-up, such as .*Correct that line/],
    ['{"preset": "recomended", "seed": 1}\n', /^Line 1: unknown preset "recomended"; use .*Correct that line/],
    ['{"preset": "recommended"}\n', /^Line 1: "seed" is required because a jitter is on.*Correct that line/],
    ['', /^Line 1: the first line must be the set-up/],
    ['\u0000\u0001\u0002', /^Line 1: not valid JSON/],
];

test('a bad line is named with its reason and the way out, and what is before it is drawn', async () => {
    await open('#tab=log', async (page) => {
        for (const [log, said] of WRONG) {
            await page.locator('#log-error').evaluate((error) => { error.hidden = true; });
            await pasted(page, log);
            assert.match((await complaint(page)).replaceAll('\n', ' '), said);
            const host = replay(log);
            assert.equal(host.status, 2);
            const shown = (await page.locator('#log-error strong').textContent()).replace(/^Line (\d+): /, 'line $1: ').replace(/\.$/, '');
            assert.equal(`replay: ${shown}`, host.stderr.trim());
        }
        await pasted(page, WRONG[0][0]);
        await page.waitForFunction(() => document.getElementById('log-error').textContent.includes('opend'));
        assert.deepEqual(await rows(page), words(replay(WRONG[0][0], '--timeline').stdout));
    });
});

test('what is too large or too long is refused before it is read', async () => {
    const large = join(folder, 'large.jsonl');
    writeFileSync(large, Buffer.alloc((16 << 20) + 1, 0x20));
    const long = join(folder, 'long.jsonl');
    writeFileSync(long, `{}\n${'{"at": 1}\n'.repeat(50_000)}`);
    await open('#tab=log', async (page) => {
        await page.locator('#file').setInputFiles(large);
        assert.match(await complaint(page), /has 16.777.217 bytes, and at most 16.777.216/);
        await page.locator('#log-error').evaluate((error) => { error.hidden = true; });
        await page.locator('#file').setInputFiles(long);
        assert.match(await complaint(page), /^The log has 50001 lines, and a page draws 50000 at most\. Cut it, or run: cargo run/);
    });
});

test('an event that can not follow is noted', async () => {
    await open('#tab=log', async (page) => {
        await pasted(page, '{}\n{"at": 0, "event": "opened"}\n{"at": 5}\n');
        await opened(page);
        assert.match(await text(page, '#notes'), /^line 2: "opened" can't follow/);
    });
});

test('a log that is too long for a link says so', async () => {
    const lines = Array.from({ length: 4000 }, (_, at) => `{"at": ${at * 7}, "event": "subscribe", "key": "k${(at * 7919) % 10007}${at}"}`);
    const file = join(folder, 'link.jsonl');
    writeFileSync(file, `{}\n${lines.join('\n')}\n`);
    await open('#tab=log', async (page) => {
        await page.locator('#file').setInputFiles(file);
        await opened(page);
        await page.locator('#log-share').click();
        await page.waitForFunction(() => document.getElementById('said').textContent.startsWith('The log is too long for a link'));
        assert.ok(!page.url().includes('log='));
    });
});
