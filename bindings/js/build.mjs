// Builds the package: `node build.mjs MODULE FOLDER`, from a WebAssembly module of the core, into FOLDER/package, which `npm pack`
// takes. The module as it is packed, for the tests, is FOLDER/core.wasm. NODE_PATH is a folder with esbuild and binaryen.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../..');
const [module, built] = process.argv.slice(2);
const folder = join(built, 'package');
const require = createRequire(join(process.env.NODE_PATH, 'any.js'));
const esbuild = require('esbuild');

/**
 * What a page may load at most, packed by gzip: an entry point and the core. It is that of the package as it is released, with
 * rustup's compiler, which ci/js.sh names in a file beside the module; another one may make a core that is a little larger.
 */
const other = existsSync(join(built, 'compiler')) && readFileSync(join(built, 'compiler'), 'utf8').trim() !== 'rustup';
const LIMIT = other ? 25600 * 1.03 : 25600;
const ENTRIES = ['index', 'reconnecting-websocket', 'partysocket'];
/** Files of their own beside them: the core, and what is loaded only where the engine refuses WebAssembly. */
const SHARED = ['core', 'interpreter'];
const FORMATS = { esm: '.js', cjs: '.cjs' };

/** The module without what nobody needs at run time. */
function optimized() {
  const out = join(built, 'core.wasm');
  const features = ['bulk-memory', 'mutable-globals', 'nontrapping-float-to-int', 'sign-ext', 'reference-types', 'multivalue'];
  const binaryen = join(dirname(require.resolve('binaryen/package.json')), 'bin/wasm-opt');
  // What is larger after the passes over the whole program packs better.
  const passes = ['-Oz', '--gufa-optimizing', '-Oz', '--low-memory-unused', '--dealign', '--strip-debug', '--strip-producers', '--strip-target-features'];
  const arguments_ = [binaryen, module, '-o', out, ...features.map((name) => `--enable-${name}`), ...passes];
  execFileSync(process.execPath, arguments_, { stdio: 'inherit' });
  return readFileSync(out);
}

/** The bytes as the text that `src/lzma.js` unpacks. */
function packed(bytes) {
  const arguments_ = ['--format=raw', '--lzma1=preset=9e,lc=2,lp=0,pb=0', '--stdout'];
  return execFileSync('xz', arguments_, { input: bytes }).toString('base64').replace(/=+$/, '');
}

/** The core in place of `src/core.js`, and references to the files of their own. */
const plugin = (bytes, extension) => ({
  name: 'core',
  setup(build) {
    const contents = `export const PACKED = '${packed(bytes)}';\nexport const SIZE = ${bytes.length};\n`;
    build.onLoad({ filter: /src\/core\.js$/ }, () => ({ contents }));
    build.onResolve({ filter: /^\.\/(core|interpreter)\.js$/ }, ({ path, kind }) =>
      kind === 'entry-point' ? undefined : { path: path.replace('.js', extension), external: true, sideEffects: false },
    );
  },
});

async function bundle(name, format, bytes) {
  const extension = FORMATS[format];
  // `require` gives the class itself, with everything else on it.
  const unwrap =
    '(({ default: main, ...named }) => { if (main) module.exports = Object.assign(main, { default: main, ...named }); })(module.exports);';
  await esbuild.build({
    entryPoints: [join(here, 'src', `${name}.js`)],
    outfile: join(folder, 'dist', name + extension),
    bundle: true,
    minify: true,
    legalComments: 'none',
    target: 'es2022',
    format,
    // For a browser, and Node's own modules have no names that `import()` would see.
    platform: format === 'cjs' ? 'node' : 'browser',
    plugins: [plugin(bytes, extension)],
    footer: format === 'cjs' ? { js: unwrap } : {},
  });
}

/**
 * The types for `require`, which gives the class itself where there is one, and otherwise the same. The declarations are repeated in
 * them: how one format would import those of the other is not known to every TypeScript.
 */
function commonTypes(name) {
  const types = readFileSync(join(here, 'types', `${name}.d.ts`), 'utf8');
  const own = join(here, 'types', `${name}.d.cts`);
  if (!existsSync(own)) return types;
  const inside = types.replace(/^export (default|declare) /gm, 'export ');
  return readFileSync(own, 'utf8').replace(/^.*\nimport all from .*$/m, `declare namespace all {\n${inside}}`);
}

rmSync(folder, { recursive: true, force: true });
mkdirSync(join(folder, 'dist'), { recursive: true });
const bytes = optimized();
for (const format of Object.keys(FORMATS)) {
  for (const name of [...ENTRIES, ...SHARED]) await bundle(name, format, bytes);
}
for (const name of ENTRIES) {
  cpSync(join(here, 'types', `${name}.d.ts`), join(folder, 'dist', `${name}.d.ts`));
  writeFileSync(join(folder, 'dist', `${name}.d.cts`), commonTypes(name));
}
for (const file of ['package.json', 'README.md']) cpSync(join(here, file), join(folder, file));
for (const file of ['LICENSE-APACHE', 'LICENSE-MIT']) cpSync(join(root, file), join(folder, file));

const size = (name) => gzipSync(readFileSync(join(folder, 'dist', `${name}.js`)), { level: 9 }).length;
const core = size('core');
console.log(`core.wasm: ${bytes.length} bytes, gzip ${gzipSync(bytes, { level: 9 }).length}; packed in core.js: gzip ${core}`);
const large = ENTRIES.filter((name) => {
  const all = size(name) + core;
  console.log(`${name}.js with core.js: gzip ${all} of ${LIMIT}${other ? ', 3 % more than with the compiler of a release' : ''}`);
  return all > LIMIT;
});
console.log(`interpreter.js, where the engine refuses WebAssembly: gzip ${size('interpreter')} more`);
if (large.length) {
  console.error(`above the limit: ${large.join(', ')}`);
  process.exit(1);
}
