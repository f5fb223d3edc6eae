// What the pages of the tests run: the package as a page loads it, and what the tests ask of it.
import { connect } from '/dist/index.js';
import PartyWebSocket from '/dist/partysocket.js';
import ReconnectingWebSocket from '/dist/reconnecting-websocket.js';

const chat = {
  established: 'ready',
  identify: (connection) => connection.send('HELLO'),
  resume: (connection, { token }) => connection.send(`HELLO ${token}`),
  subscribe: (key) => `SUB ${key}`,
  decode(frame) {
    const [word, first] = frame.split(' ');
    if (word === 'SESSION') return { ready: { token: first } };
    if (word === 'RESUMED') return { resumed: true };
    return word === 'OK' ? { confirmed: first } : { message: frame };
  },
};

const url = `ws://${location.host}/`;
const said = [];

/** A socket whose phases and messages are kept. */
function start(options) {
  const socket = connect(url, { protocol: chat, subscriptions: ['lobby'], ...options });
  socket.addEventListener('state', ({ detail }) => said.push([detail.phase, detail.trigger]));
  socket.addEventListener('message', ({ data }) => said.push(['message', data]));
  return (window.socket = socket);
}

/** The same for a drop-in. */
function dropIn(name) {
  const socket = new { ReconnectingWebSocket, PartyWebSocket }[name](url, undefined, { minReconnectionDelay: 50, maxReconnectionDelay: 400 });
  for (const type of ['open', 'message', 'close']) socket.addEventListener(type, ({ data, code }) => said.push([type, data ?? code ?? '']));
  return (window.socket = socket);
}

/** Plays a log in the page, in WebAssembly where that may be, and in the interpreter. */
async function replay(name, module) {
  const [{ interpret }, { replay }] = await Promise.all([import('/src/interpreter.js'), import('/tests/replay.mjs')]);
  const text = async (path) => (await fetch(path)).text();
  const bytes = new Uint8Array(await (await fetch(`/built/${module}.wasm`)).arrayBuffer());
  const [log, expected] = await Promise.all([text(`/golden/${name}.log`), text(`/golden/${name}.out`)]);
  const result = { interpreted: replay(interpret(bytes), log) === expected };
  try {
    result.native = replay(new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports, log) === expected;
  } catch (error) {
    result.native = error.name;
  }
  return result;
}

Object.assign(window, { start, dropIn, replay, said, marker: undefined, connect });
