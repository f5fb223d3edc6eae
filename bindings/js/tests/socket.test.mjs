// The socket of the package, on a clock, sockets and a page of the tests.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Clock, Page, settled, sockets } from './fakes.mjs';
import { entry } from './modules.mjs';

const { Socket, connect, presets } = await entry('index');

/** A socket with what it runs on, and what it said. */
function socket({ page = new Page(), ...options } = {}, url = 'ws://chat') {
  const [clock, WebSocket] = [new Clock(), sockets()];
  const made = new Socket(url, { seed: 7, clock, host: page, WebSocket, ...options });
  const said = [];
  for (const type of ['state', 'message', 'failed', 'error']) {
    made.addEventListener(type, (event) => said.push([type, event.detail?.phase ?? event.detail ?? event.data]));
  }
  return { socket: made, clock, page, WebSocket, said };
}

/** One that is connected. */
async function online(options, url) {
  const all = socket(options, url);
  await settled();
  all.WebSocket.last.open();
  return all;
}

const CHAT = {
  established: 'ready',
  identify: (connection) => connection.send('HELLO'),
  resume: (connection, { token, sequence }) => connection.send(`HELLO ${token} ${sequence ?? 0}`),
  subscribe: (key) => `SUB ${key}`,
  unsubscribe: (key) => `UNSUB ${key}`,
  encode: (text) => `SAY ${text}`,
  decode: (frame) => {
    const [word, first, second] = frame.split(' ');
    switch (word) {
      case 'SESSION':
        return { ready: { token: first } };
      case 'RESUMED':
        return { resumed: true };
      case 'OK':
        return { confirmed: first };
      case 'NO':
        return { refused: first };
      case 'END':
        return { ended: first };
      case 'MSG':
        return { sequence: Number(first), message: second };
      case 'MOVE':
        return { reconnect: { window: Number(first) } };
      default:
        return undefined;
    }
  },
  closed: ({ code }) => (code === 4009 ? 'session_invalid' : undefined),
};

test('it dials, says what it does, and dials again after a loss', async () => {
  const { socket, clock, WebSocket, said } = await online();
  assert.equal(socket.phase, 'online');
  assert.equal(WebSocket.last.url, 'ws://chat');
  WebSocket.last.say('hello');
  WebSocket.last.end(1006);
  const { phase, trigger, waitingFor, until, failures, lastCause } = socket.explain();
  assert.deepEqual([phase, trigger, waitingFor, failures, lastCause], ['waiting', 'no_close_frame', 'backoff', 1, 'no_close_frame']);
  const wait = until - clock.wall();
  assert.ok(wait > 0 && wait <= 1750, `${wait}`);
  await clock.pass(wait + 1);
  assert.equal(WebSocket.all.length, 2);
  WebSocket.last.open();
  assert.deepEqual(said.map(([, what]) => what), ['online', 'hello', 'waiting', 'connecting', 'online']);
});

test('one seed gives the same waits, and sockets without one differ', async () => {
  const waits = async (options) => {
    const { socket: it, clock, WebSocket } = socket(options);
    const waits = [];
    for (let dial = 0; dial < 6; dial++) {
      await settled();
      WebSocket.last.fail();
      waits.push(it.explain().until - it.explain().since);
      await clock.pass(waits[dial] + 1);
    }
    return waits.join();
  };
  assert.equal(await waits({ seed: 5 }), await waits({ seed: 5 }));
  assert.notEqual(await waits({ seed: 5 }), await waits({ seed: 6 }));
  const drawn = await Promise.all([1, 2, 3, 4].map(() => waits({ seed: undefined })));
  assert.equal(new Set(drawn).size, 4);
});

test('every preset has its waits', async () => {
  for (const [preset, longest] of [['recommended', 300], ['fleet', 300], ['eager', 300], ['few', 30], ['battery', 900], ['websocket', 300]]) {
    const { socket: it, clock, WebSocket } = socket({ preset });
    let most = 0;
    for (let dial = 0; dial < 40; dial++) {
      await settled();
      WebSocket.last.fail();
      const wait = it.explain().until - it.explain().since;
      most = Math.max(most, wait);
      await clock.pass(wait + 1);
    }
    assert.ok(most <= longest * 1000 && most > longest * 250, `${preset}: ${most}`);
  }
});

test('another curve than that of the preset has waits of its own', async () => {
  const first = async (preset, backoff) => {
    const { socket: it, WebSocket } = socket({ preset, settings: { backoff } });
    await settled();
    WebSocket.last.fail();
    return it.explain().until - it.explain().since;
  };
  assert.equal(await first('few', { curve: 'windows' }), await first('websocket', {}));
  assert.equal(await first('websocket', { curve: 'exponential' }), await first('few', {}));
  assert.equal(await first('websocket', { jitter: 'none' }), 1000);
});

test('a connection is stable only after it has held', async () => {
  const { socket, clock, WebSocket } = await online({ settings: { resetAfterStable: 5000 } });
  const lose = async (after) => {
    await clock.pass(after);
    WebSocket.last.end();
    const { failures, until, since } = socket.explain();
    await clock.pass(until - since + 1);
    WebSocket.last.open();
    return failures;
  };
  assert.equal(await lose(10), 1);
  assert.equal(await lose(4000), 2);
  assert.equal(await lose(5000), 1);
});

test('with Infinity, no connection is ever stable', async () => {
  const { socket: it, clock, WebSocket } = await online({ settings: { resetAfterStable: Infinity } });
  WebSocket.last.end();
  await clock.until(() => WebSocket.all.length === 2);
  WebSocket.last.open();
  await clock.pass(86_400_000);
  WebSocket.last.end();
  assert.equal(it.explain().failures, 2);
});

test('subscriptions are sent in order on a new session, and after a resume only where they are not confirmed', async () => {
  const { socket: chat, clock, WebSocket, said } = socket({ protocol: CHAT, subscriptions: ['a'] });
  chat.subscribe('b', { priority: 5 });
  await settled();
  WebSocket.last.open();
  assert.deepEqual(WebSocket.last.sent, ['HELLO']);
  WebSocket.last.say('SESSION t1');
  assert.deepEqual(WebSocket.last.sent.slice(1), ['SUB b', 'SUB a']);
  WebSocket.last.say('OK b');
  WebSocket.last.say('MSG 3 hi');
  chat.subscribe('c');
  chat.unsubscribe('a');
  assert.deepEqual(WebSocket.last.sent.slice(3), ['SUB c', 'UNSUB a']);
  WebSocket.last.say('NO c');
  assert.deepEqual(chat.session, { token: 't1', sequence: 3 });

  WebSocket.last.end(1001);
  await clock.pass(2000);
  WebSocket.last.open();
  assert.deepEqual(WebSocket.last.sent, ['HELLO t1 3']);
  chat.subscribe('d');
  WebSocket.last.say('MSG 3 hi');
  WebSocket.last.say('RESUMED');
  WebSocket.last.say('MSG 4 again');
  // b is confirmed and c was refused.
  assert.deepEqual(WebSocket.last.sent.slice(1), ['SUB d']);
  assert.deepEqual(said.filter(([type]) => type === 'message').map(([, text]) => text), ['hi', 'again']);

  // A new session in place of the old one.
  WebSocket.last.end(4009);
  assert.equal(chat.session, undefined);
  await clock.until(() => WebSocket.all.length === 3);
  WebSocket.last.open();
  assert.deepEqual(WebSocket.last.sent, ['HELLO']);
  WebSocket.last.say('SESSION t2');
  assert.deepEqual(WebSocket.last.sent.slice(1), ['SUB b', 'SUB c', 'SUB d']);
  WebSocket.last.say('OK b');
  WebSocket.last.say('END b');
  assert.deepEqual(WebSocket.last.sent.slice(4), ['SUB b']);
});

test('a session that an earlier page kept is resumed', async () => {
  const { socket: chat, WebSocket } = await online({ protocol: CHAT, session: { token: 'old', sequence: 9 } });
  assert.equal(chat.explain().mode, 'resume');
  assert.deepEqual(WebSocket.last.sent, ['HELLO old 9']);
});

test('a server that never says ready is given up after its time', async () => {
  const { socket: chat, clock } = await online({ protocol: CHAT });
  assert.equal(chat.phase, 'establishing');
  await clock.pass(10_001);
  assert.equal(chat.explain().lastCause, 'ready_timeout');
});

test('a heartbeat is sent where the protocol has one, and finds a dead connection', async () => {
  const { socket: it, clock, WebSocket } = await online({ protocol: { heartbeat: () => 'PING', decode: (frame) => (frame === 'PONG' ? { acked: true } : { message: frame }) } });
  const dead = WebSocket.last;
  // The first is somewhere in its interval, so that clients which connect together do not beat together.
  await clock.until(() => dead.sent.length > 0);
  assert.ok(clock.now() > 1000 && clock.now() <= 30_001, `${clock.now()}`);
  assert.deepEqual(dead.sent, ['PING']);
  dead.say('PONG');
  await clock.pass(29_000);
  assert.equal(dead.sent.length, 1);
  await clock.pass(1001);
  assert.deepEqual([dead.sent.length, it.phase], [2, 'online']);
  await clock.pass(10_001);
  assert.equal(it.explain().lastCause, 'missed_beat');
  assert.equal(dead.closed.code, 4000);
  const plain = await online();
  await plain.clock.pass(300_000);
  assert.deepEqual(plain.WebSocket.last.sent, []);
  assert.equal(plain.WebSocket.all.length, 1);
});

test('every preset has a heartbeat where the protocol has one, unless the settings say otherwise', async () => {
  const lost = async (options) => {
    const { socket: it, clock, WebSocket } = await online({ ...options, protocol: { heartbeat: () => 'PING' } });
    await clock.until(() => WebSocket.last.sent.length === 1);
    const sent = clock.now();
    await clock.until(() => it.phase !== 'online');
    assert.equal(it.explain().lastCause, 'missed_beat');
    return [sent, clock.now() - sent];
  };
  for (const preset of Object.keys(presets)) {
    const [sent, waited] = await lost({ preset });
    assert.ok(sent <= 30_001 && Math.abs(waited - 10_000) <= 1, `${preset}: ${sent}, ${waited}`);
  }
  const [sent, waited] = await lost({ settings: { heartbeat: { interval: 5000, answerWithin: 3000 } } });
  assert.ok(sent <= 5001 && Math.abs(waited - 3000) <= 1, `${sent}, ${waited}`);
  const [, other] = await lost({ preset: 'few', settings: { heartbeat: { answerWithin: 3000 } } });
  assert.ok(Math.abs(other - 3000) <= 1, `${other}`);
  const never = await online({ protocol: { heartbeat: () => 'PING' }, settings: { heartbeat: { interval: Infinity } } });
  await never.clock.pass(300_000);
  assert.deepEqual([never.socket.phase, never.WebSocket.last.sent], ['online', []]);
});

test('messages wait where there is space for them, and go out in order', async () => {
  const { socket: it, WebSocket } = socket({ queue: 2 });
  assert.deepEqual(['one', 'two', 'three'].map((text) => it.send(text)), [false, false, false]);
  assert.equal(it.queued, 2);
  await settled();
  WebSocket.last.open();
  assert.equal(it.send('four'), true);
  assert.deepEqual(WebSocket.last.sent, ['one', 'two', 'four']);
  assert.equal(it.queued, 0);
});

test('without a network nothing is dialled, and with one it is', async () => {
  const page = new Page({ onLine: false });
  const { socket: it, clock, WebSocket } = socket({ page });
  await clock.pass(600_000);
  assert.deepEqual([it.phase, it.explain().waitingFor, WebSocket.all.length], ['parked', 'network', 0]);
  page.network(true);
  await clock.pass(3001);
  assert.equal(WebSocket.all.length, 1);
  page.network(false);
  assert.equal(it.phase, 'parked');
  // The user who asks is believed.
  it.retryNow();
  await settled();
  assert.equal(WebSocket.all.length, 2);
});

test('a hidden page does not dial, and dials at once when it is shown', async () => {
  const { socket: it, clock, page, WebSocket } = await online();
  page.show(false);
  WebSocket.last.end();
  await clock.pass(600_000);
  assert.deepEqual([it.phase, it.explain().waitingFor], ['parked', 'hidden']);
  page.show(true);
  await settled();
  assert.equal(WebSocket.all.length, 2);
  const hidden = socket({ page: new Page({ hidden: true }) });
  await hidden.clock.pass(1000);
  assert.equal(hidden.WebSocket.all.length, 0);
});

test('a sleep of the machine is noticed by the clocks, and the connection is not trusted', async () => {
  const { socket: it, clock, WebSocket } = await online();
  await clock.pass(100_000);
  clock.slept = 60_000;
  // The clocks are compared twice a minute.
  await clock.until(() => it.phase !== 'online', 30_001);
  assert.deepEqual([it.phase, it.explain().lastCause], ['waiting', 'slept']);
  await clock.until(() => WebSocket.all.length === 2, 2000);
  // A clock that is set by a little is none.
  WebSocket.last.open();
  clock.slept += 3000;
  await clock.pass(60_000);
  assert.deepEqual([it.phase, WebSocket.all.length], ['online', 2]);
});

test('a page that was frozen comes back with another connection', async () => {
  const { socket: it, clock, page, WebSocket } = await online();
  await clock.pass(70_000);
  page.freeze(true);
  clock.jump(300_000);
  page.freeze(false);
  await clock.pass(2000);
  assert.equal(WebSocket.all.length, 2);
  assert.equal(it.explain().lastCause, 'slept');
  // The same where no event says so, by a timer that is as late as none of an awake page is.
  WebSocket.last.open();
  await clock.pass(70_000);
  clock.jump(200_000);
  await clock.pass(2000);
  assert.equal(WebSocket.all.length, 3);
});

test('a sleep that the clock of the page counts is noticed by whatever event comes first', async () => {
  const events = {
    timer: () => {},
    shown: ({ page }) => page.show(true),
    network: ({ page }) => page.network(true),
    message: ({ WebSocket }) => WebSocket.last.say('late'),
    send: ({ socket: it }) => it.redial(),
  };
  for (const [name, event] of Object.entries(events)) {
    const all = await online();
    await all.clock.pass(70_000);
    all.clock.jump(3_600_000);
    event(all);
    await all.clock.until(() => all.WebSocket.all.length === 2, 3000);
    all.WebSocket.last.open();
    assert.equal(all.socket.explain().lastCause, 'slept', name);
    // It is noticed once.
    await all.clock.pass(600_000);
    assert.deepEqual([all.socket.phase, all.WebSocket.all.length], ['online', 2], name);
  }
});

test('a sleep while nothing was to be done does not cost the connection that follows', async () => {
  const sleep = async (all, go) => {
    await all.clock.pass(1000);
    all.clock.slept += 3_600_000;
    await all.clock.pass(1000);
    const count = all.WebSocket.all.length;
    go();
    await all.clock.until(() => all.WebSocket.all.length === count + 1, 0);
    all.WebSocket.last.open();
    await all.clock.pass(100_000);
    assert.deepEqual([all.socket.phase, all.WebSocket.all.length], ['online', count + 1]);
  };
  const stopped = await online();
  stopped.socket.stop();
  await sleep(stopped, () => stopped.socket.start());
  const idle = socket({ start: false });
  await sleep(idle, () => idle.socket.start());
  const failed = socket({ settings: { maxAttempts: 1 } });
  await settled();
  failed.WebSocket.last.fail();
  assert.equal(failed.socket.phase, 'failed');
  await sleep(failed, () => failed.socket.retryNow());
});

test('dates are those of the wall clock, also after a sleep', async () => {
  const { socket: it, clock, WebSocket } = await online();
  await clock.pass(1000);
  clock.slept = 8 * 3_600_000;
  await clock.until(() => it.phase !== 'online');
  const { since, until } = it.explain();
  assert.equal(+since, clock.wall());
  assert.ok(until - clock.wall() >= 0 && until - clock.wall() <= 60_000, `${until - clock.wall()}`);
  await clock.until(() => WebSocket.all.length === 2);
  assert.ok(Math.abs(until - clock.wall()) <= 1);
});

test('in the back/forward cache there is no connection, and coming back resumes at once', async () => {
  const { socket: chat, clock, page, WebSocket } = socket({ protocol: CHAT });
  await settled();
  WebSocket.last.open();
  WebSocket.last.say('SESSION t1');
  await clock.pass(70_000);
  const first = WebSocket.last;
  page.cache(true);
  assert.equal(first.closed.code, 4000);
  assert.deepEqual([chat.phase, chat.explain().waitingFor], ['parked', 'hold']);
  clock.jump(100_000);
  page.cache(false);
  await settled();
  assert.equal(WebSocket.all.length, 2);
  WebSocket.last.open();
  assert.deepEqual(WebSocket.last.sent, ['HELLO t1 0']);
  const own = await online({ settings: { closeCode: 4321 } });
  own.page.cache(true);
  assert.equal(own.WebSocket.last.closed.code, 4321);
});

test('a function is asked for the URL at each dial, and what it throws is told', async () => {
  const asked = [];
  const url = async ({ attempt }) => {
    asked.push(attempt);
    if (attempt === 2) throw Error('no token');
    return `ws://chat?${attempt}`;
  };
  const { clock, WebSocket, said } = socket({}, url);
  await settled();
  assert.equal(WebSocket.last.url, 'ws://chat?1');
  WebSocket.last.fail();
  await clock.pass(20_000);
  assert.deepEqual(asked.slice(0, 3), [1, 2, 3]);
  assert.equal(said.find(([type]) => type === 'error')[1].error.message, 'no token');
  assert.equal(WebSocket.last.url, 'ws://chat?3');
});

test('what can never work ends it, with the reason', async () => {
  const { socket: it, said } = socket({}, 'invalid');
  const waits = assert.rejects(it.online(), /failed/);
  await settled();
  // Who makes the socket hears it, although it fails with the first dial.
  assert.deepEqual(said.map(([type]) => type), ['error', 'failed', 'state']);
  assert.equal(said[0][1].error.name, 'SyntaxError');
  assert.deepEqual(said[1][1], { reason: 'fatal', cause: 'fatal' });
  await waits;
  await assert.rejects(it.online(), { message: 'redial: failed (fatal, fatal)', reason: 'fatal', cause: 'fatal' });
  const stopped = socket();
  stopped.socket.stop();
  await assert.rejects(stopped.socket.online(), { message: 'redial: stopped' });
  const limited = socket({ settings: { maxAttempts: 2 } });
  for (let dial = 1; dial <= 2; dial++) {
    await limited.clock.until(() => limited.WebSocket.all.length === dial);
    limited.WebSocket.last.fail();
  }
  assert.equal(limited.socket.phase, 'failed');
  await assert.rejects(limited.socket.online(), { message: 'redial: failed (max_attempts, unknown)', reason: 'max_attempts' });
  await limited.clock.pass(600_000);
  assert.equal(limited.WebSocket.all.length, 2);
  assert.deepEqual(limited.said.find(([type]) => type === 'failed')[1], { reason: 'max_attempts', cause: 'unknown' });
  limited.socket.retryNow();
  await settled();
  assert.equal(limited.WebSocket.all.length, 3);
});

test('an unauthorized close asks a function again, and ends where the URL never changes', async () => {
  const fixed = await online();
  const triggers = [];
  fixed.socket.addEventListener('state', ({ detail }) => triggers.push(`${detail.phase} ${detail.trigger}`));
  fixed.WebSocket.last.end(3000);
  // The code is told with the loss. What ends it is that there is no other credential, for which the core has a cause of its own.
  assert.deepEqual(triggers, ['parked close_3000', 'failed auth']);
  assert.deepEqual(fixed.said.find(([type]) => type === 'failed')[1], { reason: 'auth', cause: 'auth_rejected' });
  await fixed.clock.pass(600_000);
  assert.equal(fixed.WebSocket.all.length, 1);
  const asked = [];
  const fresh = await online({}, ({ attempt }) => `ws://chat?${asked.push(attempt)}`);
  fresh.WebSocket.last.end(3000);
  await fresh.clock.pass(10);
  assert.equal(fresh.WebSocket.last.url, 'ws://chat?2');
  // A second one in the same outage is the end, and no loop.
  fresh.WebSocket.last.open();
  fresh.WebSocket.last.end(3000);
  assert.deepEqual(fresh.said.find(([type]) => type === 'failed')[1], { reason: 'auth', cause: 'close_3000' });
  assert.deepEqual([fresh.socket.phase, fresh.WebSocket.all.length], ['failed', 2]);
  // Only a start leads out of it, with a connection that held the next is a first one again.
  fresh.socket.retryNow();
  await fresh.clock.pass(600_000);
  assert.equal(fresh.WebSocket.all.length, 2);
  fresh.socket.start();
  await fresh.clock.until(() => fresh.WebSocket.all.length === 3);
  fresh.WebSocket.last.open();
  await fresh.clock.pass(70_000);
  fresh.WebSocket.last.end(3000);
  await fresh.clock.until(() => fresh.WebSocket.all.length === 4, 10);
  assert.equal(fresh.WebSocket.last.url, 'ws://chat?4');
});

test('a session that others take again and again ends it, and retryNow() goes on', async () => {
  const { socket: it, clock, WebSocket, said } = await online({ protocol: { closed: () => 'replaced' } });
  while (it.phase !== 'failed') {
    const count = WebSocket.all.length;
    WebSocket.last.end(4001);
    await clock.until(() => it.phase === 'failed' || WebSocket.all.length > count);
    if (it.phase !== 'failed') WebSocket.last.open();
  }
  assert.equal(said.find(([type]) => type === 'failed')[1].reason, 'repeated');
  const count = WebSocket.all.length;
  it.retryNow();
  await settled();
  assert.equal(WebSocket.all.length, count + 1);
});

test('a planned restart spreads its clients over the span that the server names', async () => {
  const waits = [];
  for (let seed = 0; seed < 20; seed++) {
    const { socket: chat, WebSocket } = socket({ protocol: CHAT, seed });
    await settled();
    WebSocket.last.open();
    WebSocket.last.say('SESSION t1');
    WebSocket.last.say('MOVE 60000');
    assert.equal(chat.explain().waitingFor, 'window');
    waits.push(chat.explain().until - chat.explain().since);
  }
  assert.ok(Math.max(...waits) <= 60_001 && Math.max(...waits) > 40_000 && Math.min(...waits) < 20_000, waits.join());
});

test('stop, start, redial, hold and release', async () => {
  const { socket: chat, clock, WebSocket } = socket({ protocol: CHAT });
  await settled();
  WebSocket.last.open();
  WebSocket.last.say('SESSION t1');
  await clock.pass(70_000);
  chat.redial();
  await clock.pass(1);
  assert.equal(WebSocket.all.length, 2);
  WebSocket.last.open();
  WebSocket.last.say('RESUMED');
  const last = WebSocket.last;
  chat.stop({ keepSession: true });
  assert.deepEqual([chat.phase, last.closed.code, chat.session.token], ['stopped', 4000, 't1']);
  chat.hold();
  chat.start();
  assert.equal(chat.explain().waitingFor, 'hold');
  chat.release();
  await settled();
  WebSocket.last.open();
  assert.deepEqual(WebSocket.last.sent, ['HELLO t1 0']);
  const third = WebSocket.last;
  chat.close();
  assert.deepEqual([third.closed.code, chat.session], [1000, undefined]);
});

test('a listener may call back into the socket', async () => {
  const { socket: it, clock, WebSocket } = socket();
  const phases = [];
  it.addEventListener('state', ({ detail }) => {
    phases.push(detail.phase);
    if (detail.phase === 'online') it.redial();
    if (phases.length === 6) it.stop();
  });
  for (let dial = 0; dial < 4; dial++) {
    await clock.pass(2000);
    if (WebSocket.last.readyState === 0) WebSocket.last.open();
  }
  assert.equal(phases.at(-1), 'stopped');
});

/** A protocol with one member that throws as often as is said. */
const throwing = (protocol, name, times = 1) => {
  let left = times;
  const throws = (...given) => {
    if (left-- > 0) throw Error(name);
    return protocol[name]?.(...given);
  };
  return { ...protocol, [name]: throws };
};
const thrown = (said) => said.filter(([type]) => type === 'error').map(([, { error }]) => error.message);

test('a callback that throws where something is to be sent costs the connection, and the next one works', async () => {
  for (const name of ['identify', 'subscribe']) {
    const { socket: chat, clock, WebSocket, said } = socket({ protocol: throwing(CHAT, name), subscriptions: ['a', 'b'] });
    await settled();
    WebSocket.last.open();
    if (chat.phase === 'establishing') WebSocket.last.say('SESSION t1');
    assert.deepEqual([thrown(said), chat.explain().lastCause, WebSocket.last.closed?.code], [[name], 'send_failed', 4000], name);
    await clock.until(() => WebSocket.all.length === 2);
    WebSocket.last.open();
    WebSocket.last.say(chat.session ? 'RESUMED' : 'SESSION t1');
    assert.equal(chat.phase, 'online', name);
    assert.deepEqual(WebSocket.last.sent.filter((text) => text.startsWith('SUB')), ['SUB a', 'SUB b'], name);
  }
  const { socket: chat, clock, WebSocket, said } = socket({ protocol: throwing(CHAT, 'resume') });
  await settled();
  WebSocket.last.open();
  WebSocket.last.say('SESSION t1');
  WebSocket.last.end(1001);
  await clock.until(() => WebSocket.all.length === 2);
  WebSocket.last.open();
  assert.deepEqual([thrown(said), chat.explain().lastCause], [['resume'], 'send_failed']);
  await clock.until(() => WebSocket.all.length === 3);
  WebSocket.last.open();
  assert.deepEqual(WebSocket.last.sent, ['HELLO t1 0']);
});

test('a heartbeat that throws costs the connection, and not the time of an answer', async () => {
  const { socket: it, clock, WebSocket, said } = await online({ protocol: throwing({ heartbeat: () => 'PING' }, 'heartbeat') });
  await clock.until(() => thrown(said).length === 1);
  assert.equal(it.explain().lastCause, 'send_failed');
  await clock.until(() => WebSocket.all.length === 2);
  WebSocket.last.open();
  await clock.until(() => WebSocket.last.sent.length === 1);
});

test('a `closed` that throws has no opinion', async () => {
  const { socket: it, clock, WebSocket, said } = await online({ protocol: throwing({}, 'closed') });
  WebSocket.last.end(1012);
  assert.deepEqual([thrown(said), it.phase, it.explain().lastCause], [['closed'], 'waiting', 'close_1012']);
  await clock.until(() => WebSocket.all.length === 2);
});

test('a `decode` or an `unsubscribe` that throws is told, and the connection stays', async () => {
  const { socket: chat, WebSocket, said } = await online({ protocol: throwing({ ...CHAT, established: 'open' }, 'decode'), subscriptions: ['a'] });
  WebSocket.last.say('MSG 1 lost');
  WebSocket.last.say('MSG 2 heard');
  assert.deepEqual(said.slice(1), [['error', said[1][1]], ['message', 'heard']]);
  assert.deepEqual([thrown(said), chat.phase, WebSocket.all.length], [['decode'], 'online', 1]);
  const other = await online({ protocol: throwing({ ...CHAT, established: 'open' }, 'unsubscribe'), subscriptions: ['a'] });
  other.socket.unsubscribe('a');
  assert.deepEqual([thrown(other.said), other.socket.phase], [['unsubscribe'], 'online']);
});

test('an error before a connection is open is its end, with or without a close', async () => {
  const { socket: it, clock, WebSocket, said } = socket();
  await settled();
  WebSocket.last.error();
  assert.equal(it.phase, 'connecting');
  await clock.pass(0);
  assert.deepEqual([it.phase, it.explain().lastCause, it.explain().failures], ['waiting', 'unknown', 1]);
  const [first] = WebSocket.all;
  await clock.until(() => WebSocket.all.length === 2);
  // What comes later is not counted twice, and is not of the next one.
  first.end();
  assert.deepEqual([it.phase, it.explain().failures], ['connecting', 1]);
  WebSocket.last.fail();
  await clock.pass(0);
  assert.deepEqual([it.phase, it.explain().failures], ['waiting', 2]);
  await clock.until(() => WebSocket.all.length === 3);
  WebSocket.last.open();
  WebSocket.last.error();
  await clock.pass(1);
  assert.equal(it.phase, 'online');
  assert.deepEqual(said.filter(([type]) => type !== 'state'), []);
});

test('what no connection can send is thrown to who sends it, and the connection stays', async () => {
  const { socket: it, WebSocket, said } = await online({ queue: 3 });
  assert.throws(() => it.send({ a: 1 }), TypeError);
  const encodes = await online({ protocol: throwing({ encode: (text) => text }, 'encode') });
  assert.throws(() => encodes.socket.send('one'), /encode/);
  assert.equal(encodes.socket.send('two'), true);
  assert.deepEqual([it.phase, encodes.socket.phase, said.length, encodes.said.length], ['online', 'online', 1, 1]);
  // A queued one has nobody left to throw to, and does not hold up the others.
  const later = socket({ queue: 3 });
  for (const message of ['one', { a: 1 }, 'two']) assert.equal(later.socket.send(message), false);
  await settled();
  later.WebSocket.last.open();
  assert.deepEqual([later.WebSocket.last.sent, thrown(later.said)], [['one', 'two'], ['not to be sent']]);
  assert.deepEqual([later.socket.phase, later.socket.queued], ['online', 0]);
  // A transport that fails is another thing.
  WebSocket.last.broken = true;
  assert.equal(it.send('kept'), false);
  assert.deepEqual([thrown(said), it.explain().lastCause, it.queued], [['broken'], 'send_failed', 1]);
});

test('what is unsubscribed without a connection is told the server when its session goes on, and not a new one', async () => {
  const { socket: chat, clock, WebSocket } = await online({ protocol: CHAT, subscriptions: ['a', 'b', 'c'] });
  WebSocket.last.say('SESSION t1');
  WebSocket.last.say('OK a');
  WebSocket.last.say('NO c');
  const next = async (code) => {
    const count = WebSocket.all.length;
    if (WebSocket.last.readyState === 1) WebSocket.last.end(code);
    await clock.until(() => WebSocket.all.length > count);
    WebSocket.last.open();
  };
  WebSocket.last.end(1001);
  // b was sent, and the server may have it; c it refused, and d it never had.
  for (const key of ['a', 'b', 'c']) chat.unsubscribe(key);
  chat.subscribe('d');
  chat.unsubscribe('d');
  await next();
  WebSocket.last.say('RESUMED');
  assert.deepEqual(WebSocket.last.sent, ['HELLO t1 0', 'UNSUB a', 'UNSUB b']);
  chat.subscribe('e');
  WebSocket.last.say('OK e');
  WebSocket.last.end(4009);
  chat.unsubscribe('e');
  await next();
  WebSocket.last.say('SESSION t2');
  await next(1001);
  WebSocket.last.say('RESUMED');
  assert.deepEqual(WebSocket.all.slice(2).map(({ sent }) => sent), [['HELLO'], ['HELLO t2 0']]);
});

test('a session that a server keeps without an end, or does not say how long, is resumed', async () => {
  for (const ttl of [undefined, null, Infinity, 600_000]) {
    const decode = (frame) => (frame === 'SESSION' ? { ready: { token: 't1', ttl } } : undefined);
    const { clock, WebSocket } = await online({ protocol: { ...CHAT, decode } });
    WebSocket.last.say('SESSION');
    await clock.pass(70_000);
    WebSocket.last.end(1001);
    await clock.until(() => WebSocket.all.length === 2);
    WebSocket.last.open();
    assert.deepEqual(WebSocket.last.sent, ['HELLO t1 0'], `${ttl}`);
  }
});

test('in what a protocol decodes, null is the same as nothing', async () => {
  const { socket: it, WebSocket, said } = await online({ protocol: { decode: JSON.parse } });
  const nothing = { sequence: null, ready: null, reconnect: null };
  for (const said of [{ sequence: 5, message: 'five' }, { ...nothing, message: 'one' }, { ...nothing, message: 'two' }]) {
    WebSocket.last.say(JSON.stringify(said));
  }
  assert.deepEqual(said.slice(1), [['message', 'five'], ['message', 'one'], ['message', 'two']]);
  WebSocket.last.say('{"ready":{"token":null,"ttl":null}}');
  assert.equal(it.session, undefined);
  WebSocket.last.say('{"reconnect":{"after":null,"window":60000,"deadline":null}}');
  assert.equal(it.explain().waitingFor, 'window');
});

test('a session without a token is none', async () => {
  for (const session of [{}, { sequence: 4 }]) {
    const { socket: chat, WebSocket } = await online({ protocol: CHAT, session });
    assert.deepEqual([chat.explain().mode, chat.session, WebSocket.last.sent], ['fresh', undefined, ['HELLO']]);
  }
  const { WebSocket } = await online({ protocol: CHAT, session: { token: 'old', sequence: null } });
  assert.deepEqual(WebSocket.last.sent, ['HELLO old 0']);
});

test('a word of `closed` that is none is told, and the close code counts', async () => {
  for (const word of ['session_is_invalid', 'close', 'class']) {
    const { socket: it, WebSocket, said } = await online({ protocol: { closed: () => word } });
    WebSocket.last.end(1012);
    assert.deepEqual([thrown(said), it.explain().lastCause], [[`redial: unknown cause "${word}"`], 'close_1012']);
  }
});

test('the first message that is not written holds up those behind it, and all go out in order later', async () => {
  const { socket: it, clock, WebSocket, said } = socket({ queue: 4 });
  for (const text of ['one', 'two', 'three', 'four']) it.send(text);
  await settled();
  const first = WebSocket.last;
  const { send } = first;
  first.send = function (text) {
    if (text !== 'two') return send.call(this, text);
    this.send = send;
    throw Error('broken');
  };
  first.open();
  assert.deepEqual([first.sent, it.queued, thrown(said)], [['one'], 3, ['broken']]);
  await clock.until(() => WebSocket.all.length === 2);
  WebSocket.last.open();
  assert.deepEqual([WebSocket.last.sent, it.queued], [['two', 'three', 'four'], 0]);
});

test('what is sent while the messages that waited go out is behind them, and what encodes to nothing is left out', async () => {
  const { socket: it, WebSocket } = socket({ queue: 3, protocol: { encode: (text) => (text === 'none' ? undefined : text) } });
  for (const text of [{ a: 1 }, 'none', 'two']) it.send(text);
  it.addEventListener('error', () => it.send('three'));
  await settled();
  it.unsubscribe('nothing');
  WebSocket.last.open();
  assert.deepEqual([WebSocket.last.sent, it.queued], [['two'], 0]);
  assert.deepEqual([it.send('none'), it.queued, it.send('four')], [false, 0, true]);
});

test('what is wrong with the options is said with its place and the way out', () => {
  const wrong = (options, message) => assert.throws(() => new Socket('ws://chat', { start: false, host: null, ...options }), message);
  wrong({ preset: 'fast' }, /preset is fast; use recommended, websocket/);
  wrong({ preset: 'toString' }, /preset is toString/);
  wrong({ presets: 'few' }, /unknown "presets" in options; use preset, settings/);
  wrong({ maxAttempts: 3 }, /unknown "maxAttempts" in options/);
  wrong({ protocol: { subscribes: String } }, /unknown "subscribes" in protocol; use .*subscribe/);
  wrong({ protocol: null }, /protocol is null; use an object/);
  wrong({ protocol: { established: 'readyNow' } }, /established is readyNow; use open, ready/);
  wrong({ session: 'abc' }, /session is abc; use an object/);
  wrong({ session: { tokn: 'abc' } }, /unknown "tokn" in session; use token, sequence/);
  wrong({ queue: -1 }, /queue is -1; use a number from 0/);
  wrong({ subscriptions: 'lobby', protocol: CHAT }, /subscriptions is a string; use a list/);
  wrong({ subscriptions: ['lobby'] }, /a subscription needs protocol.subscribe/);
  assert.throws(() => new Socket('ws://chat', { start: false, host: null }).subscribe('lobby'), /needs protocol.subscribe/);
  for (const options of [null, 'chat', ['chat']]) assert.throws(() => connect('ws://chat', options), /options is|unknown "0" in options/);
  const settings = (settings, message) => wrong({ settings, protocol: { heartbeat: () => 'PING' } }, message);
  settings({ maxRetries: 3 }, /unknown "maxRetries" in settings; use backoff/);
  settings({ backoff: { initialMs: 5 } }, /unknown "initialMs" in backoff; use curve, initial/);
  settings({ heartbeat: { intervalMs: 5 } }, /unknown "intervalMs" in heartbeat; use interval, answerWithin/);
  settings({ connectTimeout: -1 }, /connectTimeout is -1; use a number from 1/);
  settings({ connectTimeout: 0 }, /connectTimeout is 0; use a number from 1/);
  settings({ readyTimeout: 0 }, /readyTimeout is 0; use a number from 1/);
  settings({ connectTimeout: 'soon' }, /connectTimeout is soon/);
  settings({ minInterval: 1e9 }, /minInterval is 1000000000; use a number from 0 to 86400000/);
  settings({ heartbeat: { interval: 0 } }, /heartbeat.interval is 0; use a number from 1/);
  settings({ closeCode: 1001 }, /closeCode is 1001; use a number from 3000 to 4999/);
  const few = (backoff, message) => wrong({ preset: 'few', settings: { backoff } }, message);
  few({ jitter: 'some' }, /backoff.jitter is some; use none, full/);
  few({ jitter: true }, /backoff.jitter is true; use none, full/);
  few({ jitter: null }, /backoff.jitter is null; use none, full/);
  few({ jitter: { plusMinus: 30 } }, /backoff.jitter is 30; use a number from 0 to 1/);
  few({ jitter: { window: [0.9, 0.1] } }, /backoff.jitter.window is not \[low, high\]/);
  few({ curve: 'window' }, /backoff.curve is window; use exponential, windows/);
  few({ curve: 'windows', jitter: 'full' }, /backoff.jitter is not for windows/);
  few({ factor: NaN }, /backoff.factor is NaN/);
  few({ factor: 0.5 }, /backoff.factor is 0.5; use a number from 1 to 4000/);
  few({ initial: 0 }, /backoff.initial is 0; use a number from 1/);
  few({ initial: 9000, max: 10 }, /backoff.initial is above backoff.max/);
  few({ floor: 9000, initial: 1, max: 10 }, /backoff.floor is above backoff.max/);
  // What is not given is not wrong, and a page that kept no session has null.
  const nothing = { settings: { backoff: undefined, heartbeat: undefined }, protocol: undefined, session: null, queue: Infinity };
  assert.equal(new Socket('ws://chat', { start: false, host: null, ...nothing }).session, undefined);
  assert.throws(() => Socket('ws://chat'), TypeError);
  assert.equal(connect('ws://chat', { start: false, host: null }).phase, 'idle');
  assert.ok(Object.keys(presets).length >= 6);
});
