// The core in memory: the exports of the WebAssembly module, from the engine or from the interpreter.

import { unpack } from './lzma.js';
import { PACKED, SIZE } from './core.js';

let core;
let waiting;

/**
 * Calls `then` with the core: now, or where the engine refuses WebAssembly (a content security policy without
 * 'wasm-unsafe-eval', an engine without it) as soon as the interpreter is loaded.
 */
export function withCore(then) {
  if (!core && !waiting) start();
  if (core) then(core);
  // Each for itself: one whose settings contradict each other must not keep the others from it.
  else waiting.then(then);
}

function start() {
  const bytes = unpack(PACKED, SIZE);
  try {
    core = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
  } catch {
    waiting = import('./interpreter.js').then(
      ({ interpret }) => (core = interpret(bytes)),
      (cause) => {
        waiting = undefined;
        throw Error('redial: WebAssembly is refused here, and the file interpreter.js beside this one could not be loaded', { cause });
      },
    );
  }
}
