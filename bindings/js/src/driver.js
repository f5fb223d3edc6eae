// Runs a policy: tells it events and the time, one after the other, and has its actions done.

import { withCore } from './engine.js';
import { Policy } from './policy.js';

// A timer of a browser takes a signed number of 32 bits.
const LONGEST = 2 ** 31 - 1;
// How much further the wall clock may move than the clock of this page before that was a sleep of the machine.
const ASLEEP = 5000;
// Timers of a hidden page run once a minute. What is later than that was frozen.
const FROZEN = 90000;

const system = {
  now: () => performance.now(),
  wall: () => Date.now(),
  setTimeout: (then, after) => setTimeout(then, after),
  clearTimeout: (timer) => clearTimeout(timer),
};

/** Two random numbers of 32 bits. */
const random = () =>
  globalThis.crypto?.getRandomValues ? crypto.getRandomValues(new Uint32Array(2)) : [0, 0].map(() => Math.random() * 2 ** 32);

export class Driver {
  /**
   * `act` does an action, `look` is called after each call. `watch`: how long at most until the clocks are compared while there is a connection or a wait, so
   * that a sleep of the machine is noticed; 0: never.
   */
  constructor(settings, { seed, session, clock = system, watch = 0 }, act, look) {
    Object.assign(this, { clock, watch, act, look, session, queue: [], zero: clock.now(), wall: clock.wall(), seen: 0 });
    withCore((core) => {
      this.policy = new Policy(core, settings, { seed: seedOf(seed ?? random()), session });
      this.work();
    });
  }

  /** Milliseconds since this driver began. */
  now() {
    return Math.max(this.clock.now() - this.zero, 0);
  }

  /** Tells the policy an event after those that came before it. `then` hears what became of it. */
  tell(name, fields, then) {
    this.compare();
    this.queue.push([name, fields, then]);
    this.work();
  }

  work() {
    if (!this.policy || this.working) return;
    this.working = true;
    try {
      for (let next; (next = this.queue.shift()); ) {
        const [name, fields, then] = next;
        const { disposition, actions } = this.policy.tell(Math.floor(this.now() * 1000), name, fields);
        this.explained = undefined;
        then?.(disposition);
        for (const action of actions) this.act(action);
        this.look();
      }
    } finally {
      this.working = false;
    }
    this.arm();
  }

  /** What the policy is doing; before the core is there, that nothing has happened yet. */
  explain() {
    return (this.explained ??= this.policy?.explain() ?? { phase: 'idle', trigger: 'new', attempt: 0, failures: 0, since: 0, ...this.session });
  }

  arm() {
    this.clock.clearTimeout(this.timer);
    const { until, phase } = this.explain();
    const due = until === undefined ? Infinity : until / 1000;
    const idle = phase === 'idle' || phase === 'stopped' || phase === 'failed';
    const next = (this.next = Math.min(due, idle || !this.watch ? Infinity : this.now() + this.watch));
    if (next === Infinity) return;
    const after = Math.min(Math.max(next - this.now(), 0), LONGEST);
    this.timer = this.clock.setTimeout(() => this.tell('timeout'), Math.ceil(after));
  }

  /**
   * Looks whether the machine slept, or this page was frozen, since it was last looked. With every event, since any may come before
   * the timer that is late.
   */
  compare() {
    const [now, wall] = [this.now(), this.clock.wall()];
    const gap = wall - this.wall - (now - this.seen);
    const late = now - this.next;
    Object.assign(this, { wall, seen: now, next: Infinity });
    if (!this.watch) return;
    if (gap > ASLEEP) this.tell('woke', { span: gap * 1000 });
    if (late > FROZEN) this.tell('woke', { span: late * 1000, first: 1 });
  }
}

const seedOf = (seed) => (typeof seed === 'object' ? seed : [seed, seed / 2 ** 32]);
