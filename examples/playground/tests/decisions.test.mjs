// The page decides what the host's program decides, to the byte.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { decisions, open, saved, text } from './browser.mjs';
import { replay } from './host.mjs';

const LOGS = new URL('../../../tests/replay/', import.meta.url);

/** The options of a list. */
const options = (page, list) => page.locator(`${list} option`).evaluateAll((all) => all.map(({ value }) => value));

test('each story gives the decisions that the host prints for its log', async () => {
    await open('', async (page) => {
        const stories = await options(page, '#story');
        assert.ok(stories.length >= 6);
        for (const name of stories) {
            await page.locator('#story').selectOption(name);
            const log = await saved(page, '#save-log');
            const host = replay(log);
            assert.equal(host.stderr, '', `${name}: an event that can't follow`);
            assert.equal(host.status, 0);
            assert.ok(host.stdout.split('\n').length > 5, name);
            assert.equal(await decisions(page), host.stdout, name);
        }
    });
});

test('each preset does in the day of faults', async () => {
    await open('', async (page) => {
        const presets = await options(page, '#preset');
        assert.ok(presets.length > 40);
        for (const name of presets) {
            await page.locator('#preset').selectOption(name);
            assert.equal(await text(page, '#knobs-error'), '', name);
            const host = replay(await saved(page, '#save-log'));
            assert.deepEqual([host.status, host.stderr], [0, ''], name);
            assert.equal(await decisions(page), host.stdout, name);
        }
    });
});

test('a log that is opened gives the timeline that the host prints', async () => {
    await open('#tab=log', async (page) => {
        await page.locator('summary', { hasText: 'Paste' }).click();
        const logs = readdirSync(LOGS).filter((name) => name.endsWith('.jsonl') && !name.endsWith('.out.jsonl'));
        assert.ok(logs.length > 30);
        for (const name of logs) {
            const log = readFileSync(new URL(name, LOGS), 'utf8');
            const host = replay(log, '--timeline').stdout;
            await page.locator('#log-state').evaluate((state) => { state.textContent = ''; });
            await page.locator('#paste').fill(log);
            await page.locator('#paste-open').click();
            await page.waitForFunction(() => document.getElementById('log-state').textContent !== '');
            assert.equal(await page.locator('#log-error').isVisible(), false, name);
            const rows = await page.locator('#log-lines tr').evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent)));
            const lines = host.split('\n').filter(Boolean).slice(0, rows.length);
            const words = (line) => line.replace(/^\s*\S+ s/, '').replaceAll(/\s+/g, ' ').trim();
            assert.deepEqual(rows.map(([, ...cells]) => cells.join(' ').replaceAll(/\s+/g, ' ').trim()), lines.map(words), name);
        }
    });
});
