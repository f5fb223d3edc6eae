// What the two drop-ins have in common: the surface of a WebSocket over one inner socket after the other. When the next one is
// dialled the core decides; here is only what a user of the peers relies on.

import { Driver } from './driver.js';

const [CONNECTING, OPEN, CLOSING, CLOSED] = [0, 1, 2, 3];
const LONGEST = 2 ** 32 - 2;
const absorb = () => {};

const finite = (value, fallback, least = 1) => Math.min(Math.max(Number.isNaN(+value) ? fallback : +value, least), LONGEST);
const sizeOf = (message) => message.length ?? message.size ?? message.byteLength;
const STATES = { CONNECTING, OPEN, CLOSING, CLOSED };

/**
 * The class over `Base`. `traits`: the events that it makes, the delays that it has where none are given, and whether an
 * explicit close is told at once.
 */
export function reconnecting(Base, { CloseEvent, ErrorEvent, delays, closesAtOnce }) {
  class Reconnecting extends Base {
    constructor(url, protocols, options = {}) {
      super();
      this._url = url;
      this._protocols = protocols;
      this._options = options;
      this._messageQueue = [];
      this._binaryType = 'blob';
      this._shouldReconnect = !options.startClosed;
      this._closeCalled = false;
      this.onopen = this.onclose = this.onmessage = this.onerror = null;
      if (this._shouldReconnect) this._start();
    }

    // What a WebSocket says of itself.

    get readyState() {
      if (closesAtOnce && this._closeCalled) return CLOSED;
      return this._ws ? this._ws.readyState : this._options.startClosed ? CLOSED : CONNECTING;
    }

    get url() {
      return this._ws?.url ?? '';
    }

    get protocol() {
      return this._ws?.protocol ?? '';
    }

    get extensions() {
      return this._ws?.extensions ?? '';
    }

    get binaryType() {
      return this._ws ? this._ws.binaryType : this._binaryType;
    }

    set binaryType(type) {
      this._binaryType = type;
      if (this._ws) this._ws.binaryType = type;
    }

    get bufferedAmount() {
      return this._messageQueue.reduce((sum, message) => sum + sizeOf(message), this._ws?.bufferedAmount ?? 0);
    }

    get retryCount() {
      return Math.max(this._retryCount, 0);
    }

    /** What it waits for, until when and why. */
    explain() {
      return this._driver.explain();
    }

    // What a user of it does.

    send(data) {
      if (this._ws?.readyState === OPEN) {
        this._debug('send', data);
        this._ws.send(data);
        return true;
      }
      if (this._messageQueue.length < (this._options.maxEnqueuedMessages ?? Infinity)) {
        this._debug('enqueue', data);
        this._messageQueue.push(data);
      }
      return false;
    }

    close(code = 1000, reason) {
      this._closeCalled = true;
      this._shouldReconnect = false;
      this._stop();
      const state = this._ws?.readyState ?? CLOSED;
      if (state === CLOSED || (closesAtOnce && state === CLOSING)) return;
      if (closesAtOnce) {
        this._release(code, reason);
        this._closed(new CloseEvent(code, reason, this));
      } else {
        this._expectClose();
        this._ws.close(code, reason);
      }
    }

    reconnect(code = 1000, reason) {
      this._shouldReconnect = true;
      this._closeCalled = false;
      const state = this._ws?.readyState ?? CLOSED;
      const tells = state < (closesAtOnce ? CLOSING : CLOSED);
      if (tells) this._release(code, reason);
      this._start();
      if (tells) this._emit('close', new CloseEvent(code, reason, this));
    }

    // What becomes of the inner socket.

    _start() {
      this._stop();
      // The old one may be closing still, and its end is not that of the next dial.
      this._release();
      this._check();
      this._counted = undefined;
      this._driver.tell('start');
    }

    /** No attempt is under way any more, and none will come. */
    _stop() {
      clearTimeout(this._timeout);
      this._epoch = undefined;
      this._made?.tell('stop', { first: 1 });
    }

    _act({ action, epoch }) {
      // It was ended before its actions were known: the interpreter had still to be loaded.
      if (action === 'close') this._epoch = undefined;
      if (action !== 'open') return;
      this._epoch = epoch;
      this._debug('connect', this.retryCount);
      const current = () => this._epoch === epoch;
      Promise.resolve()
        .then(() => Promise.all([this._getNextUrl(this._url), this._getNextProtocols(this._protocols)]))
        .then(([url, protocols]) => current() && this._dial(url, protocols))
        .catch((error) => current() && this._failed(new ErrorEvent(Error(error?.message ?? error), this)));
    }

    _dial(url, protocols) {
      const WebSocket = this._check();
      this._release();
      const ws = protocols ? new WebSocket(url, protocols) : new WebSocket(url);
      this._ws = ws;
      ws.binaryType = this._binaryType;
      this._heard = { open: () => this._opened, message: () => this._received, close: () => this._closed, error: () => this._failed };
      for (const type of Object.keys(this._heard)) {
        const handle = this._heard[type]();
        this._heard[type] = (event) => handle.call(this, event);
        ws.addEventListener(type, this._heard[type]);
      }
      const patience = this._options.connectionTimeout ?? 4000;
      this._timeout = setTimeout(() => this._failed(new ErrorEvent(Error('TIMEOUT'), this)), patience);
    }

    /** Hears no more of the inner socket, and closes it if a code is given. */
    _release(code, reason) {
      clearTimeout(this._timeout);
      const ws = this._ws;
      if (!ws || !this._heard) return;
      for (const type of Object.keys(this._heard)) ws.removeEventListener(type, this._heard[type]);
      this._heard = undefined;
      // One that is closed before it was open says so by an error, which is of no interest any more.
      ws.addEventListener('error', absorb);
      if (code === undefined || ws.readyState >= CLOSING) return;
      try {
        ws.close(code, reason);
      } catch {
        // A code or a reason that a browser does not send.
        ws.close();
      }
    }

    _opened(event) {
      clearTimeout(this._timeout);
      this._driver.tell('opened', { epoch: this._epoch });
      this._ws.binaryType = this._binaryType;
      const refused = [];
      for (const message of this._messageQueue.splice(0)) {
        try {
          this._ws.send(message);
        } catch (error) {
          refused.push(error);
        }
      }
      this._emit('open', event);
      for (const error of refused) this._emit('error', new ErrorEvent(error, this));
    }

    _received(event) {
      this._emit('message', event);
    }

    _closed(event) {
      clearTimeout(this._timeout);
      const judge = this._options.shouldReconnectOnClose;
      if (judge && !judge(event)) this._shouldReconnect = false;
      this._lost(event);
      this._emit('close', event);
    }

    _failed(event) {
      const reason = event.message === 'TIMEOUT' ? 'timeout' : undefined;
      this._release(1000, reason);
      if (this._ws) this._closed(new CloseEvent(1000, reason, this));
      else this._lost(event);
      this._emit('error', event);
    }

    /** Counts a loss, which the next dial follows unless there is to be none. */
    _lost({ code }) {
      const epoch = this._epoch;
      if (epoch === undefined) return;
      this._epoch = undefined;
      this._counted = undefined;
      this._driver.tell('closed', { epoch, cause: code ? { close: code } : 'unknown' });
      const spent = this._driver.explain().failures > this._most;
      if (spent) this._debug('max retries reached');
      if (spent || !this._shouldReconnect) this._stop();
    }

    _emit(type, event) {
      this._debug(type, event.message ?? event.code ?? '');
      this[`on${type}`]?.(event);
      this._deliver(event);
    }

    // The core.

    get _driver() {
      if (this._made) return this._made;
      const { minReconnectionDelay, maxReconnectionDelay, reconnectionDelayGrowFactor: factor = 1.3 } = this._options;
      const max = finite(maxReconnectionDelay ?? 10000, 10000);
      const initial = Math.min(finite(minReconnectionDelay ?? delays(), 3000), max);
      const jitter = this._options.jitter ?? true;
      this._waits = { initial, max, factor: factor >= 1 ? Math.min(factor, 4000) : 1 };
      const settings = {
        deaf: true,
        backoff: { ...this._waits, jitter: jitter === true ? 'equal' : jitter || 'none' },
        resetAfterStable: finite(this._options.minUptime ?? 5000, 5000, 0),
        // The time that a dial may take begins here with the inner socket, and not with the question for its URL.
        connectTimeout: LONGEST,
      };
      return (this._made = new Driver(settings, this._options, (action) => this._act(action), absorb));
    }

    get _most() {
      return this._options.maxRetries ?? Infinity;
    }

    // For compatibility: users of the peers read these.

    get _retryCount() {
      return this._counted ?? Math.min(this._driver.explain().failures, this._most);
    }

    set _retryCount(count) {
      this._counted = count;
    }

    /** The longest that the wait before this retry may be; with a jitter it is shorter. */
    _getNextDelay() {
      const { initial, max, factor } = (this._driver, this._waits);
      return this._retryCount > 0 ? Math.min(initial * factor ** (this._retryCount - 1), max) : 0;
    }

    _getNextUrl(provider) {
      return provided(provider, (url) => typeof url === 'string', 'Invalid URL');
    }

    _getNextProtocols(provider) {
      if (!provider) return Promise.resolve(null);
      return provided(provider, (value) => !value || typeof value === 'string' || Array.isArray(value), 'Invalid protocols');
    }

    _debug(...said) {
      if (this._options.debug) (this._options.debugLogger ?? console.log)('RWS>', ...said);
    }
  }
  for (const [name, value] of Object.entries(STATES)) {
    const constant = { get: () => value, enumerable: true };
    Object.defineProperty(Reconnecting, name, constant);
    Object.defineProperty(Reconnecting.prototype, name, constant);
  }
  return Reconnecting;
}

/** A value, or what a function returns, now or later. */
function provided(provider, isValid, message) {
  const value = typeof provider === 'function' ? provider() : provider;
  if (isValid(value)) return Promise.resolve(value ?? null);
  if (typeof provider === 'function' && value?.then) return value;
  throw Error(message);
}
