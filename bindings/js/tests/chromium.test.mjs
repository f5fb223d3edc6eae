// The package in a real browser: a server that is killed and started again, a network that goes, a page that is frozen or kept
// in the back/forward cache, a content security policy, a worker. `eval "$(ci/chromium.sh)"` gives what it needs.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { serve } from '../demo/serve.mjs';
import { folder } from './modules.mjs';
import { Server } from './server.mjs';

const { chromium } = createRequire(join(process.env.BROWSER_MODULES, 'any.js'))('playwright-core');
const here = dirname(fileURLToPath(import.meta.url));
const built = join(folder, '..');
const folders = { dist: join(folder, 'dist'), src: join(here, '../src'), tests: here, built, golden: join(here, '../../../tests/golden') };
/** What is waited for at most, on a machine that is busy with other work. */
const PATIENCE = 60_000;
const EAGER = { backoff: { initial: 100, max: 1000, jitter: 'full' }, connectTimeout: 1000, readyTimeout: 5000, resetAfterStable: 300 };

let browser;
before(async () => {
  const args = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update'];
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args, ignoreDefaultArgs: ['--disable-back-forward-cache'] });
});
after(() => browser?.close());

/** A server of its own and a page of it. `errors` are those of the console. */
async function visit(context, query = '') {
  const server = new Server(folders);
  await server.start();
  const page = await browser.newPage();
  const errors = [];
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(String(error)));
  context.after(async () => {
    await page.close();
    await server.kill().catch(() => {});
  });
  await page.goto(`${server.origin}/page${query}`);
  await page.waitForFunction(() => window.start, undefined, { timeout: PATIENCE });
  const until = (test, argument) => page.waitForFunction(test, argument, { timeout: PATIENCE, polling: 20 });
  return { server, page, errors, until, devtools: await page.context().newCDPSession(page) };
}

/** A page that is not made to believe that it always has the focus, as Playwright's are: those are never hidden, and never frozen. */
async function unemulated(context, url) {
  const devtools = await browser.newBrowserCDPSession();
  const { targetId } = await devtools.send('Target.createTarget', { url });
  context.after(() => devtools.send('Target.closeTarget', { targetId }));
  const { sessionId } = await devtools.send('Target.attachToTarget', { targetId, flatten: false });
  const calls = new Map();
  devtools.on('Target.receivedMessageFromTarget', ({ sessionId: from, message }) => {
    const { id, result, error } = JSON.parse(message);
    if (from === sessionId) calls.get(id)?.(error ? Promise.reject(Error(error.message)) : result);
  });
  const send = (method, params = {}) =>
    new Promise((resolve) => {
      const id = calls.size + 1;
      calls.set(id, resolve);
      devtools.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method, params }) });
    });
  const run = async (expression) => (await send('Runtime.evaluate', { expression, returnByValue: true })).result.value;
  const until = async (test) => {
    for (const end = Date.now() + PATIENCE; !(await run(`Boolean(${test})`)); await sleep(20)) assert.ok(Date.now() < end, test);
  };
  return { send, run, until };
}

const isOnline = () => window.socket.phase === 'online';
const isParkedOn = (reason) => window.socket.phase === 'parked' && window.socket.explain().waitingFor === reason;

test('a server that is killed and started again', async (context) => {
  const { server, page, until, errors } = await visit(context);
  await page.evaluate((settings) => void start({ settings }), EAGER);
  await until(isOnline);
  await sleep(400);
  await server.kill();
  await until(() => window.said.filter(([phase]) => phase === 'waiting').length > 2);
  await server.start();
  await until(isOnline);
  assert.equal(await page.evaluate(() => window.socket.send('hello')), true);
  await until(() => window.said.some(([, text]) => text === 'hello'));
  const said = await page.evaluate(() => window.said.slice(0, 4));
  assert.deepEqual(said.slice(0, 3), [['establishing', 'opened'], ['online', 'ready'], ['waiting', 'no_close_frame']]);
  // A resume, after which what is confirmed is not sent again.
  assert.deepEqual(server.heard, ['HELLO', 'SUB lobby', 'HELLO s1', 'hello']);
  assert.deepEqual(errors.filter((text) => !text.includes('ERR_CONNECTION')), []);
});

for (const name of ['ReconnectingWebSocket', 'PartyWebSocket']) {
  test(`${name}: a server that is killed and started again`, async (context) => {
    const { server, page, until } = await visit(context);
    await page.evaluate((name) => void dropIn(name), name);
    await until(() => window.socket.readyState === 1);
    await server.kill();
    await until(() => window.socket.retryCount > 2);
    await page.evaluate(() => window.socket.send('kept'));
    await server.start();
    await until(() => window.said.some(([type, data]) => type === 'message' && data === 'kept'));
    assert.equal(await page.evaluate(() => window.said[0][0]), 'open');
  });
}

test('a network that goes and comes back', async (context) => {
  const { server, page, until, devtools } = await visit(context);
  await page.evaluate((settings) => void start({ settings }), EAGER);
  await until(isOnline);
  const network = (offline) =>
    devtools.send('Network.emulateNetworkConditions', { offline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  await devtools.send('Network.enable');
  await network(true);
  await until(() => navigator.onLine === false);
  for (const socket of server.sockets) socket.destroy();
  await until(isParkedOn, 'network');
  const dials = await page.evaluate(() => window.said.length);
  await sleep(1500);
  assert.equal(await page.evaluate(() => window.said.length), dials, 'nothing is dialled without a network');
  await network(false);
  await until(isOnline);
});

test('a page that was frozen', async (context) => {
  const { server } = await visit(context);
  const page = await unemulated(context, `${server.origin}/page`);
  await page.until('window.start');
  await page.run(`
    window.heard = [];
    for (const type of ['freeze', 'resume']) document.addEventListener(type, () => heard.push(type));
    start({ settings: ${JSON.stringify(EAGER)} });`);
  await page.until('socket.phase === "online"');
  await sleep(400);
  await page.send('Page.setWebLifecycleState', { state: 'frozen' });
  await sleep(2500);
  await page.send('Page.setWebLifecycleState', { state: 'active' });
  // Its connection is not trusted, and as long as nobody looks there is no other.
  await page.until('socket.phase === "parked"');
  assert.deepEqual(await page.run('[heard, document.visibilityState, socket.explain().lastCause]'), [['freeze', 'resume'], 'hidden', 'slept']);
  // Nothing else shows a page again that was frozen like this.
  await page.send('Emulation.setFocusEmulationEnabled', { enabled: true });
  await page.until('socket.phase === "online"');
  assert.deepEqual(server.heard, ['HELLO', 'SUB lobby', 'HELLO s1']);
});

test('the back/forward cache', async (context) => {
  const { server, page, until } = await visit(context);
  await page.evaluate((settings) => {
    window.marker = 'kept';
    window.addEventListener('pageshow', ({ persisted }) => (window.persisted = persisted));
    start({ settings });
  }, EAGER);
  await until(isOnline);
  await sleep(400);
  await page.goto(`${server.origin}/page-other`);
  await sleep(300);
  // A page from the cache is not loaded again.
  await page.goBack({ waitUntil: 'commit' });
  await until(() => window.marker === 'kept' && window.persisted);
  await until(isOnline);
  const said = await page.evaluate(() => window.said.map(([phase, trigger]) => `${phase} ${trigger}`));
  assert.ok(said.includes('parked hold'), said.join(', '));
  assert.deepEqual(server.heard, ['HELLO', 'SUB lobby', 'HELLO s1']);
});

test("a page under the content security policy default-src 'self'", async (context) => {
  const { server, page, until, errors } = await visit(context, `?csp=${encodeURIComponent("default-src 'self'")}`);
  const refused = await page.evaluate(() => {
    try {
      return String(new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])));
    } catch ({ name }) {
      return name;
    }
  });
  assert.equal(refused, 'CompileError');
  await page.evaluate((settings) => void start({ settings }), EAGER);
  await until(isOnline);
  await server.kill();
  await until(() => window.said.filter(([phase]) => phase === 'waiting').length > 1);
  await server.start();
  await until(isOnline);
  assert.deepEqual(await page.evaluate(() => replay('plain', 'core')), { interpreted: true, native: 'CompileError' });
  // What the browser says of the two attempts to compile, and of the server that was away; nothing else.
  assert.deepEqual(errors.filter((text) => !/WebAssembly|ERR_CONNECTION/.test(text)), []);
});

test("'wasm-unsafe-eval' is what the policy needs for WebAssembly", async (context) => {
  const { page, until, errors } = await visit(context, `?csp=${encodeURIComponent("default-src 'self' 'wasm-unsafe-eval'")}`);
  await page.evaluate(() => void start());
  await until(isOnline);
  assert.deepEqual([await page.evaluate(() => replay('plain', 'core')), errors], [{ interpreted: true, native: true }, []]);
});

test('the logs that every host plays', async (context) => {
  const { page } = await visit(context);
  for (const [log, module] of [['plain', 'core'], ['link', 'subscriptions']]) {
    assert.deepEqual(await page.evaluate(([log, module]) => replay(log, module), [log, module]), { interpreted: true, native: true });
  }
});

test('a worker', async (context) => {
  const { page, until } = await visit(context);
  await page.evaluate(() => {
    const worker = new Worker('/tests/worker.mjs', { type: 'module' });
    worker.onmessage = ({ data }) => window.said.push(data);
    worker.postMessage('hello');
  });
  await until(() => window.said.some(([type, data]) => type === 'message' && data === 'hello'));
});

test('the demo', async (context) => {
  const server = await serve({ dead: 1000 });
  const page = await browser.newPage();
  context.after(async () => {
    await page.close();
    await server.kill().catch(() => {});
  });
  await page.goto(`${server.origin}/demo/index.html`);
  const phase = (text) => page.waitForFunction((text) => document.getElementById('phase').textContent === text, text, { timeout: PATIENCE });
  await phase('online');
  await page.click('#kill');
  await phase('waiting');
  await page.click('#say button');
  await phase('online');
  await page.waitForFunction(() => document.getElementById('log').textContent.includes('the server says: hello'), undefined, { timeout: PATIENCE });
  await page.click('#stop');
  await phase('stopped');
});

test('what it costs a page', async (context) => {
  const { page } = await visit(context);
  const [first, later] = await page.evaluate(() => {
    const time = () => {
      const begun = performance.now();
      connect('ws://127.0.0.1:1/', { host: null, start: false });
      return performance.now() - begun;
    };
    return [time(), Math.min(...Array.from({ length: 50 }, time))];
  });
  context.diagnostic(`the first socket of a page takes ${first.toFixed(1)} ms, another ${later.toFixed(2)} ms`);
});
