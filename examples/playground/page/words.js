// Words and times for people.

/** The phases of a policy, in the order in which a connection goes through them. */
export const STATES = [
    'idle', 'connecting', 'establishing', 'restoring', 'online', 'waiting', 'parked', 'stopped', 'failed',
];

const MEANINGS = {
    idle: 'Nobody wants the connection yet.',
    connecting: 'A transport is being opened.',
    establishing: 'The transport is open; the session is not ready yet.',
    restoring: 'Subscriptions are being sent.',
    online: 'It serves, and every subscription is sent.',
    waiting: 'The next dial has its time.',
    parked: 'The next dial waits for a condition, and for no time.',
    stopped: 'The user does not want the connection.',
    failed: 'The policy gave up.',
};

const REASONS = {
    backoff: 'backoff', hint: 'the server asked to wait', appointment: 'appointment of the server', window: 'window of the server',
    invalid_session: 'refused session', class: 'kind of failure', min_interval: 'least distance of dials', breaker: 'breaker is open',
    requested: 'the server asked for it', spread: 'spread after the network', hold: 'a condition is missing', network: 'no network',
    hidden: 'page is hidden', credential: 'credential on its way', endpoint: 'next endpoint', not_now: 'host said not now',
    beat: 'next heartbeat', stable: 'counts as stable', answer: 'answer to a heartbeat', connect_timeout: 'limit of the dial',
    greeting_timeout: 'limit of the greeting', ready_timeout: 'limit of the session', max_age: 'age of the connection',
    handover: 'limit of the successor', drain: 'end of the old one', confirm: 'limit of a confirmation', restore: 'next batch',
};

export const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);
export const plain = (word) => String(word ?? '').replaceAll('_', ' ');
export const meaning = (state) => MEANINGS[state] ?? '';
export const reason = (word) => REASONS[word] ?? plain(word);

/** What ended an attempt or a connection, as a log says it. */
export function cause(of) {
    if (of === null || typeof of !== 'object') {
        return plain(of);
    }
    const named = ['ws', 'http', 'io', 'tls', 'class', 'kind'].find((key) => key in of);
    switch (named) {
        case 'ws': return of.ws === null ? 'cut' : `close ${of.ws}`;
        case 'http': return `HTTP ${of.http}`;
        case undefined: return 'timeout';
        default: return plain(of[named]);
    }
}

/** What an event of the log is called on a timeline; empty for those that the lanes show. */
export function mark(fact) {
    switch (fact.event) {
        case 'opened': case 'ready': case 'resumed': case 'beat_ack': case 'beat_requested': case 'rx': case 'seq': case 'greeting':
        case 'open_failed': case 'sub_confirmed': case 'sub_failed': case 'credential_ok': case 'auth_ok': case 'timeout':
        case 'cursor': case 'keep_alive': case 'explain': case 'stats': case 'not_now': case 'calls': case 'start_limit':
        case 'subscribe': case 'unsubscribe': case 'drained':
            return '';
        case 'closed': return cause(fact.cause);
        case 'please_reconnect': return 'asked to reconnect';
        case 'session_invalid': return 'session refused';
        case 'net_down': return 'offline';
        case 'net_up': return 'online';
        case 'woke': return `slept ${span(fact.gap)}`;
        case 'hold': case 'release': return `${fact.event} ${plain(fact.reason)}`;
        case 'stop': return fact.keep ? 'stop, keep' : 'stop';
        default: return plain(fact.event);
    }
}

/** A span of milliseconds in few characters. */
export function span(millis) {
    if (millis < 1000) {
        return `${Math.round(millis)} ms`;
    }
    if (millis < 60_000) {
        return `${trimmed((millis / 1000).toFixed(millis < 10_000 ? 2 : 1))} s`;
    }
    const minutes = millis / 60_000;
    if (minutes < 60) {
        return `${trimmed(minutes.toFixed(1))} min`;
    }
    return `${trimmed((minutes / 60).toFixed(1))} h`;
}

const trimmed = (decimals) => (decimals.includes('.') ? decimals.replace(/\.?0+$/, '') : decimals);

/** A time of the clock, such as 1:02.3 or 1:00:02. */
export function clock(millis, decimals = 1) {
    const seconds = millis / 1000;
    const whole = Math.floor(seconds / 60);
    const rest = (seconds - whole * 60).toFixed(decimals).padStart(decimals ? 3 + decimals : 2, '0');
    if (whole < 60) {
        return `${whole}:${rest}`;
    }
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}:${rest}`;
}

/** A count with thin blanks between thousands. */
export const count = (number) => Math.round(number).toString().replace(/\B(?=(\d{3})+$)/g, '\u202f');
