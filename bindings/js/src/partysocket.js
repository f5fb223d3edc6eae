// A drop-in for the WebSocket of partysocket 1.3.

import { reconnecting } from './reconnecting.js';

export class ErrorEvent extends Event {
  constructor(error, target) {
    super('error', target);
    this.error = error;
    this.message = error.message;
  }
}

export class CloseEvent extends Event {
  constructor(code = 1000, reason = '', target) {
    super('close', target);
    this.code = code;
    this.reason = reason;
    this.wasClean = true;
  }
}

/** The same event once more: one that was dispatched can't be dispatched again. */
function copy(event) {
  const { type } = event;
  if (event instanceof ErrorEvent || (type === 'error' && event.error)) return new ErrorEvent(event.error, event);
  const native = globalThis[{ message: 'MessageEvent', close: 'CloseEvent' }[type] ?? 'Event'];
  if (native && event instanceof native) return new native(type, event);
  if (type === 'close') return Object.assign(new CloseEvent(event.code, event.reason, event), { wasClean: event.wasClean ?? true });
  return type === 'message' ? new MessageEvent(type, { data: event.data }) : new Event(type);
}

class Target extends EventTarget {
  _deliver(event) {
    this.dispatchEvent(copy(event));
  }
}

let warned = false;

export default class PartyWebSocket extends reconnecting(Target, { CloseEvent, ErrorEvent, delays: () => 3000, closesAtOnce: true }) {
  get shouldReconnect() {
    return this._shouldReconnect;
  }

  send(data) {
    if (this._closeCalled && !this._didWarnAboutClosedSend) {
      this._didWarnAboutClosedSend = true;
      console.warn('send() was called after close(): the message is kept, and sent only after a reconnect().');
    }
    return super.send(data);
  }

  reconnect(code, reason) {
    this._didWarnAboutClosedSend = false;
    super.reconnect(code, reason);
  }

  drainQueuedMessages() {
    return this._messageQueue.splice(0);
  }

  _check() {
    const { WebSocket = globalThis.WebSocket } = this._options;
    if (!WebSocket && !warned) {
      warned = true;
      console.error('No WebSocket implementation available. Give one as the option "WebSocket", such as the package ws in Node.');
    }
    return WebSocket;
  }
}
