// What is published: its files, its entry points for `import` and `require`, and its types as users write against them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';

import { compiler, folder } from './modules.mjs';
import { Server } from './server.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const entries = ['index', 'reconnecting-websocket', 'partysocket'];

/** A project that has the package among its own. */
const project = mkdtempSync(join(tmpdir(), 'redial-js-'));
mkdirSync(join(project, 'node_modules'));
symlinkSync(folder, join(project, 'node_modules/redial'));
after(() => rmSync(project, { recursive: true }));

test('npm publishes what is needed, and nothing else', () => {
  const said = execFileSync('npm', ['pack', '--dry-run', '--json'], { cwd: folder, encoding: 'utf8' });
  const [{ files, name }] = JSON.parse(said);
  const scripts = [...entries, 'core', 'interpreter'].flatMap((entry) => [`dist/${entry}.js`, `dist/${entry}.cjs`]);
  const types = entries.flatMap((entry) => [`dist/${entry}.d.ts`, `dist/${entry}.d.cts`]);
  const expected = [...scripts, ...types, 'LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'package.json'];
  assert.deepEqual(files.map(({ path }) => path).sort(), expected.sort());
  assert.equal(name, 'redial');
});

test('every entry point that package.json names is there, and has the version of the project', () => {
  const { exports, version, main, module, types } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const paths = (value) => (typeof value === 'string' ? [value] : Object.values(value).flatMap(paths));
  for (const path of [...paths(exports), main, module, types]) assert.ok(existsSync(join(folder, path)), path);
  const manifest = readFileSync(join(here, '../../../Cargo.toml'), 'utf8');
  assert.equal(version, manifest.match(/^version = "(.*)"$/m)[1]);
});

test('import and require give the same', () => {
  writeFileSync(
    join(project, 'check.mjs'),
    `import * as all from 'redial';
     import RWS from 'redial/reconnecting-websocket';
     import Party, { CloseEvent, ErrorEvent } from 'redial/partysocket';
     if (typeof all.Socket !== 'function' || typeof all.connect !== 'function' || !all.presets.websocket) throw Error('index');
     if (typeof RWS !== 'function' || typeof Party !== 'function' || !new CloseEvent(1000) || !ErrorEvent) throw Error('drop-ins');`,
  );
  execFileSync(process.execPath, [join(project, 'check.mjs')]);
  const require = createRequire(join(project, 'check.cjs'));
  const [all, RWS, Party] = ['redial', 'redial/reconnecting-websocket', 'redial/partysocket'].map(require);
  assert.equal(typeof all.connect, 'function');
  assert.deepEqual([typeof RWS, RWS.default, RWS.OPEN], ['function', RWS, 1]);
  assert.deepEqual([typeof Party, Party.default, typeof Party.CloseEvent], ['function', Party, 'function']);
});

test('a core of either format decides', async () => {
  const require = createRequire(join(project, 'check.cjs'));
  const socket = require('redial').connect('ws://127.0.0.1:1', { start: false, host: null, seed: 1 });
  assert.equal(socket.explain().phase, 'idle');
  socket.hold();
  socket.start();
  assert.deepEqual([socket.phase, socket.explain().waitingFor], ['parked', 'hold']);
});

test('no random number is drawn at import', () => {
  writeFileSync(
    join(project, 'random.mjs'),
    `Math.random = () => { throw Error('drawn'); };
     globalThis.crypto.getRandomValues = Math.random;
     for (const name of ['redial', 'redial/reconnecting-websocket', 'redial/partysocket']) await import(name);`,
  );
  execFileSync(process.execPath, [join(project, 'random.mjs')]);
});

test('it runs where there is no WebAssembly', () => {
  // On a clock of its own: the waits then depend on the seed alone.
  const program = `
    const { connect } = await import('redial');
    let time = 0;
    const later = (then, after) => setTimeout(() => { time += after; then(); });
    const clock = { now: () => time, wall: () => time, setTimeout: later, clearTimeout };
    const WebSocket = class { constructor() { queueMicrotask(() => this.onclose({ code: 1006 })); } };
    const socket = connect('ws://127.0.0.1:1', { host: null, seed: 1, clock, WebSocket, settings: { maxAttempts: 8 } });
    socket.addEventListener('state', ({ detail }) => console.log(JSON.stringify(detail)));`;
  const run = (name, before) => {
    writeFileSync(join(project, name), before + program);
    return execFileSync(process.execPath, [join(project, name)], { encoding: 'utf8' });
  };
  const refuses = "WebAssembly.Module = function () { throw Error('refused'); };";
  const decided = run('with.mjs', '');
  assert.equal(decided.match(/"waiting"/g).length, 7);
  assert.match(decided, /"failed".*\n$/);
  assert.equal(run('without.mjs', 'delete globalThis.WebAssembly;').replace(/^.*"connecting","trigger":"start".*\n/, ''), decided);
  assert.equal(run('refused.mjs', refuses).replace(/^.*"connecting","trigger":"start".*\n/, ''), decided);
});

/** What a program prints in which WebAssembly is refused. */
const refused = (name, program) => {
  const before = `WebAssembly.Module = function () { throw Error('refused'); };
    const failures = [];
    process.on('unhandledRejection', ({ message }) => failures.push(console.log(message)));
    class WebSocket extends EventTarget {
      static CLOSING = 2;
      readyState = 0;
      constructor(url) { super(); dials.push(url); console.log('dialled', url); }
      close() {}
    }
    const until = async (test) => {
      while (!test()) await new Promise((resolve) => setTimeout(resolve, 10));
    };
    const dials = [];
  `;
  writeFileSync(join(project, name), before + program);
  return execFileSync(process.execPath, [join(project, name)], { encoding: 'utf8', timeout: 30_000 }).split('\n').slice(0, -1);
};

test('until the interpreter is loaded, close() is obeyed and the session is there', () => {
  const program = `
    const [{ connect }, { default: RWS }, { default: Party }] =
      await Promise.all(['redial', 'redial/reconnecting-websocket', 'redial/partysocket'].map((name) => import(name)));
    const [one, other] = [RWS, Party].map((Class) => new Class('ws://dropped', [], { WebSocket }));
    const socket = connect('ws://kept', { WebSocket, host: null, session: { token: 't', sequence: 3 } });
    console.log(JSON.stringify(socket.session), socket.phase);
    one.close();
    other.close();
    await until(() => dials.includes('ws://kept'));
    console.log(one.explain().phase, other.explain().phase, socket.phase, JSON.stringify(socket.session));
    process.exit();`;
  const expected = ['{"token":"t","sequence":3} idle', 'dialled ws://kept', 'stopped stopped connecting {"token":"t","sequence":3}'];
  assert.deepEqual(refused('early.mjs', program), expected);
});

test('until the interpreter is loaded, settings that contradict each other cost their own socket alone', () => {
  const program = `
    const { connect } = await import('redial');
    const make = (url, backoff) => connect(url, { WebSocket, host: null, preset: 'few', settings: { backoff } });
    make('ws://one');
    make('ws://wrong', { initial: 9000, max: 10 });
    make('ws://two');
    await until(() => dials.includes('ws://two'));
    process.exit();`;
  const expected = ['redial: backoff.initial is above backoff.max', 'dialled ws://one', 'dialled ws://two'];
  assert.deepEqual(refused('contradiction.mjs', program).sort(), expected.sort());
});

test('an interpreter that could not be loaded is asked for again by the next socket', () => {
  const copy = join(project, 'copy');
  cpSync(join(folder, 'dist'), copy, { recursive: true });
  writeFileSync(join(copy, 'package.json'), '{ "type": "module" }');
  rmSync(join(copy, 'interpreter.js'));
  const program = `
    import { copyFileSync } from 'node:fs';
    const { connect } = await import('${pathToFileURL(join(copy, 'index.js'))}');
    connect('ws://one', { WebSocket, host: null });
    await until(() => failures.length);
    copyFileSync('${join(folder, 'dist/interpreter.js')}', '${join(copy, 'interpreter.js')}');
    connect('ws://two', { WebSocket, host: null });
    await until(() => dials.length);
    process.exit();`;
  const [first, ...rest] = refused('again.mjs', program);
  assert.match(first, /interpreter.js beside this one could not be loaded/);
  assert.deepEqual(rest, ['dialled ws://two']);
});

test('with require, the interpreter is found', () => {
  const program = `
    const { connect } = require('redial');
    connect('ws://one', { WebSocket, host: null });
    until(() => dials.length || failures.length).then(() => process.exit());`;
  assert.deepEqual(refused('refused.cjs', program), ['dialled ws://one']);
});

test('the server of the demo takes messages of any length that it says, and closes on longer ones', { timeout: 30_000 }, async (context) => {
  const server = new Server({});
  await server.start();
  context.after(() => server.kill());
  const { host } = new URL(server.origin);
  const mask = [1, 2, 3, 4];
  const frame = (length) => {
    const size = length < 126 ? [128 | length] : length < 65536 ? [254, length >> 8, length & 255] : [255, 0, 0, 0, 0, 0, 1, 0, 0];
    const payload = Buffer.alloc(length, 'x').map((byte, place) => byte ^ mask[place & 3]);
    return Buffer.concat([Buffer.from([129, ...size, ...mask]), payload]);
  };
  const socket = createConnection(server.port, '127.0.0.1');
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: eA==\r\n\r\n`);
  // Its connection is used only once the server has said yes, as clients do.
  const chunks = [];
  for await (const chunk of socket) {
    if (chunks.push(chunk) === 1) for (const length of [5, 125, 126, 60_000, 65_536]) socket.write(frame(length));
  }
  const all = Buffer.concat(chunks);
  const answers = all.subarray(all.indexOf('\r\n\r\n') + 4);
  assert.deepEqual(server.heard.map(({ length }) => length), [5, 125, 126, 60_000]);
  assert.equal(answers.length, 2 + 5 + 2 + 125 + 4 + 126 + 4 + 60_000 + 4);
  assert.deepEqual([...answers.subarray(-4)], [0x88, 2, 1009 >> 8, 1009 & 255]);
});

test('the types have the words of the core', async () => {
  const words = await import('../src/names.js');
  const text = readFileSync(join(folder, 'dist/index.d.ts'), 'utf8');
  const members = (type) => [...text.split(`export type ${type} =`)[1].split(';')[0].matchAll(/'(\w+)'/g)].map(([, word]) => word);
  const without = (list, ...carriers) => list.filter((word) => !carriers.includes(word));
  assert.deepEqual(members('WaitReason'), words.REASONS);
  assert.deepEqual(members('GiveUp'), words.ENDS);
  assert.deepEqual(members('Phase').sort(), [...words.PHASES].sort());
  assert.deepEqual(members('Trigger'), without(words.TRIGGERS, 'gate', 'lost', 'gave_up'));
  assert.deepEqual(members('LossCause'), [...words.CLASSES, ...without(words.CAUSES, 'close', 'http', 'io', 'tls', 'class')]);
});

test('the README says how large it is', () => {
  const size = (name) => gzipSync(readFileSync(join(folder, 'dist', `${name}.js`)), { level: 9 }).length;
  const sizes = {
    '`redial`': size('index') + size('core'),
    '`redial/reconnecting-websocket`': size('reconnecting-websocket') + size('core'),
    '`redial/partysocket`': size('partysocket') + size('core'),
    'the core': size('core'),
    'the interpreter': size('interpreter'),
  };
  const rows = readFileSync(join(folder, 'README.md'), 'utf8').matchAll(/^\| ([^|,]+?)(?:,[^|]*)? \| ([\d.]+) KB \|$/gm);
  const said = Object.fromEntries([...rows].map(([, name, kilobytes]) => [name, Number(kilobytes)]));
  assert.deepEqual(Object.keys(said), Object.keys(sizes));
  for (const [name, bytes] of Object.entries(sizes)) {
    const kilobytes = bytes / 1024;
    // The sizes are those of a release; another compiler may make a core that is 3 % larger.
    const most = compiler === 'rustup' ? 0.2 : 0.2 + 0.03 * kilobytes;
    assert.ok(Math.abs(said[name] - kilobytes) <= most, `${name}: the README says ${said[name]} KB, it has ${kilobytes.toFixed(1)} KB`);
  }
});

function compile(compilerOptions, files) {
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  try {
    execFileSync(process.execPath, [join(process.env.NODE_PATH, 'typescript/bin/tsc')], { cwd: project, encoding: 'utf8' });
  } catch ({ stdout }) {
    assert.fail(stdout);
  }
}

test('the types are those that users write against', { skip: !process.env.NODE_PATH && 'NODE_PATH has no typescript' }, () => {
  // One of each module format, so that the types of both are read.
  const files = ['sample.mts', 'sample-commonjs.cts'];
  cpSync(join(here, 'types/sample.ts'), join(project, files[0]));
  cpSync(join(here, 'types', files[1]), join(project, files[1]));
  const compilerOptions = { noEmit: true, strict: true, target: 'es2022', module: 'nodenext', lib: ['es2022', 'dom'], types: [] };
  compile(compilerOptions, files);
  // Resolution as before there were `exports`, and as bundlers do it.
  cpSync(join(here, 'types/sample.ts'), join(project, 'sample.ts'));
  for (const moduleResolution of ['node10', 'bundler']) compile({ ...compilerOptions, module: 'es2022', moduleResolution }, ['sample.ts']);
  compile({ ...compilerOptions, module: 'commonjs', moduleResolution: 'node10' }, ['sample.ts']);
});
