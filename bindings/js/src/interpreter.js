// Runs a WebAssembly module without the help of the engine, for pages whose content security policy forbids to compile one
// and for engines that have none. It knows what the core is made of: integers, one memory, one table, no imports.
//
// Each instruction becomes a function of a frame. A frame is an array: the locals, then the operand stack, whose height is
// known at every instruction. An `i32` is a number, an `i64` a BigInt, both signed. A function that returns a number n jumps
// out of n blocks.

const PAGE = 65536;
const I64 = 0x7e;

const trap = () => {
  throw Error('unreachable');
};

const long = (value) => BigInt.asIntN(64, value);
const unsigned = (value) => BigInt.asUintN(64, value);

const compare = (convert) => [
  (a, b) => a === b,
  (a, b) => a !== b,
  (a, b) => a < b,
  (a, b) => convert(a) < convert(b),
  (a, b) => a > b,
  (a, b) => convert(a) > convert(b),
  (a, b) => a <= b,
  (a, b) => convert(a) <= convert(b),
  (a, b) => a >= b,
  (a, b) => convert(a) >= convert(b),
];

const word = (value) => value >>> 0;
const trailing = (value) => (value ? 31 - Math.clz32(value & -value) : 32);
const ones = (value) => {
  let count = 0;
  for (let rest = value; rest; rest &= rest - 1) count++;
  return count;
};
const high = (value) => Number(unsigned(value) >> 32n) | 0;
const low = (value) => Number(BigInt.asIntN(32, value));

// From 0x67 and 0x6a on.
const UNARY = [Math.clz32, trailing, ones];
const BINARY = [
  (a, b) => (a + b) | 0,
  (a, b) => (a - b) | 0,
  Math.imul,
  (a, b) => (b ? (a / b) | 0 : trap()),
  (a, b) => (b ? (word(a) / word(b)) | 0 : trap()),
  (a, b) => (b ? a % b | 0 : trap()),
  (a, b) => (b ? word(a) % word(b) | 0 : trap()),
  (a, b) => a & b,
  (a, b) => a | b,
  (a, b) => a ^ b,
  (a, b) => a << b,
  (a, b) => a >> b,
  (a, b) => (a >>> b) | 0,
  (a, b) => (a << b) | (a >>> -b),
  (a, b) => (a >>> b) | (a << -b),
];
// From 0x79 and 0x7c on.
const UNARY_LONG = [
  (a) => BigInt(high(a) ? Math.clz32(high(a)) : 32 + Math.clz32(low(a))),
  (a) => BigInt(low(a) ? trailing(low(a)) : 32 + trailing(high(a))),
  (a) => BigInt(ones(low(a)) + ones(high(a))),
];
const BINARY_LONG = [
  (a, b) => a + b,
  (a, b) => a - b,
  (a, b) => a * b,
  (a, b) => a / b,
  (a, b) => unsigned(a) / unsigned(b),
  (a, b) => a % b,
  (a, b) => unsigned(a) % unsigned(b),
  (a, b) => a & b,
  (a, b) => a | b,
  (a, b) => a ^ b,
  (a, b) => a << (b & 63n),
  (a, b) => a >> (b & 63n),
  (a, b) => unsigned(a) >> (b & 63n),
  (a, b) => (a << (b & 63n)) | (unsigned(a) >> (-b & 63n)),
  (a, b) => (unsigned(a) >> (b & 63n)) | (a << (-b & 63n)),
];

const COMPARE = compare(word);
const COMPARE_LONG = compare(unsigned);

// From 0x28 on: what a load reads and a store writes, and whether it is an `i64`. The others are of floats.
const LOADS = [
  ['Int32'], ['BigInt64'], , , ['Int8'], ['Uint8'], ['Int16'], ['Uint16'],
  ['Int8', 1], ['Uint8', 1], ['Int16', 1], ['Uint16', 1], ['Int32', 1], ['Uint32', 1],
];
const STORES = [['Int32'], ['BigInt64'], , , ['Int8'], ['Int16'], ['Int8', 1], ['Int16', 1], ['Int32', 1]];

/** What `new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports` would be. */
export function interpret(bytes) {
  let at = 8;
  const types = [];
  const functions = [];
  const globals = [];
  const table = [];
  const exports = {};
  let view;

  const leb = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
  };
  const signed = (bits) => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asIntN(bits, BigInt.asIntN(Number(shift) + 7, value));
    }
  };
  const list = (item) => {
    const items = [];
    for (let left = leb(); left > 0; left--) items.push(item());
    return items;
  };
  const skip = (count) => (at += count) - count;
  // A constant expression: one constant and an end.
  const constant = () => {
    const value = bytes[at++] === 0x41 ? Number(signed(32)) : signed(64);
    at++;
    return value;
  };
  const memory = {
    get buffer() {
      return view.buffer;
    },
  };

  const sections = {
    1: () =>
      list(() => {
        skip(1);
        types.push([list(() => bytes[at++]), list(() => bytes[at++])]);
      }),
    3: () => list(() => functions.push({ type: types[leb()] })),
    5: () =>
      list(() => {
        const limited = leb();
        view = new DataView(new ArrayBuffer(leb() * PAGE));
        if (limited) leb();
      }),
    6: () =>
      list(() => {
        skip(2);
        globals.push(constant());
      }),
    7: () =>
      list(() => {
        const name = String.fromCharCode(...list(() => bytes[at++]));
        const kind = bytes[at++];
        const index = leb();
        if (kind === 0) exports[name] = (...values) => call(functions[index], values.map((value) => (typeof value === 'bigint' ? long(value) : value | 0)));
        if (kind === 2) exports[name] = memory;
      }),
    9: () =>
      list(() => {
        skip(1);
        const offset = constant();
        list(leb).forEach((index, place) => (table[offset + place] = functions[index]));
      }),
    10: () => {
      let next = 0;
      list(() => {
        const end = leb() + at;
        functions[next++].at = at;
        at = end;
      });
    },
    11: () =>
      list(() => {
        skip(1);
        const offset = constant();
        const length = leb();
        new Uint8Array(view.buffer).set(bytes.subarray(at, at + length), offset);
        at += length;
      }),
  };
  while (at < bytes.length) {
    const section = sections[bytes[at++]];
    const end = leb() + at;
    if (section) section();
    at = end;
  }

  const run = (body, frame) => {
    for (const instruction of body) {
      const out = instruction(frame);
      if (out) return out;
    }
    return 0;
  };

  const call = (target, values) => {
    const frame = [...values, ...(target.locals || translate(target))];
    run(target.body, frame);
    return target.type[1].length ? frame[target.base] : undefined;
  };

  const translate = (target) => {
    const back = at;
    at = target.at;
    const [parameters, results] = target.type;
    target.locals = [];
    list(() => {
      for (let left = leb(), zero = bytes[at++] === I64 ? 0n : 0; left > 0; left--) target.locals.push(zero);
    });
    target.base = parameters.length + target.locals.length;
    target.body = translateBody(target.base, results.length);
    at = back;
    return target.locals;
  };

  const translateBody = (base, arity) => {
    // Where the stack is, and the blocks that the present instruction is in, from the outermost.
    let height = base;
    const whole = { base, arity, jump: arity, body: [] };
    const blocks = [whole];
    let body = whole.body;
    const emit = (instruction) => body.push(instruction);

    const jump = (depth) => {
      const block = blocks[blocks.length - 1 - depth];
      const from = height - block.jump;
      return (frame) => {
        for (let place = 0; place < block.jump; place++) frame[block.base + place] = frame[from + place];
        return depth + 1;
      };
    };
    const unary = (change) => {
      const top = height - 1;
      emit((frame) => {
        frame[top] = change(frame[top]);
      });
    };
    const binary = (combine) => {
      const top = --height - 1;
      emit((frame) => {
        frame[top] = combine(frame[top], frame[top + 1]);
      });
    };
    const push = (value) => {
      const top = height++;
      emit((frame) => {
        frame[top] = value(frame);
      });
    };
    const pop = (take) => {
      const top = --height;
      emit((frame) => {
        take(frame[top], frame);
      });
    };
    const begin = (opcode) => {
      const type = bytes[at];
      const [entry, results] = type === 0x40 || type > 0x60 ? [0, type === 0x40 ? 0 : 1, skip(1)] : types[leb()].map((of) => of.length);
      if (opcode === 4) height--;
      const start = height - entry;
      blocks.push({ base: start, arity: results, jump: opcode === 3 ? entry : results, opcode, test: height, body: [], outer: body });
      body = blocks[blocks.length - 1].body;
    };
    const end = () => {
      const block = blocks.pop();
      height = block.base + block.arity;
      const inner = block.body;
      body = block.outer;
      const leave = (out) => (out > 1 ? out - 1 : 0);
      if (block.opcode === 3) {
        emit((frame) => {
          for (;;) {
            const out = run(inner, frame);
            if (out !== 1) return leave(out);
          }
        });
      } else if (block.opcode === 4) {
        const [yes, no] = block.yes ? [block.yes, inner] : [inner, []];
        emit((frame) => leave(run(frame[block.test] ? yes : no, frame)));
      } else if (body) {
        emit((frame) => leave(run(inner, frame)));
      }
    };
    const invoke = (type, target) => {
      const [parameters, results] = type;
      height -= parameters.length;
      const first = height;
      height += results.length;
      emit((frame) => {
        const result = call(target(frame), frame.slice(first, first + parameters.length));
        if (results.length) frame[first] = result;
      });
    };
    const access = () => {
      leb();
      const offset = leb();
      return (address) => word(address) + offset;
    };
    const load = ([name, widened]) => {
      const place = access();
      const read = `get${name}`;
      unary((address) => {
        const value = view[read](place(address), true);
        return widened ? BigInt(value) : value;
      });
    };
    const store = ([name, narrowed]) => {
      const place = access();
      const write = `set${name}`;
      const top = (height -= 2);
      emit((frame) => {
        const value = frame[top + 1];
        view[write](place(frame[top]), narrowed ? low(value) : value, true);
      });
    };
    const extend = (bits) => (value) => (value << (32 - bits)) >> (32 - bits);

    const others = {
      0: () => emit(trap),
      1: () => {},
      2: () => begin(2),
      3: () => begin(3),
      4: () => begin(4),
      5: () => {
        const block = blocks[blocks.length - 1];
        block.yes = block.body;
        block.body = body = [];
        height = block.test;
      },
      0x0b: end,
      0x0c: () => emit(jump(leb())),
      0x0d: () => {
        height--;
        const [test, out] = [height, jump(leb())];
        emit((frame) => (frame[test] ? out(frame) : 0));
      },
      0x0e: () => {
        height--;
        const [test, outs, other] = [height, list(() => jump(leb())), jump(leb())];
        emit((frame) => (outs[word(frame[test])] || other)(frame));
      },
      0x0f: () => emit(jump(blocks.length - 1)),
      0x10: () => {
        const target = functions[leb()];
        invoke(target.type, () => target);
      },
      0x11: () => {
        const type = types[leb()];
        leb();
        const top = --height;
        invoke(type, (frame) => table[frame[top]] || trap());
      },
      0x1a: () => height--,
      0x1b: () => {
        const top = (height -= 2) - 1;
        emit((frame) => {
          if (!frame[top + 2]) frame[top] = frame[top + 1];
        });
      },
      0x20: () => {
        const local = leb();
        push((frame) => frame[local]);
      },
      0x21: () => {
        const local = leb();
        pop((value, frame) => (frame[local] = value));
      },
      0x22: () => {
        const [local, top] = [leb(), height - 1];
        emit((frame) => {
          frame[local] = frame[top];
        });
      },
      0x23: () => {
        const index = leb();
        push(() => globals[index]);
      },
      0x24: () => {
        const index = leb();
        pop((value) => (globals[index] = value));
      },
      0x41: () => {
        const value = Number(signed(32));
        push(() => value);
      },
      0x42: () => {
        const value = signed(64);
        push(() => value);
      },
      0x45: () => unary((a) => +!a),
      0x50: () => unary((a) => +!a),
      0xa7: () => unary(low),
      0xac: () => unary(BigInt),
      0xad: () => unary((a) => BigInt(word(a))),
      0xc0: () => unary(extend(8)),
      0xc1: () => unary(extend(16)),
      0xc2: () => unary((a) => BigInt.asIntN(8, a)),
      0xc3: () => unary((a) => BigInt.asIntN(16, a)),
      0xc4: () => unary((a) => BigInt.asIntN(32, a)),
      0xfc: () => {
        const copies = leb() === 10;
        skip(copies ? 2 : 1);
        const top = (height -= 3);
        emit((frame) => {
          const [to, from, length] = [word(frame[top]), word(frame[top + 1]), word(frame[top + 2])];
          const all = new Uint8Array(view.buffer);
          if (copies) all.copyWithin(to, from, from + length);
          else all.fill(from, to, to + length);
        });
      },
    };
    // The ranges of equal instructions: their first opcode, what they do, and how that is emitted.
    const ranges = [
      [0x28, LOADS, load],
      [0x36, STORES, store],
      [0x46, COMPARE, (test) => binary((a, b) => +test(a, b))],
      [0x51, COMPARE_LONG, (test) => binary((a, b) => +test(a, b))],
      [0x67, UNARY, unary],
      [0x6a, BINARY, binary],
      [0x79, UNARY_LONG, unary],
      [0x7c, BINARY_LONG, (combine) => binary((a, b) => long(combine(a, b)))],
    ];

    while (blocks.length) {
      const opcode = bytes[at++];
      if (others[opcode]) {
        others[opcode]();
        continue;
      }
      const [first, kinds, emitted] = ranges.filter(([first]) => first <= opcode).pop();
      emitted(kinds[opcode - first]);
    }
    return whole.body;
  };
  return exports;
}
