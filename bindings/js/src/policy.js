// One policy of the core: events in by the words of a recorded log, actions out.

import { ACTIONS, CAUSES, CLASSES, DISPOSITIONS, DROPS, ENDS, EVENTS, MODES, PHASES, REASONS, TRIGGERS } from './names.js';
import { words } from './settings.js';

const NONE = 2 ** 32 - 1;
const OPENS = 0;
const LAST_CLASS = CAUSES.indexOf('class');

/** What the core finds in numbers each of which is in its range, by its number for it. */
const WRONG = {
  3: 'backoff.initial is above backoff.max',
  7: 'backoff.jitter.window is not [low, high]',
  9: 'backoff.jitter is not for windows',
  14: 'backoff.floor is above backoff.max',
};

/** The policy whose bytes are in the core's memory; every other has its own. */
let resident;

/** What a number stands for, where it may stand for nothing. */
const word = (names, number) => (number === NONE ? undefined : names[number]);

/** Two numbers of 32 bits, the lower first. What is stored is taken modulo 2³². */
const long = (number) => (number == null ? [NONE, NONE] : [number, number / 2 ** 32]);

/** A cause as a log prints it: `close_4004`, `transient`, `unknown`. */
const causeOf = (number) => {
  if (number === NONE) return undefined;
  const [kind, value] = [number & 255, number >>> 8];
  return kind === LAST_CLASS ? CLASSES[value] : CAUSES[kind] + (kind < LAST_CLASS ? `_${value}` : '');
};

/** The number of a cause: of `{ close: 4004 }`, of a class such as `fatal`, of a plain one such as `unknown`. */
export const numberOf = (cause) => {
  if (cause.close !== undefined) return cause.close * 256;
  const known = CLASSES.indexOf(cause);
  if (known >= 0) return known * 256 + LAST_CLASS;
  const plain = CAUSES.indexOf(cause);
  if (plain <= LAST_CLASS) throw RangeError(`redial: unknown cause "${cause}"`);
  return plain;
};

/** Its times are microseconds of a clock of the caller's, whole numbers from 0. */
export class Policy {
  constructor(core, settings, { seed, session }) {
    this.core = core;
    const bytes = core.state_bytes();
    this.load = () => {
      if (resident === this) return;
      const state = new Uint8Array(core.memory.buffer, core.state(), bytes);
      if (resident) resident.kept = state.slice();
      if (this.kept) state.set(this.kept);
      resident = this;
    };
    this.load();
    this.write(...seed, session?.token == null ? NONE : 1, ...long(session?.sequence), ...words(settings));
    const error = core.create();
    if (error) throw RangeError(`redial: ${WRONG[error] ?? `the settings contradict each other (${error})`}`);
  }

  write(...numbers) {
    new Uint32Array(this.core.memory.buffer, this.core.mail(), 64).set(numbers);
  }

  read() {
    return new Uint32Array(this.core.memory.buffer, this.core.mail(), 64);
  }

  /** Tells it an event, and returns what became of it and what to do. */
  tell(now, name, { epoch = 0, first = 0, cause, wait = 0, span, third = 0, number } = {}) {
    this.load();
    if (cause) first = numberOf(cause);
    this.write(EVENTS.indexOf(name), epoch, first, wait, third, ...long(span), ...long(number));
    this.core.step(...long(now));
    const mail = this.read();
    const actions = [];
    for (let at = 21; actions.length < mail[20]; at += 4) actions.push(actionOf(mail.subarray(at, at + 4)));
    return { disposition: DISPOSITIONS[mail[19]], actions };
  }

  /** What it is doing, until when, and why. */
  explain() {
    this.load();
    this.core.tell();
    const mail = this.read();
    const time = (at) => (mail[at] === NONE && mail[at + 1] === NONE ? undefined : mail[at] + mail[at + 1] * 2 ** 32);
    const [kind, detail] = mail.subarray(8);
    const why = TRIGGERS[kind];
    return {
      phase: PHASES[mail[0]],
      trigger: why === 'gate' ? REASONS[detail] : why === 'lost' ? causeOf(detail) : why === 'gave_up' ? ENDS[detail] : why,
      since: time(10),
      until: time(12),
      waitingFor: word(REASONS, mail[1]),
      deadline: word(REASONS, mail[2]),
      notBefore: time(14),
      epoch: mail[3],
      attempt: mail[4],
      failures: mail[5],
      mode: MODES[mail[6]],
      lastCause: causeOf(mail[7]),
      sequence: time(16),
      token: mail[18] === NONE ? undefined : mail[18],
    };
  }
}

function actionOf([kind, epoch, first, second]) {
  const action = ACTIONS[kind];
  switch (action) {
    case 'open':
      return { action, epoch, mode: MODES[first], attempt: second };
    case 'close':
      return { action, epoch, code: first || undefined };
    case 'drop_session':
      return { action, reason: DROPS[first] };
    case 'gave_up':
      return { action, reason: ENDS[first], cause: causeOf(second) };
    default:
      return { action, epoch, request: first };
  }
}
