// The settings of a policy, their defaults and the presets, and how the core reads them. Times are whole milliseconds.

const SECOND = 1000;
const MINUTE = 60 * SECOND;

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

const JITTERS = ['none', 'full', 'equal', 'decorrelated', 'aboveInitial', 'plusMinus', 'minus', 'window'];
const NONE = 2 ** 32 - 1;

/** The settings as numbers, in the order in which the core reads them. */
export function words(settings) {
  const { backoff = {}, heartbeat } = settings;
  const { curve, initial = SECOND, max = 30 * SECOND, scale = 40 * SECOND, factor = 2, jitter = 'none' } = backoff;
  const [kind, share] = typeof jitter === 'string' ? [jitter] : Object.entries(jitter)[0];
  const [low, high] = [].concat(share ?? 0, 1);
  if (!JITTERS.includes(kind)) throw RangeError(`redial: unknown jitter "${kind}"; use ${JITTERS.join(', ')}`);
  return [
    +!settings.deaf,
    +(curve === 'windows'),
    millis(initial, 'backoff.initial'),
    millis(max, 'backoff.max'),
    millis(scale, 'backoff.scale'),
    ...ratio(factor, 'backoff.factor'),
    JITTERS.indexOf(kind),
    ...ratio(low, 'backoff.jitter'),
    ...ratio(high, 'backoff.jitter'),
    millis(backoff.floor ?? 0, 'backoff.floor'),
    millis(backoff.first, 'backoff.first'),
    +!!backoff.exactFirst,
    millis(settings.resetAfterStable, 'resetAfterStable'),
    millis(settings.minInterval ?? 0, 'minInterval'),
    millis(settings.maxAttempts, 'maxAttempts'),
    millis(settings.maxElapsed, 'maxElapsed'),
    millis(settings.connectTimeout ?? 10 * SECOND, 'connectTimeout'),
    millis(settings.readyTimeout, 'readyTimeout'),
    +(settings.established === 'ready'),
    millis(settings.closeCode ?? 4000, 'closeCode'),
    millis(heartbeat?.interval, 'heartbeat.interval'),
    millis(heartbeat?.answerWithin, 'heartbeat.answerWithin'),
  ];
}

/** A whole number that fits, rounded up so that no wait becomes shorter; none where it is left out. */
function millis(value, name) {
  if (value == null || value === Infinity) return NONE;
  if (value >= 0 && value < NONE) return Math.ceil(value);
  throw RangeError(`redial: ${name} is ${value}; use a number from 0 to ${NONE - 1}`);
}

/** A share or a factor as two whole numbers. */
function ratio(value, name) {
  if (!(value >= 0 && value <= 4000)) throw RangeError(`redial: ${name} is ${value}; use a number from 0 to 4000`);
  return [Math.round(value * 1e6), 1e6];
}
