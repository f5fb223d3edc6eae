// The logs that every host plays, through WebAssembly and through the interpreter: the bytes of the project's `replay`.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { interpret } from '../src/interpreter.js';
import { core, golden, native, withSubscriptions } from './modules.mjs';
import { replay } from './replay.mjs';

for (const [name, bytes] of [['plain', core], ['link', withSubscriptions]]) {
  for (const [engine, load] of [['WebAssembly', native], ['the interpreter', interpret]]) {
    test(`${name}.log in ${engine}`, () => {
      const [log, decisions] = golden(name);
      assert.equal(replay(load(bytes), log), decisions);
    });
  }
}
