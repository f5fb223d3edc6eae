// The subscriptions that are desired on a connection: which to send, in which order, and what the server said to each.

const [PENDING, SENT, CONFIRMED, REFUSED] = [0, 1, 2, 3];

export class Subscriptions {
  constructor() {
    this.desired = new Map();
    /** Removed, which the server does not know yet. */
    this.gone = new Set();
  }

  /** With another priority, a key goes behind the others of that priority; one that was refused is to be sent again. */
  add(key, priority) {
    const known = this.desired.get(key);
    if (known && known.priority !== priority) this.desired.delete(key);
    const state = known && known.state !== REFUSED ? known.state : PENDING;
    this.desired.set(key, { ...known, state, priority });
  }

  /** The server is to hear of it if it may have it, which a session that is resumed goes on with. */
  remove(key) {
    if (this.desired.get(key)?.had) this.gone.add(key);
    this.desired.delete(key);
  }

  /** What is to be sent, higher priorities first, then in the order in which it was added. It counts as sent. */
  take() {
    const due = [...this.desired].filter(([, { state }]) => state === PENDING);
    due.sort(([, one], [, other]) => other.priority - one.priority);
    return due.map(([key, entry]) => {
      entry.state = SENT;
      entry.had = true;
      return key;
    });
  }

  confirm(key) {
    this.move(key, CONFIRMED, [SENT]);
  }

  /** The server refused it, or ended it: it is not sent again before the next new session, or with `again` with the next batch. */
  refuse(key, again) {
    this.move(key, again ? PENDING : REFUSED, [SENT, CONFIRMED, REFUSED]);
  }

  /** The connection is lost, so that nothing more will be answered; or a new session began, which has none of them. */
  reset(fresh) {
    if (fresh) this.gone.clear();
    for (const entry of this.desired.values()) {
      if (fresh) entry.had = false;
      if (fresh || entry.state === SENT) entry.state = PENDING;
    }
  }

  move(key, to, from) {
    const entry = this.desired.get(key);
    if (entry && from.includes(entry.state)) Object.assign(entry, { state: to, had: to === CONFIRMED });
  }
}
