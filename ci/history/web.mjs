// Runs the history as WebAssembly in Node: `node web.mjs PROGRAM [CHAPTER_NUMBER FROM TO]`.
import { readFileSync, writeSync } from 'node:fs';

const [program, ...numbers] = process.argv.slice(2);
let memory;
const print = (text, length) => {
    writeSync(1, new Uint8Array(memory.buffer, text, length));
};
const module = await WebAssembly.instantiate(readFileSync(program), { host: { print } });
const { all, show, memory: exported } = module.instance.exports;
memory = exported;
if (numbers.length === 3) {
    show(...numbers.map(Number));
} else {
    all();
}
