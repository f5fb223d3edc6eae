// The settings of a policy, their defaults and the presets, and how the core reads them. Times are whole milliseconds.

const SECOND = 1000;
const DAY = 86_400 * SECOND;

/** One dial in each of consecutive windows: what a fleet of clients should take. */
const windows = (scale, max = 300) => ({ curve: 'windows', initial: 1750, scale: scale * SECOND, max: max * SECOND });

const RECOMMENDED = { backoff: windows(40), closeCode: 4000, connectTimeout: 10 * SECOND };

/** What the project recommends, by the names that its core has for them. */
export const presets = {
  recommended: RECOMMENDED,
  websocket: { ...RECOMMENDED, heartbeat: { interval: 30 * SECOND, answerWithin: 10 * SECOND } },
  fleet: { ...RECOMMENDED, backoff: windows(16) },
  eager: { ...RECOMMENDED, backoff: windows(8) },
  few: {
    ...RECOMMENDED,
    backoff: { initial: SECOND, factor: 2, max: 30 * SECOND, jitter: { window: [0.25, 1] } },
  },
  battery: { ...RECOMMENDED, backoff: windows(160, 900) },
};

const CURVES = ['exponential', 'windows'];
const JITTERS = ['none', 'full', 'equal', 'decorrelated', 'aboveInitial', 'plusMinus', 'minus', 'window'];
const NONE = 2 ** 32 - 1;

/** The settings as numbers, in the order in which the core reads them. */
export function words(settings) {
  const { backoff = {}, heartbeat } = settings;
  const { curve, initial = SECOND, max = 30 * SECOND, scale = 40 * SECOND, factor = 2, jitter = 'none' } = backoff;
  const [kind, share] = (typeof jitter === 'string' ? undefined : Object.entries(Object(jitter))[0]) ?? [jitter];
  oneOf('backoff.curve', curve ?? CURVES[0], CURVES);
  oneOf('backoff.jitter', kind, JITTERS);
  const [low, high] = [].concat(share ?? 0, 1);
  return [
    +!settings.deaf,
    +(curve === CURVES[1]),
    millis(initial, 'backoff.initial', 1),
    millis(max, 'backoff.max'),
    millis(scale, 'backoff.scale', 1),
    ...ratio(factor, 'backoff.factor', 1, 4000),
    JITTERS.indexOf(kind),
    ...ratio(low, 'backoff.jitter', 0, 1),
    ...ratio(high, 'backoff.jitter', 0, 1),
    millis(backoff.floor ?? 0, 'backoff.floor'),
    millis(backoff.first, 'backoff.first'),
    +!!backoff.exactFirst,
    // As good as never: 49 days.
    millis(settings.resetAfterStable === Infinity ? NONE - 1 : settings.resetAfterStable, 'resetAfterStable'),
    millis(settings.minInterval ?? 0, 'minInterval', 0, DAY),
    millis(settings.maxAttempts, 'maxAttempts'),
    millis(settings.maxElapsed, 'maxElapsed'),
    millis(settings.connectTimeout ?? 10 * SECOND, 'connectTimeout', 1),
    millis(settings.readyTimeout, 'readyTimeout', 1),
    +(settings.established === 'ready'),
    millis(settings.closeCode ?? 4000, 'closeCode'),
    millis(heartbeat?.interval, 'heartbeat.interval', 1, DAY),
    millis(heartbeat?.answerWithin, 'heartbeat.answerWithin'),
  ];
}

/** Throws unless the value is one of the names. */
export function oneOf(what, value, names) {
  if (!names.includes(value)) throw refusal(what, value, names.join(', '));
}

/** A whole number that fits, rounded up so that no wait becomes shorter; none where it is left out. */
export function millis(value, name, least = 0, most = NONE - 1) {
  return value == null || value === Infinity ? NONE : Math.ceil(within(value, name, least, most));
}

/** A share or a factor as two whole numbers. */
const ratio = (value, name, least, most) => [Math.round(within(value, name, least, most) * 1e6), 1e6];

export function within(value, name, least, most) {
  if (value >= least && value <= most) return value;
  throw refusal(name, value, `a number from ${least} to ${most}`);
}

const refusal = (name, value, use) => RangeError(`redial: ${name} is ${value}; use ${use}`);
