// A clock that stands still until it is moved, sockets that do what a test says, and a page.
import { setImmediate } from 'node:timers/promises';

/** Times are milliseconds. */
export class Clock {
  #time = 0;
  #timers = new Map();
  #next = 1;
  /** How far the wall clock is ahead: a machine that slept. */
  slept = 0;

  now = () => this.#time;
  wall = () => 1e12 + this.#time + this.slept;
  setTimeout = (then, after) => {
    this.#timers.set(this.#next, { at: this.#time + after, then });
    return this.#next++;
  };
  clearTimeout = (timer) => this.#timers.delete(timer);

  /** When the next timer is due. */
  get due() {
    return Math.min(...[...this.#timers.values()].map(({ at }) => at));
  }

  /** Moves on, and fires what is due on the way. Between two timers, promises are served. */
  async pass(millis) {
    const end = this.#time + millis;
    for (await settled(); this.due <= end; await settled()) {
      const [timer, { at, then }] = [...this.#timers].reduce((one, other) => (other[1].at < one[1].at ? other : one));
      this.#timers.delete(timer);
      this.#time = Math.max(this.#time, at);
      then();
    }
    this.#time = end;
  }

  /** Fires one timer after the other until `test` holds, and not one more. */
  async until(test, most = 1e6) {
    const end = this.#time + most;
    for (await settled(); !test(); await settled()) {
      if (!(this.due <= end)) throw Error('what is waited for does not happen');
      await this.pass(this.due - this.#time);
    }
  }

  /** Moves on without a timer, as a page does that is frozen. */
  jump(millis) {
    this.#time += millis;
  }
}

export const settled = async () => {
  for (let turn = 0; turn < 5; turn++) await setImmediate();
};

/** A class of sockets; those that were made are in its `all`. */
export function sockets() {
  return class FakeSocket extends EventTarget {
    static all = [];
    static CLOSING = 2;
    static get last() {
      return this.all[this.all.length - 1];
    }

    readyState = 0;
    sent = [];
    bufferedAmount = 0;
    binaryType = 'blob';
    protocol = '';
    extensions = '';

    constructor(url, protocols) {
      super();
      if (url === 'invalid') throw new SyntaxError('an invalid URL');
      Object.assign(this, { url, protocols });
      new.target.all.push(this);
    }

    send(data) {
      if (this.broken) throw Error('broken');
      if (data?.constructor === Object) throw new TypeError('not to be sent');
      this.sent.push(data);
    }

    close(code, reason) {
      this.closed = { code, reason };
      this.readyState = 2;
    }

    open() {
      this.readyState = 1;
      this.#tell('open');
    }

    say(data) {
      this.#tell('message', { data });
    }

    fail() {
      this.error();
      this.end(1006);
    }

    /** As `fail` without the end: some have none. */
    error() {
      this.readyState = 3;
      this.#tell('error', { message: 'refused', error: Error('refused') });
    }

    end(code = 1006, reason = '') {
      this.readyState = 3;
      this.#tell('close', { code, reason, wasClean: code !== 1006 });
    }

    #tell(type, fields) {
      const event = Object.assign(new Event(type), fields);
      this[`on${type}`]?.(event);
      this.dispatchEvent(event);
    }
  };
}

/** What `listen` takes for a window, with its document. */
export class Page {
  document = new EventTarget();
  window = Object.assign(new EventTarget(), { navigator: { onLine: true } });

  constructor({ hidden = false, onLine = true } = {}) {
    this.document.visibilityState = hidden ? 'hidden' : 'visible';
    this.window.navigator.onLine = onLine;
  }

  network(onLine) {
    this.window.navigator.onLine = onLine;
    this.window.dispatchEvent(new Event(onLine ? 'online' : 'offline'));
  }

  show(visible) {
    this.document.visibilityState = visible ? 'visible' : 'hidden';
    this.document.dispatchEvent(new Event('visibilitychange'));
  }

  cache(kept) {
    this.window.dispatchEvent(Object.assign(new Event(kept ? 'pagehide' : 'pageshow'), { persisted: true }));
  }

  freeze(frozen) {
    this.document.dispatchEvent(new Event(frozen ? 'freeze' : 'resume'));
  }
}
