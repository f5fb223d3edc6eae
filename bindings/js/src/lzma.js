// Unpacks what the build packed: an LZMA stream in base64, of the parameters lc=2, lp=0, pb=0.

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

// The models: what a bit says. Each has space for 1024 chances, the literals one for each of four beginnings of the byte before.
const [MATCH, AGAIN, OLDER, OLDER1, OLDER2, LONGER, NEW, OLD, SLOT, NEAR, ALIGN, LITERAL] = [0, 1, 2, 3, 4, 5, 6, 10, 14, 18, 32, 33];

/** The `size` bytes that `text` holds. */
export function unpack(text, size) {
  const sextets = new Uint8Array(128);
  for (let value = 0; value < 64; value++) sextets[ALPHABET.charCodeAt(value)] = value;
  let read = 0;
  let bits = 0;
  let held = 0;
  const next = () => {
    for (; held < 8; held += 6) bits = (bits << 6) | sextets[text.charCodeAt(read++)];
    held -= 8;
    return (bits >> held) & 255;
  };

  // The range decoder. Each bit has a chance in 2048 to be 0, which follows what was seen.
  const chances = new Uint16Array(37 << 10).fill(1024);
  next();
  let range = 2 ** 32 - 1;
  let code = 0;
  for (let place = 0; place < 4; place++) code = code * 256 + next();
  const settle = () => {
    if (range < 2 ** 24) {
      range *= 256;
      code = code * 256 + next();
    }
  };
  const bit = (model, place) => {
    const at = (model << 10) + place;
    const chance = chances[at];
    const bound = (range >>> 11) * chance;
    const one = code >= bound;
    if (one) {
      code -= bound;
      range -= bound;
      chances[at] -= chance >> 5;
    } else {
      range = bound;
      chances[at] += (2048 - chance) >> 5;
    }
    settle();
    return +one;
  };
  const direct = (count) => {
    let value = 0;
    for (; count > 0; count--) {
      range = Math.floor(range / 2);
      const one = code >= range;
      if (one) code -= range;
      settle();
      value = value * 2 + +one;
    }
    return value;
  };
  const tree = (model, count, node = 1) => {
    while (node >> count === 0) node = node * 2 + bit(model, node);
    return node - (1 << count);
  };
  const reversed = (model, count) => {
    let value = 0;
    for (let place = 0, node = 1; place < count; place++) {
      const one = bit(model, node);
      node = node * 2 + one;
      value += one << place;
    }
    return value;
  };
  const length = (model) => {
    if (!bit(model, 0)) return 2 + tree(model + 1, 3);
    return bit(model, 1) ? 18 + tree(model + 3, 8) : 10 + tree(model + 2, 3);
  };
  const distance = (length) => {
    const slot = tree(SLOT + Math.min(length - 2, 3), 6);
    const count = (slot >> 1) - 1;
    if (count < 1) return slot;
    const base = (2 + (slot & 1)) << count;
    if (count < 6) return base + reversed(NEAR + slot, count);
    return base + direct(count - 4) * 16 + reversed(ALIGN, 4);
  };

  const out = new Uint8Array(size);
  const recent = [0, 0, 0, 0];
  for (let place = 0, state = 0; place < size; ) {
    if (!bit(MATCH, state)) {
      const model = LITERAL + (out[place - 1] >> 6);
      let node = 1;
      // After a match, the byte that it would have gone on with is a hint until it is wrong.
      for (let hint = out[place - 1 - recent[0]], left = state > 6 ? 8 : 0; left-- > 0; ) {
        const hinted = (hint >> left) & 1;
        const one = bit(model, 256 + hinted * 256 + node);
        node = node * 2 + one;
        if (one !== hinted) break;
      }
      out[place++] = tree(model, 8, node);
      state = state < 4 ? 0 : state - (state < 10 ? 3 : 6);
      continue;
    }
    const late = state > 6;
    let left = 1;
    if (!bit(AGAIN, state)) {
      left = length(NEW);
      recent.unshift(distance(left));
      state = late ? 10 : 7;
    } else if (bit(OLDER, state)) {
      const which = bit(OLDER1, state) && 1 + bit(OLDER2, state);
      recent.unshift(...recent.splice(1 + which, 1));
      left = length(OLD);
      state = late ? 11 : 8;
    } else if (bit(LONGER, state)) {
      left = length(OLD);
      state = late ? 11 : 8;
    } else {
      state = late ? 11 : 9;
    }
    for (; left > 0; left--, place++) out[place] = out[place - 1 - recent[0]];
  }
  return out;
}
