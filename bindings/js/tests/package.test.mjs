// What is published: its files, its entry points for `import` and `require`, and its types as users write against them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { folder } from './modules.mjs';

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
  writeFileSync(
    join(project, 'without.mjs'),
    `delete globalThis.WebAssembly;
     const { connect } = await import('redial');
     const socket = connect('ws://127.0.0.1:1', { host: null, seed: 1, WebSocket: class { constructor() { setTimeout(() => this.onclose({ code: 1006 })); } } });
     socket.addEventListener('state', ({ detail }) => { if (detail.phase === 'waiting') { console.log(detail.until - detail.since); process.exit(); } });`,
  );
  const run = (...flags) => execFileSync(process.execPath, [...flags, join(project, 'without.mjs')], { encoding: 'utf8' });
  const interpreted = run();
  writeFileSync(join(project, 'without.mjs'), readFileSync(join(project, 'without.mjs'), 'utf8').replace('delete globalThis.WebAssembly;', ''));
  assert.equal(interpreted, run());
  assert.match(interpreted, /^\d+\n$/);
});

test('the types are those that users write against', { skip: !process.env.NODE_PATH && 'NODE_PATH has no typescript' }, () => {
  for (const name of ['sample.ts', 'sample-commonjs.cts']) cpSync(join(here, 'types', name), join(project, name));
  const tsc = join(process.env.NODE_PATH, 'typescript/bin/tsc');
  const flags = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--lib', 'es2022,dom', '--types', ''];
  try {
    execFileSync(process.execPath, [tsc, ...flags, 'sample.ts', 'sample-commonjs.cts'], { cwd: project, encoding: 'utf8' });
  } catch ({ stdout }) {
    assert.fail(stdout);
  }
});
