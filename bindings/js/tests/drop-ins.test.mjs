// The two drop-ins: what their users rely on, and the faults of the peers that are not kept. The peers' own suites are run by
// `peers.mjs`.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Clock, settled, sockets } from './fakes.mjs';
import { entry } from './modules.mjs';

const { default: ReconnectingWebSocket } = await entry('reconnecting-websocket');
const { default: PartyWebSocket, CloseEvent, ErrorEvent } = await entry('partysocket');
const BOTH = [['reconnecting-websocket', ReconnectingWebSocket], ['partysocket', PartyWebSocket]];

function make(Class, options = {}, url = 'ws://host/') {
  const [clock, WebSocket] = [new Clock(), sockets()];
  const socket = new Class(url, undefined, { WebSocket, clock, seed: 3, connectionTimeout: 60_000, ...options });
  const said = [];
  for (const type of ['open', 'message', 'close', 'error']) socket.addEventListener(type, (event) => said.push([type, event]));
  return { socket, clock, WebSocket, said, types: () => said.map(([type]) => type) };
}

async function opened(Class, options, url) {
  const all = make(Class, options, url);
  await settled();
  all.WebSocket.last.open();
  return all;
}

/** The waits before so many retries of a server that refuses. */
async function waits(Class, options, count) {
  const { socket, clock, WebSocket } = make(Class, options);
  const waits = [];
  for (let retry = 0; retry < count; retry++) {
    await settled();
    WebSocket.last.fail();
    const { until, since } = socket.explain();
    waits.push((until - since) / 1000);
    await clock.pass(waits[retry] + 1);
  }
  socket.close();
  return waits;
}

for (const [name, Class] of BOTH) {
  test(`${name}: before the first inner socket`, () => {
    const { socket } = make(Class);
    assert.deepEqual([socket.readyState, socket.url, socket.protocol, socket.extensions, socket.bufferedAmount], [0, '', '', '', 0]);
    assert.deepEqual([socket.binaryType, socket.retryCount, socket._ws], ['blob', 0, undefined]);
    assert.deepEqual([Class.CONNECTING, Class.OPEN, Class.CLOSING, Class.CLOSED, socket.CLOSED], [0, 1, 2, 3, 3]);
    assert.equal(make(Class, { startClosed: true }).socket.readyState, 3);
    assert.throws(() => Class('ws://host/'), TypeError);
  });

  test(`${name}: without a jitter, the waits of the peer`, async () => {
    const options = { jitter: false, minReconnectionDelay: 1000, maxReconnectionDelay: 2000, reconnectionDelayGrowFactor: 1.3 };
    assert.deepEqual(await waits(Class, options, 5), [1000, 1300, 1690, 2000, 2000]);
  });

  test(`${name}: with the default jitter, between half of the wait and the wait, and never equal for two sockets`, async () => {
    const options = { minReconnectionDelay: 1000, maxReconnectionDelay: 2000 };
    const [one, other] = [await waits(Class, options, 8), await waits(Class, { ...options, seed: 4 }, 8)];
    [1000, 1300, 1690, 2000, 2000, 2000, 2000, 2000].forEach((longest, retry) => {
      assert.ok(one[retry] >= longest / 2 && one[retry] <= longest, `${one[retry]} of ${longest}`);
    });
    assert.notDeepEqual(one, other);
    assert.deepEqual(await waits(Class, options, 8), one);
  });

  test(`${name}: a connection that held for minUptime begins again with the first wait`, async () => {
    const { socket, clock, WebSocket } = await opened(Class, { minUptime: 5000, jitter: false, minReconnectionDelay: 100 });
    const lose = async (after) => {
      await clock.pass(after);
      WebSocket.last.end();
      const count = socket.retryCount;
      await clock.pass(10_000);
      WebSocket.last.open();
      return count;
    };
    assert.deepEqual([await lose(10), await lose(4900), await lose(5000)], [1, 2, 1]);
  });

  test(`${name}: the queue is flushed in order before open is told`, async () => {
    const { socket, WebSocket } = make(Class, { maxEnqueuedMessages: 2 });
    for (const text of ['one', 'two', 'three']) socket.send(text);
    assert.equal(socket.bufferedAmount, 6);
    await settled();
    socket.onopen = () => socket.send('last');
    WebSocket.last.open();
    assert.deepEqual(WebSocket.last.sent, ['one', 'two', 'last']);
    assert.equal(socket.bufferedAmount, 0);
  });

  test(`${name}: maxRetries ends it, and reconnect() works afterwards`, async () => {
    const { socket, clock, WebSocket } = make(Class, { maxRetries: 2, maxReconnectionDelay: 100 });
    for (let dial = 0; dial < 6; dial++) {
      await settled();
      if (WebSocket.last.readyState === 0) WebSocket.last.fail();
      await clock.pass(1000);
    }
    assert.deepEqual([WebSocket.all.length, socket.retryCount], [3, 2]);
    socket.reconnect();
    await settled();
    assert.deepEqual([WebSocket.all.length, socket.retryCount], [4, 0]);
  });

  test(`${name}: a URL provider that fails is an error event, and is asked again`, async () => {
    let asked = 0;
    const url = () => (asked++ ? 'ws://host/' : Promise.reject(Error('no token')));
    const { clock, WebSocket, said } = make(Class, { maxReconnectionDelay: 100 }, url);
    await settled();
    assert.deepEqual(said.map(([type, { message }]) => [type, message]), [['error', 'no token']]);
    await clock.pass(1000);
    assert.deepEqual([asked, WebSocket.last.url], [2, 'ws://host/']);
  });

  test(`${name}: reconnect() tells one close at once, and repeated calls dial once`, async () => {
    const { socket, WebSocket, said } = await opened(Class);
    socket.reconnect(4001, 'again');
    assert.deepEqual(said.map(([type, { code, reason }]) => [type, code, reason]).slice(1), [['close', 4001, 'again']]);
    assert.deepEqual([socket.readyState, WebSocket.last.closed], [2, { code: 4001, reason: 'again' }]);
    socket.reconnect();
    socket.reconnect();
    await settled();
    assert.equal(WebSocket.all.length, 2);
  });

  test(`${name}: a connection that takes too long is an error TIMEOUT, and dialled again`, async () => {
    const { clock, WebSocket, said, socket } = make(Class, { connectionTimeout: 30, maxReconnectionDelay: 10 });
    await settled();
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(said.map(([type, { message, code }]) => [type, message ?? code]), [['close', 1000], ['error', 'TIMEOUT']]);
    await clock.pass(20);
    assert.equal(WebSocket.all.length, 2);
    socket.close();
  });

  test(`${name}: a subclass may override reconnect`, async () => {
    class Own extends Class {
      reconnect(...given) {
        this.asked = true;
        super.reconnect(...given);
      }
    }
    const { socket, WebSocket } = await opened(Own);
    socket.reconnect();
    await settled();
    assert.ok(socket.asked && socket instanceof Class && WebSocket.all.length === 2);
  });

  test(`${name}: binaryType is kept, and set on every inner socket`, async () => {
    const { socket, WebSocket } = await opened(Class);
    socket.binaryType = 'arraybuffer';
    socket.reconnect();
    await settled();
    WebSocket.last.open();
    assert.deepEqual([socket.binaryType, WebSocket.last.binaryType], ['arraybuffer', 'arraybuffer']);
  });

  test(`${name}: it says what it waits for`, async () => {
    const { socket, WebSocket } = await opened(Class);
    WebSocket.last.end(1006);
    const { phase, trigger, waitingFor } = socket.explain();
    assert.deepEqual([phase, trigger, waitingFor], ['waiting', 'close_1006', 'backoff']);
    assert.equal(typeof socket._getNextDelay(), 'number');
    socket.close();
    assert.equal(socket.explain().phase, 'stopped');
  });

  test(`${name}: a code that browsers do not send still ends the connection, and the next one is dialled`, async () => {
    const { socket, WebSocket, said } = await opened(Class);
    const { last } = WebSocket;
    const { close } = last;
    last.close = function (code, reason) {
      if (code === 1001) throw new DOMException('a code', 'InvalidAccessError');
      close.call(this, code, reason);
    };
    socket.reconnect(1001, 'away');
    await settled();
    assert.deepEqual([last.closed, WebSocket.all.length], [{ code: undefined, reason: undefined }, 2]);
    assert.deepEqual(said.map(([type, { code }]) => [type, code]).slice(1), [['close', 1001]]);
    WebSocket.last.open();
    assert.equal(socket.readyState, 1);
  });

  test(`${name}: the end of a connection that was closing when reconnect() was called is not that of the next dial`, async () => {
    let asked = 0;
    let answer;
    const url = () => (asked++ ? new Promise((resolve) => (answer = resolve)) : 'ws://host/');
    const { socket, WebSocket } = await opened(Class, {}, url);
    const [first] = WebSocket.all;
    first.readyState = 2;
    socket.reconnect();
    await settled();
    first.end(1001);
    answer('ws://host/again');
    await settled();
    assert.deepEqual([WebSocket.last.url, socket.explain().phase, socket.retryCount], ['ws://host/again', 'connecting', 0]);
  });

  test(`${name}: a queued message that can't be sent is an error, and neither open nor the others are lost`, async () => {
    const { socket, WebSocket, types, said } = make(Class);
    for (const message of ['one', { a: 1 }, 'two']) socket.send(message);
    await settled();
    WebSocket.last.open();
    assert.deepEqual([WebSocket.last.sent, types(), said[1][1].message], [['one', 'two'], ['open', 'error'], 'not to be sent']);
    assert.equal(socket._messageQueue.length, 0);
  });

  test(`${name}: options that the peer takes are taken, and an empty URL is dialled as it is`, async () => {
    const odd = [{ minUptime: -1 }, { minUptime: NaN }, { minUptime: 1e12 }, { minUptime: Infinity }, { reconnectionDelayGrowFactor: 5000 }];
    for (const options of [...odd, { minReconnectionDelay: 1e12 }, { minUptime: 0 }]) {
      const { WebSocket } = await opened(Class, options);
      WebSocket.last.end();
    }
    const { WebSocket } = await opened(Class, {}, '');
    assert.equal(WebSocket.last.url, '');
  });

  test(`${name}: a log at every attempt where it is asked for`, () => {
    const { log } = console;
    const lines = [];
    console.log = (...line) => lines.push(line);
    try {
      make(Class);
      assert.deepEqual(lines, []);
      make(Class, { debug: true });
      assert.deepEqual(lines, [['RWS>', 'connect', 0]]);
    } finally {
      console.log = log;
    }
  });
}

test('reconnecting-websocket: close() is told when it is done, also to those who listened when it was asked for', async () => {
  const { socket, WebSocket, types } = await opened(ReconnectingWebSocket);
  const heard = [];
  const listener = ({ code }) => heard.push(code);
  socket.addEventListener('close', listener);
  socket.close(1000, 'done');
  socket.removeEventListener('close', listener);
  assert.deepEqual([socket.readyState, types(), heard], [2, ['open'], []]);
  WebSocket.last.end(1000);
  assert.deepEqual([socket.readyState, types(), heard], [3, ['open', 'close'], [1000]]);
  WebSocket.last.end(1000);
  assert.equal(heard.length, 1);
});

test('reconnecting-websocket: no class of sockets is refused in the constructor', () => {
  for (const WebSocket of [123, {}, null]) {
    assert.throws(() => new ReconnectingWebSocket('ws://host/', [], { WebSocket }), /No valid WebSocket class/);
  }
});

test('reconnecting-websocket: without a delay of its own, each socket draws one', async () => {
  const first = await Promise.all(Array.from({ length: 8 }, () => waits(ReconnectingWebSocket, { jitter: false }, 1)));
  assert.ok(new Set(first.flat()).size > 1, `${first}`);
  assert.ok(first.flat().every((wait) => wait >= 1000 && wait <= 5001));
});

test('reconnecting-websocket: listeners get the events as they are; a twice added one that is removed is gone', async () => {
  const { socket, WebSocket } = await opened(ReconnectingWebSocket);
  const heard = [];
  const object = { handleEvent: (event) => heard.push(event.data) };
  const gone = () => heard.push('gone');
  socket.addEventListener('message', object);
  socket.addEventListener('message', gone);
  socket.addEventListener('message', gone);
  socket.removeEventListener('message', gone);
  socket.addEventListener('unknown', gone);
  socket.onmessage = (event) => heard.push(event.target === WebSocket.last);
  WebSocket.last.say('hello');
  assert.deepEqual(heard, [true, 'hello']);
});

test('partysocket: close() is told at once and once, also while it connects', async () => {
  const { socket, types, WebSocket } = make(PartyWebSocket);
  await settled();
  socket.close();
  assert.deepEqual([socket.readyState, types()], [3, ['close']]);
  socket.close();
  WebSocket.last.end(1006);
  assert.deepEqual(types(), ['close']);
  socket.reconnect();
  await settled();
  WebSocket.last.open();
  assert.deepEqual([socket.readyState, types()], [1, ['close', 'open']]);
});

test('partysocket: close() with a code that browsers do not send closes', async () => {
  const { socket, WebSocket, said } = await opened(PartyWebSocket);
  const { close } = WebSocket.last;
  WebSocket.last.close = function (code) {
    if (code) throw new DOMException('a code', 'InvalidAccessError');
    close.call(this);
  };
  socket.close(1001);
  assert.deepEqual([WebSocket.last.readyState, socket.readyState, said[1][1].code], [2, 3, 1001]);
});

test('partysocket: shouldReconnectOnClose is asked before the listeners', async () => {
  const options = { shouldReconnectOnClose: ({ code }) => code !== 1008 };
  const { socket, clock, WebSocket } = await opened(PartyWebSocket, options);
  let told;
  socket.onclose = () => (told = socket.shouldReconnect);
  WebSocket.last.end(1008);
  await clock.pass(60_000);
  assert.deepEqual([told, WebSocket.all.length], [false, 1]);
  socket.reconnect();
  await settled();
  assert.deepEqual([socket.shouldReconnect, WebSocket.all.length], [true, 2]);
});

test('partysocket: it is an EventTarget, and its events are events', async () => {
  const { socket, WebSocket, said } = await opened(PartyWebSocket);
  let once = 0;
  socket.addEventListener('message', () => once++, { once: true });
  WebSocket.last.say('one');
  WebSocket.last.say('two');
  WebSocket.last.end(4000, 'bye');
  assert.equal(once, 1);
  assert.ok(socket instanceof EventTarget && said.every(([, event]) => event instanceof Event));
  assert.deepEqual(said.map(([type, { data, code, reason }]) => [type, data ?? code, reason]).slice(1), [
    ['message', 'one', undefined],
    ['message', 'two', undefined],
    ['close', 4000, 'bye'],
  ]);
  const [close, error] = [new CloseEvent(4001, 'why', null), new ErrorEvent(Error('wrong'), null)];
  assert.deepEqual([close.type, close.code, close.reason, error.type, error.message], ['close', 4001, 'why', 'error', 'wrong']);
});

test('partysocket: messages after close() wait for a reconnect, with one warning', async () => {
  const { warn } = console;
  const warned = [];
  console.warn = (text) => warned.push(text);
  try {
    const { socket, WebSocket } = await opened(PartyWebSocket);
    assert.equal(socket.send('now'), true);
    socket.close();
    assert.deepEqual([socket.send('later'), socket.send('too')], [false, false]);
    assert.equal(warned.length, 1);
    socket.reconnect();
    await settled();
    WebSocket.last.open();
    assert.deepEqual(WebSocket.last.sent, ['later', 'too']);
    socket.reconnect();
    socket.send('kept');
    assert.deepEqual([socket.drainQueuedMessages(), socket.bufferedAmount], [['kept'], 0]);
  } finally {
    console.warn = warn;
  }
});

test('partysocket: subprotocols may be a function', async () => {
  const WebSocket = sockets();
  new PartyWebSocket('ws://host/', async () => ['a', 'b'], { WebSocket, clock: new Clock() });
  await settled();
  assert.deepEqual(WebSocket.last.protocols, ['a', 'b']);
});
