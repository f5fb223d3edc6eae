// A drop-in for reconnecting-websocket 4.4.

import { reconnecting } from './reconnecting.js';

class Event {
  constructor(type, target) {
    this.type = type;
    this.target = target;
  }
}

class ErrorEvent extends Event {
  constructor(error, target) {
    super('error', target);
    this.error = error;
    this.message = error.message;
  }
}

class CloseEvent extends Event {
  constructor(code, reason = '', target) {
    super('close', target);
    Object.assign(this, { code, reason, wasClean: true });
  }
}

/** Listeners that get the events of the inner socket as they are. */
class Listeners {
  constructor() {
    this._listeners = { open: [], message: [], close: [], error: [] };
  }

  addEventListener(type, listener) {
    this._listeners[type]?.push(listener);
  }

  removeEventListener(type, listener) {
    if (this._listeners[type]) this._listeners[type] = this._listeners[type].filter((known) => known !== listener);
  }

  dispatchEvent(event) {
    this._call(this._listeners[event.type] ?? [], event);
    return true;
  }

  _call(listeners, event) {
    for (const listener of listeners) listener.handleEvent ? listener.handleEvent(event) : listener(event);
  }

  /** Who listens now hears of the close that was just asked for, also where they stop to listen before it is done. */
  _expectClose() {
    this._expecting = this._listeners.close;
  }

  _deliver(event) {
    const listeners = this._listeners[event.type];
    const expecting = event.type === 'close' ? (this._expecting ?? []).filter((known) => !listeners.includes(known)) : [];
    if (event.type === 'close') this._expecting = undefined;
    this._call([...expecting, ...listeners], event);
  }
}

const delays = () => 1000 + Math.random() * 4000;

export default class ReconnectingWebSocket extends reconnecting(Listeners, { CloseEvent, ErrorEvent, delays }) {
  _check() {
    const { WebSocket = globalThis.WebSocket } = this._options;
    // In some versions of Safari the class is an object.
    if (WebSocket?.CLOSING !== 2) throw Error('No valid WebSocket class provided');
    return WebSocket;
  }
}
