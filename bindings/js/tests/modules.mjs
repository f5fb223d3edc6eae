// What the tests run: the built package, and modules of the core.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const built = process.env.REDIAL_JS ?? join(root, 'target/js');

/** The folder of the package. */
export const folder = join(built, 'package');

/** Whose compiler made the core: `rustup`, as for a release, or `debian`. */
export const compiler = existsSync(join(built, 'compiler')) ? readFileSync(join(built, 'compiler'), 'utf8').trim() : 'rustup';

/** An entry point of the built package. */
export const entry = (name) => import(pathToFileURL(join(folder, 'dist', `${name}.js`)));

/** The core that ships, and the same with subscriptions. */
export const core = readFileSync(join(built, 'core.wasm'));
export const withSubscriptions = readFileSync(join(built, 'subscriptions.wasm'));

/** A log of the folder `tests/golden` and what it decides. */
export const golden = (name) => ['log', 'out'].map((kind) => readFileSync(join(root, 'tests/golden', `${name}.${kind}`), 'utf8'));

export const native = (bytes) => new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
