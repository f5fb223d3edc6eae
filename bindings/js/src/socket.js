// The socket of this package: a WebSocket that stays connected.

import { Driver } from './driver.js';
import { listen } from './host.js';
import { numberOf } from './policy.js';
import { millis, oneOf, presets, within } from './settings.js';
import { Subscriptions } from './subscriptions.js';

/** How the server may say when to come back, in the order of the core's numbers. */
const WAITS = ['after', 'appointment', 'window'];
/** The precondition that is missing while the page is in the browser's back/forward cache. */
const PAGE = 31;
const WATCH = 30000;
const OPEN = 1;

/** What a server leaves open, or has no end for, is unknown. */
const micros = (millis) => (Number.isFinite(millis) ? millis * 1000 : undefined);

export class Socket extends EventTarget {
  #url;
  #options;
  #protocol;
  #driver;
  #subscriptions = new Subscriptions();
  #queue = [];
  #ws;
  #dial = {};
  #token;
  #tokens = 1;
  #phase = 'idle';
  #online = [];
  #end = {};
  #deafen = () => {};

  constructor(url, options = {}) {
    super();
    check('options', options);
    const { preset = 'websocket', protocol = {}, settings = {}, subscriptions = [], session, queue = 0, host } = options;
    check('protocol', protocol);
    check('settings', settings);
    check('backoff', settings.backoff);
    check('heartbeat', settings.heartbeat);
    check('session', session ?? {});
    const base = presets[preset];
    oneOf('preset', preset, Object.keys(presets));
    const { established = 'open' } = protocol;
    oneOf('established', established, ['open', 'ready']);
    millis(queue, 'queue');
    if (typeof subscriptions === 'string') throw TypeError('redial: subscriptions is a string; use a list');
    within(settings.closeCode ?? 4000, 'closeCode', 3000, 4999);
    this.#url = url;
    this.#options = options;
    this.#protocol = protocol;
    this.#token = session?.token;
    for (const key of subscriptions) this.#add(key, 0);
    const backoff = backoffOver(base.backoff, settings.backoff);
    const heartbeat = protocol.heartbeat && { ...presets.websocket.heartbeat, ...settings.heartbeat };
    const all = { ...base, ...settings, backoff, heartbeat, established };
    this.#driver = new Driver(all, { ...options, watch: host === null ? 0 : WATCH }, this.#act.bind(this), this.#look.bind(this));
    if (host !== null) this.#deafen = listen(this.#driver, this.#cache.bind(this), host);
    if (options.start !== false) this.start();
  }

  // What the user does.

  start() {
    this.#driver.tell('start');
  }

  stop({ keepSession = false } = {}) {
    this.#driver.tell('stop', { first: +keepSession });
  }

  /** Ends it, and hears no more of the page. */
  close() {
    this.stop();
    this.#deafen();
  }

  /** Dials now. A network that is said to be down is believed to be up, since the user is there and asks. */
  retryNow() {
    this.#driver.tell('net_up');
    this.#driver.tell('retry_now');
  }

  redial() {
    this.#driver.tell('redial');
  }

  hold(reason = 0) {
    this.#driver.tell('hold', { first: reason });
  }

  release(reason = 0) {
    this.#driver.tell('release', { first: reason });
  }

  /** True if the message is written. Otherwise it is kept for the next connection, as far as there is space for it. */
  send(message) {
    // What waits already goes first.
    const written = !this.#queue.length && this.#put(message);
    if (written === false && this.#queue.length < (this.#options.queue ?? 0)) this.#queue.push(message);
    return !!written;
  }

  subscribe(key, { priority = 0 } = {}) {
    this.#add(key, priority);
    this.#restore();
  }

  unsubscribe(key) {
    this.#subscriptions.remove(key);
    this.#restore();
  }

  // What it says of itself.

  get phase() {
    return this.#phase;
  }

  /** How many messages wait for a connection. */
  get queued() {
    return this.#queue.length;
  }

  /** What a resume needs, to be kept for the next page. */
  get session() {
    const { token, sequence } = this.#driver.explain();
    return token === undefined ? undefined : { token: this.#token, sequence };
  }

  explain() {
    const { since, until, notBefore, token, epoch, deadline, ...rest } = this.#driver.explain();
    // By the clocks as they were last compared, which a sleep moves apart.
    const { wall, seen } = this.#driver;
    const date = (time) => (time === undefined ? undefined : new Date(wall + time / 1000 - seen));
    return { ...rest, since: date(since), until: date(until), notBefore: date(notBefore) };
  }

  /** Resolves when there is a connection, and rejects when there will be none. */
  online() {
    // Not at once: a start that was asked for in a listener is still to come.
    queueMicrotask(() => this.#settle());
    return new Promise((resolve, reject) => this.#online.push({ resolve, reject }));
  }

  // What the policy says.

  #act(action) {
    const { epoch } = action;
    switch (action.action) {
      case 'open':
        this.#dial = action;
        this.#open(epoch);
        break;
      case 'close':
        this.#drop(action.code);
        break;
      case 'send_fresh':
        this.#subscriptions.reset(true);
        this.#guard(() => this.#protocol.identify?.(this.#connection), true);
        break;
      case 'send_resume': {
        const { identify, resume = identify } = this.#protocol;
        this.#guard(() => resume?.call(this.#protocol, this.#connection, this.session), true);
        break;
      }
      case 'beat':
        this.#guard(() => this.#write(this.#protocol.heartbeat(this.session?.sequence)), true);
        break;
      case 'refresh_credential': {
        // A function brings a fresh credential with the URL. What never changes will be refused again.
        const fresh = typeof this.#url === 'function';
        this.#driver.tell(fresh ? 'credential_ok' : 'credential_failed', { first: action.request, third: 1 });
        break;
      }
      case 'gave_up':
        this.#end = { reason: action.reason, cause: action.cause };
        this.#say('failed', this.#end);
    }
  }

  async #open(epoch) {
    const current = () => this.#dial.epoch === epoch;
    const failed = (cause, error) => {
      if (!current()) return;
      this.#say('error', { error });
      this.#driver.tell('open_failed', { epoch, cause });
    };
    let url;
    try {
      // Also one that is here already is waited for: who makes a socket hears what becomes of its first dial.
      url = await (typeof this.#url === 'function' ? this.#url({ ...this.#dial }) : this.#url);
    } catch (error) {
      return failed('unknown', error);
    }
    if (!current()) return;
    const { WebSocket = globalThis.WebSocket, protocols, binaryType } = this.#options;
    let ws;
    try {
      ws = new WebSocket(url, protocols);
    } catch (error) {
      // The URL, the subprotocols or the class: the next dial would fail in the same way.
      return failed('fatal', error);
    }
    if (binaryType) ws.binaryType = binaryType;
    this.#ws = ws;
    let opened = false;
    ws.onopen = () => {
      opened = true;
      this.#driver.tell('opened', { epoch });
    };
    ws.onmessage = ({ data }) => this.#receive(data, epoch);
    // Some say no more than that they failed to connect, others close at once.
    ws.onerror = () => {
      if (opened) return;
      this.#driver.clock.setTimeout(() => {
        if (this.#ws !== ws || opened) return;
        this.#drop();
        this.#driver.tell('open_failed', { epoch, cause: 'unknown' });
      }, 0);
    };
    ws.onclose = (event) => {
      this.#ws = undefined;
      this.#dial = {};
      this.#subscriptions.reset(false);
      const said = this.#guard(() => causeOf(this.#protocol.closed?.(event))) ?? (event.code === 1006 ? 'no_close_frame' : { close: event.code });
      this.#driver.tell(opened ? 'closed' : 'open_failed', { epoch, cause: opened || event.code !== 1006 ? said : 'unknown' });
    };
  }

  /** Lets go of the transport. What it still delivers is of no interest. */
  #drop(code) {
    this.#dial = {};
    this.#subscriptions.reset(false);
    const ws = this.#ws;
    this.#ws = undefined;
    if (!ws) return;
    ws.onopen = ws.onmessage = ws.onclose = null;
    ws.close(code);
  }

  #receive(data, epoch) {
    // A message that can't be read is a sign of life all the same.
    const said = this.#protocol.decode ? this.#guard(() => this.#protocol.decode(data)) : { message: data };
    const { ready, resumed, sequence, confirmed, refused, ended, acked, asked, reconnect, invalid } = said ?? {};
    // JSON has null for what is not there.
    const numbered = sequence != null;
    const number = { epoch, third: +numbered, number: sequence };
    const tell = (name, fields, then) => this.#driver.tell(name, { epoch, ...fields }, then);
    if (confirmed !== undefined) this.#subscriptions.confirm(confirmed);
    if (refused !== undefined) this.#subscriptions.refuse(refused, false);
    if (ended !== undefined) this.#subscriptions.refuse(ended, true);
    if (ready) {
      // Where a connection counts as soon as it is open, a fresh one has sent its subscriptions already.
      if (this.#protocol.established === 'ready' || this.#dial.mode === 'resume') this.#subscriptions.reset(true);
      const { token, ttl } = ready;
      const has = token != null;
      if (has && token !== this.#token) this.#tokens += 1;
      if (has) this.#token = token;
      tell('ready', { ...number, first: has ? this.#tokens : 0, span: micros(ttl) });
    }
    if (resumed) tell('resumed');
    if (acked) tell('beat_ack');
    if (asked) tell('beat_requested');
    if (invalid) tell('session_invalid', { first: +(invalid === 'resumable') });
    if (reconnect) {
      const wait = WAITS.findIndex((name) => reconnect[name] != null);
      const { deadline } = reconnect;
      const third = +(deadline != null);
      tell('please_reconnect', { wait: wait + 1, span: micros(reconnect[WAITS[wait]]), third, number: micros(deadline) });
    }
    const deliver = (disposition) => {
      // A number that was noted before is of a message that a resume repeats.
      if (said && 'message' in said && disposition !== 'inapplicable') this.#say('message', undefined, said.message);
    };
    if (numbered && !ready) tell('seq', number, deliver);
    else tell('rx', {}, () => deliver());
    if (this.#live) this.#restore();
  }

  // The rest.

  get #live() {
    return this.#phase === 'online' || this.#phase === 'restoring';
  }

  #add(key, priority) {
    if (!this.#protocol.subscribe) throw TypeError('redial: a subscription needs protocol.subscribe');
    this.#subscriptions.add(key, priority);
  }

  /** What `identify` and `resume` write to. */
  get #connection() {
    return { send: (data) => this.#write(data) };
  }

  /**
   * Calls what is the user's. What it throws is told, and goes no further, so that everything else is still done; where `sends`, the
   * server waits for what was not sent, and the connection is given up.
   */
  #guard(then, sends) {
    const epoch = sends && this.#dial.epoch;
    try {
      return then();
    } catch (error) {
      this.#failed(error, epoch);
    }
  }

  #failed(error, epoch) {
    this.#say('error', { error });
    if (epoch) this.#driver.tell('send_failed', { epoch });
  }

  /** True if it is written, false if it can't be now, and undefined where there is nothing to write. */
  #put(message) {
    return this.#live && this.#write(this.#protocol.encode ? this.#protocol.encode(message) : message);
  }

  #write(data) {
    const ws = this.#ws;
    if (data === undefined) return undefined;
    if (ws?.readyState !== OPEN) return false;
    try {
      ws.send(data);
      return true;
    } catch (error) {
      // What no connection can send is the caller's.
      if (error?.name === 'TypeError') throw error;
      this.#failed(error, this.#dial.epoch);
      return false;
    }
  }

  #restore() {
    if (!this.#live) return;
    const { gone } = this.#subscriptions;
    for (const key of gone) {
      gone.delete(key);
      this.#guard(() => this.#write(this.#protocol.unsubscribe?.(key)));
    }
    for (const key of this.#subscriptions.take()) this.#guard(() => this.#write(this.#protocol.subscribe(key)), true);
  }

  /** After every call of the policy. */
  #look() {
    const { phase } = this.#driver.explain();
    if (phase === this.#phase) return;
    const was = this.#live;
    this.#phase = phase;
    if (this.#live && !was) {
      this.#restore();
      // One that throws is told and left out; one that is not written waits, and so do those behind it.
      while (this.#queue.length && this.#guard(() => this.#put(this.#queue[0])) !== false) this.#queue.shift();
    }
    this.#settle();
    this.#say('state', this.explain());
  }

  /** Answers who waits for a connection, if there is one or will be none. */
  #settle() {
    const failed = this.#phase === 'failed';
    const over = failed || this.#phase === 'stopped';
    if (!over && !this.#live) return;
    const { reason, cause } = this.#end;
    const error = () => (failed ? Object.assign(Error(`redial: failed (${reason}, ${cause})`), this.#end) : Error('redial: stopped'));
    for (const { resolve, reject } of this.#online.splice(0)) over ? reject(error()) : resolve();
  }

  /** The page goes to the browser's cache, for which it may hold no connection, or comes back from there. */
  #cache(kept) {
    if (!kept) return this.release(PAGE);
    this.hold(PAGE);
    const { epoch } = this.#dial;
    if (epoch === undefined) return;
    this.#drop(this.#options.settings?.closeCode ?? 4000);
    this.#driver.tell('closed', { epoch, cause: 'slept' });
  }

  #say(type, detail, data) {
    const event = new Event(type);
    Object.assign(event, { detail, data });
    this.dispatchEvent(event);
  }
}

/** What the protocol means, if the core knows it. */
const causeOf = (said) => {
  if (said != null) numberOf(said);
  return said;
};

/** Settings over those of a preset. What windows do not have asks for another curve. */
function backoffOver(base, over = {}) {
  const { curve = over.factor === undefined && over.jitter === undefined ? base.curve : undefined } = over;
  const usual = curve === 'windows' ? presets.websocket : presets.few;
  return { ...(curve === base.curve ? base : usual.backoff), ...over, curve };
}

/** The names that there are. */
const NAMES = {
  options: 'preset settings protocol subscriptions session queue protocols binaryType WebSocket seed start host clock',
  protocol: 'established identify resume subscribe unsubscribe heartbeat encode decode closed',
  settings: 'backoff resetAfterStable minInterval maxAttempts maxElapsed connectTimeout readyTimeout closeCode heartbeat',
  backoff: 'curve initial factor max scale jitter floor first exactFirst',
  heartbeat: 'interval answerWithin',
  session: 'token sequence',
};

function check(what, given = {}) {
  if (typeof given !== 'object' || !given) throw TypeError(`redial: ${what} is ${given}; use an object`);
  const names = NAMES[what].split(' ');
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown) throw RangeError(`redial: unknown "${unknown}" in ${what}; use ${names.join(', ')}`);
}
