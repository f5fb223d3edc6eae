// The page decides what the host's program decides, to the byte.

import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { decisions, open, text, told } from './browser.mjs';
import { replay } from './host.mjs';

/** The options of a list. */
const options = (page, list) => page.locator(`${list} option`).evaluateAll((all) => all.map(({ value }) => value));

test('each story gives the decisions that the host prints for its log', async () => {
    await open('', async (page) => {
        const stories = await options(page, '#story');
        assert.ok(stories.length >= 6);
        for (const name of stories) {
            await page.locator('#story').selectOption(name);
            const log = await told(page);
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
            const host = replay(await told(page));
            assert.deepEqual([host.status, host.stderr], [0, ''], name);
            assert.equal(await decisions(page), host.stdout, name);
        }
    });
});

/** The logs of these folders, by their names. */
function logs() {
    const folders = ['replay', 'golden'].map((name) => new URL(`../../../tests/${name}/`, import.meta.url)).filter((folder) => existsSync(folder));
    const files = folders.flatMap((folder) => readdirSync(folder).map((name) => new URL(name, folder)));
    const isLog = ({ pathname }) => pathname.endsWith('.jsonl') && !pathname.endsWith('.out.jsonl');
    return files.filter(isLog).map((file) => [file.pathname.split('/').at(-1), readFileSync(file, 'utf8')]);
}

test('the core in the browser gives the bytes that the host prints for each log', async () => {
    await open('', async (page) => {
        const all = logs();
        assert.ok(all.length > 30);
        const said = await page.evaluate(async (texts) => {
            const { Core } = await import('./core.js');
            const core = await Core.load();
            return texts.map((text) => {
                const run = core.open();
                const answers = text.split('\n').slice(0, -1).map((line) => core.line(run, line));
                answers.push(core.finish(run));
                core.close(run);
                return ['decisions', 'timeline'].map((key) => answers.map((answer) => answer[key]).join(''));
            });
        }, all.map(([, text]) => text));
        for (const [at, [name, text]] of all.entries()) {
            assert.deepEqual(said[at], [replay(text).stdout, replay(text, '--timeline').stdout], name);
        }
    });
});

test('a log that is opened shows the timeline that the host prints', async () => {
    await open('#tab=log', async (page) => {
        await page.locator('summary', { hasText: 'Paste' }).click();
        for (const [name, log] of logs().filter((_, at) => at % 8 === 0)) {
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
