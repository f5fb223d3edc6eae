// The interpreter against the engine: each instruction on values at the edges, and the whole core on random events.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { interpret } from '../src/interpreter.js';
import { words } from '../src/settings.js';
import { core, native } from './modules.mjs';

const I32 = 0x7f;
const I64 = 0x7e;
const NONE = 2 ** 32 - 1;
const INTS = [0, 1, 2, 7, 31, 32, 33, 255, 256, 65535, 65536, 0x7fffffff, -1, -2, -31, -128, -32768, -0x80000000, 0x12345678];
const LONGS = [
  ...[0n, 1n, 2n, 7n, 31n, 32n, 33n, 63n, 64n, 255n, 65535n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 0x100000000n].flatMap((n) => [n, -n]),
  0x7fffffffffffffffn, -0x8000000000000000n, 0x123456789abcdef0n, 1000000n,
];

const leb = (value) => {
  const bytes = [];
  for (; value > 127; value >>>= 7) bytes.push((value & 127) | 128);
  return [...bytes, value];
};
const section = (id, ...items) => [id, ...leb(items.flat().length + 1), items.length, ...items.flat()];

/** A module with one function `run` of this type and body, and a page of memory that begins with some bytes. */
const moduleOf = (parameters, result, body) => {
  const code = [0, ...body, 0x0b];
  return new Uint8Array([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [0x60, parameters.length, ...parameters, 1, result]),
    ...section(3, [0]),
    ...section(5, [0, 1]),
    ...section(7, [3, ...Buffer.from('run'), 0, 0]),
    ...section(10, [...leb(code.length), ...code]),
    ...section(11, [0, 0x41, 0, 0x0b, 16, 0x81, 0x92, 0xa3, 0xf4, 0x7f, 0x80, 1, 2, 0xff, 0xfe, 3, 4, 5, 6, 7, 8]),
  ]);
};

const result = (run, values) => {
  try {
    return run(...values);
  } catch {
    return 'trap';
  }
};

const same = (name, bytes, inputs) => {
  const [expected, found] = [native(bytes).run, interpret(bytes).run];
  for (const values of inputs) assert.equal(result(found, values), result(expected, values), `${name} of ${values}`);
};

const range = (from, to) => Array.from({ length: to - from + 1 }, (_, place) => from + place);
const pairs = (values) => values.flatMap((one) => values.map((other) => [one, other]));
const singles = (values) => values.map((value) => [value]);

test('instructions of one operand', () => {
  const cases = [
    ...[0x45, 0x67, 0x68, 0x69, 0xc0, 0xc1].map((opcode) => [opcode, I32, I32]),
    ...[0xac, 0xad].map((opcode) => [opcode, I32, I64]),
    ...[0x50, 0xa7].map((opcode) => [opcode, I64, I32]),
    ...[0x79, 0x7a, 0x7b, 0xc2, 0xc3, 0xc4].map((opcode) => [opcode, I64, I64]),
  ];
  for (const [opcode, from, to] of cases) {
    same(`0x${opcode.toString(16)}`, moduleOf([from], to, [0x20, 0, opcode]), singles(from === I32 ? INTS : LONGS));
  }
});

test('instructions of two operands', () => {
  const cases = [
    ...range(0x46, 0x4f).map((opcode) => [opcode, I32, I32]),
    ...range(0x51, 0x5a).map((opcode) => [opcode, I64, I32]),
    ...range(0x6a, 0x78).map((opcode) => [opcode, I32, I32]),
    ...range(0x7c, 0x8a).map((opcode) => [opcode, I64, I64]),
  ];
  for (const [opcode, from, to] of cases) {
    const values = from === I32 ? INTS : LONGS;
    // The one quotient that does not fit is a trap, and the core never divides by -1.
    const fits = ([a, b]) => !((opcode === 0x6d || opcode === 0x7f) && (b === -1 || b === -1n));
    same(`0x${opcode.toString(16)}`, moduleOf([from, from], to, [0x20, 0, 0x20, 1, opcode]), pairs(values).filter(fits));
  }
});

test('loads and stores', () => {
  for (const opcode of [0x28, 0x2c, 0x2d, 0x2e, 0x2f]) same('load', moduleOf([I32], I32, [0x20, 0, opcode, 0, 1]), singles(range(0, 8)));
  for (const opcode of [0x29, ...range(0x30, 0x35)]) same('load', moduleOf([I32], I64, [0x20, 0, opcode, 0, 1]), singles(range(0, 7)));
  for (const opcode of [0x36, 0x3a, 0x3b]) {
    same('store', moduleOf([I32], I64, [0x41, 2, 0x20, 0, opcode, 0, 1, 0x41, 0, 0x29, 0, 1]), singles(INTS));
  }
  for (const opcode of [0x37, 0x3c, 0x3d, 0x3e]) {
    same('store', moduleOf([I64], I64, [0x41, 2, 0x20, 0, opcode, 0, 1, 0x41, 0, 0x29, 0, 2]), singles(LONGS));
  }
  const copy = (at, instruction) => moduleOf([I32], I64, [0x41, 1, 0x20, 0, 0x41, 5, 0xfc, ...instruction, 0x41, at, 0x29, 0, 0]);
  same('memory.copy', copy(0, [10, 0, 0]), singles(range(0, 9)));
  same('memory.fill', copy(0, [11, 0]), singles([0, 7, 255]));
});

test('blocks, loops and jumps', () => {
  // The sum of what is below the argument, by a loop: `result` in local 1 with `br_if`, and the same with `br_table`.
  const sum = [0x41, 0, 0x21, 1, 0x03, 0x40, 0x20, 1, 0x20, 0, 0x6a, 0x21, 1, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b, 0x20, 1];
  same('a loop', moduleOf([I32, I32], I32, sum), [[1, 0], [5, 9], [100, 3]]);
  const nested = [0x02, I32, 0x02, I32, 0x20, 0, 0x20, 1, 0x0e, 2, 0, 1, 2, 0x0b, 0x41, 10, 0x6a, 0x0b, 0x41, 20, 0x6a];
  same('br_table', moduleOf([I32, I32], I32, nested), pairs([0, 1, 2, 3, -1]));
  const choice = [0x20, 0, 0x04, I32, 0x20, 1, 0x05, 0x41, 7, 0x20, 1, 0x45, 0x0d, 0, 0x1a, 0x41, 9, 0x0b];
  same('if and else', moduleOf([I32, I32], I32, choice), pairs([0, 1, 5]));
  same('select', moduleOf([I32, I32], I32, [0x20, 0, 0x20, 1, 0x20, 0, 0x1b]), pairs([0, 1, 5]));
  same('return', moduleOf([I32], I32, [0x02, 0x40, 0x20, 0, 0x0d, 0, 0x41, 3, 0x0f, 0x0b, 0x41, 4]), singles([0, 1]));
  same('unreachable', moduleOf([I32], I32, [0x20, 0, 0x04, 0x40, 0x00, 0x0b, 0x41, 4]), singles([0, 1]));
});

test('the core decides the same, event by event', () => {
  const engines = [native(core), interpret(core)];
  let seed = 1;
  const draw = (below) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >>> 8) % below;
  };
  const memories = engines.map(({ memory, mail, state, state_bytes }) => [
    new Uint32Array(memory.buffer, mail(), 64),
    new Uint8Array(memory.buffer, state(), state_bytes()),
  ]);
  const both = (act) => {
    const results = engines.map(act);
    assert.equal(results[1], results[0]);
    assert.deepEqual(memories[1][0], memories[0][0]);
    return results[0];
  };
  const write = (numbers) => memories.forEach(([mail]) => mail.set(numbers));
  for (let round = 0; round < 60; round++) {
    const jitter = ['none', 'full', 'equal', 'decorrelated', 'aboveInitial', { plusMinus: 0.5 }, { minus: 0.2 }, { window: [0.2, 1] }];
    const initial = 1 + draw(5000);
    const backoff = draw(3)
      ? { initial, max: initial + 1 + draw(60000), factor: 1.1 + draw(3) / 2, jitter: jitter[draw(8)], floor: draw(2), first: draw(2) ? 0 : undefined }
      : { curve: 'windows', initial, scale: 1 + draw(40000), max: initial + draw(300000) };
    const settings = {
      ...{ backoff, deaf: draw(3) === 0, established: draw(2) ? 'ready' : 'open', connectTimeout: 1 + draw(20000) },
      ...{ maxAttempts: draw(2) ? draw(9) : undefined, resetAfterStable: draw(2) ? draw(90000) : undefined, minInterval: draw(9) },
      heartbeat: draw(2) ? { interval: 1000 + draw(60000), answerWithin: 1 + draw(20000) } : undefined,
    };
    write([draw(99), draw(99), ...(draw(2) ? [1, draw(50), 0] : [NONE, NONE, NONE]), ...words(settings)]);
    assert.equal(both((engine) => engine.create()), 0, JSON.stringify(settings));
    let [now, epoch] = [0, 1];
    for (let call = 0; call < 40; call++) {
      now += [0, 1000, 50000, 3000000, 90000000][draw(5)];
      write([draw(27), epoch, draw(4), draw(4), draw(2), ...(draw(2) ? [NONE, NONE] : [draw(90000000), 0]), draw(99), 0]);
      both((engine) => engine.step(now, now / 2 ** 32));
      epoch = memories[0][0][3] || epoch;
      assert.deepEqual(memories[1][1], memories[0][1], 'the state of the policy');
    }
  }
});
