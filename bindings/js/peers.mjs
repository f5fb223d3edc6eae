// Runs the test suites of reconnecting-websocket 4.4.0 and partysocket 1.3.0 against the drop-ins of a built package:
//     node peers.mjs PACKAGE FOLDER
// The suites are fetched into FOLDER, from GitHub or from the clones in $PEER_REPOSITORIES (OWNER+NAME/repo in it), and what they
// need from npm. What can't be fetched is skipped. A test of theirs that fails is run again, twice at most, because some are races
// with the clock of a busy machine; it fails here when it fails each time.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const [built, folder] = process.argv.slice(2).map((path) => resolve(path));
const RUNS = 3;

const suites = [
  {
    name: 'reconnecting-websocket 4.4.0',
    repository: ['pladaria', 'reconnecting-websocket', 'v4.4.0', 'test'],
    packages: ['ava@2.4.0', 'ws@6.2.3'],
    prepare(suite) {
      // Their suite asks for the package by `require('..')`.
      writeFileSync(join(suite, 'index.js'), `module.exports = require('${built}/dist/reconnecting-websocket.cjs');\n`);
    },
    run(suite) {
      const { stdout } = command(suite, 'ava', ['--tap', '--serial', 'test/test.js']);
      const lines = stdout.split('\n').map((line) => line.match(/^(not )?ok \d+ - (.*)$/)).filter(Boolean);
      const skipped = lines.filter(([line]) => line.endsWith('# SKIP')).length;
      return { skipped, tests: lines.map(([, not, name]) => [name, !not]) };
    },
  },
  {
    name: 'partysocket 1.3.0',
    repository: ['cloudflare', 'partykit', 'partysocket@1.3.0', 'packages/partysocket/src'],
    packages: [
      'vitest@4.1.5', 'jsdom@29.1.0', 'ws@8.18.3', 'react@19.2.0', 'react-dom@19.2.0', '@testing-library/react@16.3.0',
      '@testing-library/dom@10.4.1',
    ],
    prepare(suite) {
      const source = join(suite, 'packages/partysocket/src');
      writeFileSync(join(source, 'ws.ts'), `export { default, CloseEvent, ErrorEvent } from '${built}/dist/partysocket.js';\n`);
      rmSync(join(source, 'tsconfig.json'), { force: true });
      writeFileSync(join(suite, 'vitest.config.mjs'), 'export default { test: { pool: "forks", maxWorkers: 1 } };\n');
    },
    run(suite) {
      const result = join(suite, 'result.json');
      rmSync(result, { force: true });
      command(suite, 'vitest', ['run', '--reporter=json', `--outputFile=${result}`]);
      const { testResults } = JSON.parse(readFileSync(result, 'utf8'));
      // A file that could not be read has no tests.
      const unread = testResults.filter(({ assertionResults }) => assertionResults.length === 0).map(({ name }) => [name, false]);
      const all = testResults.flatMap(({ name, assertionResults }) => assertionResults.map((test) => ({ name, ...test })));
      return { skipped: 0, tests: [...unread, ...all.map(({ name, fullName, status }) => [`${name} ${fullName}`, status === 'passed'])] };
    },
  },
];

/** A program of the suite's packages. Node 20 has a WebSocket, which their suites use, only where it is asked for. */
function command(suite, program, arguments_) {
  const flag = typeof WebSocket === 'undefined' ? ['--experimental-websocket'] : [];
  const env = { ...process.env, NODE_OPTIONS: flag.join(' '), GITHUB_ACTIONS: '' };
  return spawnSync(join(suite, 'node_modules/.bin', program), arguments_, { cwd: suite, env, encoding: 'utf8', timeout: 600_000 });
}

/** The files of a repository at a tag, with the packages that they need; false where they are not to be had. */
function fetch({ repository: [owner, name, tag, path], packages }, suite) {
  if (!existsSync(suite)) {
    let clone = join(process.env.PEER_REPOSITORIES ?? folder, `${owner}+${name}`, 'repo');
    if (!existsSync(clone)) {
      clone = join(folder, `${name}.git`);
      const from = `https://github.com/${owner}/${name}`;
      const cloned = spawnSync('git', ['clone', '-q', '--bare', '--depth', '1', '--branch', tag, from, clone], { timeout: 120_000 });
      if (cloned.status !== 0) return false;
    }
    const part = `${suite}.part`;
    rmSync(part, { recursive: true, force: true });
    mkdirSync(part, { recursive: true });
    const archive = execFileSync('git', ['-C', clone, 'archive', tag, path], { maxBuffer: 1 << 28 });
    execFileSync('tar', ['x', '-C', part], { input: archive });
    writeFileSync(join(part, 'package.json'), '{ "name": "suite", "private": true, "main": "index.js" }\n');
    renameSync(part, suite);
  }
  const installed = join(suite, 'packages.txt');
  if (existsSync(installed) && readFileSync(installed, 'utf8') === packages.join('\n')) return true;
  const options = ['install', '--silent', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'];
  if (spawnSync('npm', [...options, ...packages], { cwd: suite, timeout: 300_000 }).status !== 0) return false;
  writeFileSync(installed, packages.join('\n'));
  return true;
}

mkdirSync(folder, { recursive: true });
for (const suite of suites) {
  const at = join(folder, suite.repository[1]);
  if (!fetch(suite, at)) {
    console.log(`SKIPPED: the suite of ${suite.name} can't be fetched here`);
    continue;
  }
  suite.prepare(at);
  const passed = new Map();
  let skipped = 0;
  for (let run = 1; run <= RUNS; run++) {
    const result = suite.run(at);
    skipped = result.skipped;
    for (const [name, pass] of result.tests) if (!passed.get(name)) passed.set(name, pass && run);
    if (passed.size > 0 && [...passed.values()].every(Boolean)) break;
  }
  const again = [...passed.values()].filter((run) => run > 1).length;
  const failed = [...passed].filter(([, run]) => !run);
  const notes = [again && `${again} of them when run again`, skipped && `${skipped} more it skips itself`].filter(Boolean).join(', ');
  console.log(`${suite.name}: ${passed.size - failed.length - skipped} of ${passed.size - skipped} tests pass${notes && ` (${notes})`}`);
  for (const [name] of failed) console.log(`  failed: ${name}`);
  if (failed.length || passed.size === 0) process.exitCode = 1;
}
