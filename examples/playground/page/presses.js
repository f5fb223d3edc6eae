// What a person can do to a connection. Each press has a name, which is also how a link spells it; `off` is what ends it.

export const GROUPS = [
    {
        title: 'Connection',
        presses: [
            { name: 'drop', key: 'd', label: 'Drop', hint: 'The connection is cut without a close frame.' },
            {
                name: 'silent', off: 'up', key: 'z', label: 'Half-open', pressed: (world) => world.server === 'silent',
                hint: 'The server answers nothing more, and nobody says so. Only a heartbeat finds out.',
            },
        ],
    },
    {
        title: 'Server',
        presses: [
            {
                name: 'down', off: 'up', key: 'x', label: 'Refuse', pressed: (world) => world.server === 'down',
                hint: 'The server goes down and refuses every dial.',
            },
            {
                name: 'busy', off: 'up', key: 'o', label: 'Overload', pressed: (world) => world.server === 'busy',
                hint: 'Every dial is answered with 503 and Retry-After: 20.',
            },
            { name: 'goaway', key: 'g', label: 'Go away', hint: 'The server will cut the connection in 10 s.' },
            {
                name: 'planned', key: 'p', label: 'Planned restart',
                hint: 'The server asks its clients to move within 20 s, and cuts whoever stays.',
            },
            { name: 'fatal', key: 'f', label: 'Fatal close', hint: 'The server closes for a reason that no retry can mend.' },
            { name: 'takeover', key: 't', label: 'Takeover', hint: 'Another client takes the session over.' },
            { name: 'forget', key: 'i', label: 'Forget session', hint: 'The server refuses the session, or the next resume.' },
            { name: 'expire', key: 'c', label: 'Expire credential', hint: 'The server closes because the credential is too old.' },
        ],
    },
    {
        title: 'Device',
        presses: [
            {
                name: 'offline', off: 'online', key: 'n', label: 'Offline', pressed: (world) => !world.online,
                hint: 'The device has no network.',
            },
            { name: 'roam', key: 'm', label: 'Change network', hint: 'From Wi-Fi to mobile, and nothing went down in between.' },
            { name: 'sleep', key: 'w', label: 'Sleep 1 h', hint: 'The lid is closed for an hour; the clock stands still.' },
            {
                name: 'hide', off: 'show', key: 'h', label: 'Hide page', pressed: (world) => world.hidden,
                hint: 'The page is in the background.',
            },
            { name: 'crash', key: 'k', label: 'Crash', hint: 'The process ends, and begins again 3 s later with its snapshot.' },
        ],
    },
    {
        title: 'You',
        presses: [
            {
                name: 'start', off: 'stop', key: 's', label: 'Connect', pressed: (world) => world.wanted,
                hint: 'Whether you want the connection at all.',
            },
            { name: 'retry', key: 'r', label: 'Retry now', hint: 'You press "reconnect now".' },
            { name: 'redial', key: 'e', label: 'Replace', hint: 'You want another connection in place of this one.' },
            {
                name: 'hold', off: 'release', key: 'l', label: 'Sign out', pressed: (world) => world.held,
                hint: 'Nobody is signed in, so that nothing may be dialled.',
            },
        ],
    },
];

/** The presses of the keyboard, by key. */
export const BY_KEY = new Map(GROUPS.flatMap(({ presses }) => presses.map((press) => [press.key, press])));

/** What a press does now: a switch that is on is put off. */
export function nameOf(press, world) {
    return press.off && press.pressed(world) ? press.off : press.name;
}

const start = { at: 0, name: 'start' };
const subscriptions = ['prices', 'orders', 'news'].map((key) => ({ at: 0, name: `sub:${key}` }));
const story = (presses) => [...subscriptions, start, ...presses.map(([seconds, name]) => ({ at: seconds * 1000, name }))];

/** Courses of events to begin with. */
export const STORIES = [
    {
        name: 'day', title: 'A day in short', until: 400,
        presses: story([
            [8, 'drop'], [75, 'down'], [93, 'up'], [225, 'goaway'], [300, 'offline'], [312, 'online'], [385, 'sleep'],
        ]),
    },
    { name: 'restart', title: 'A planned restart', until: 40, presses: story([[8, 'planned']]) },
    { name: 'overload', title: 'An overloaded server', until: 120, presses: story([[5, 'down'], [6, 'busy'], [50, 'up']]) },
    { name: 'zombie', title: 'A half-open connection', until: 120, presses: story([[10, 'silent'], [75, 'up']]) },
    { name: 'kicked', title: 'Two clients, one session', until: 90, presses: story([[6, 'takeover'], [20, 'takeover'], [45, 'takeover']]) },
    { name: 'credential', title: 'A credential that expires', until: 40, presses: story([[8, 'expire'], [20, 'forget']]) },
    { name: 'empty', title: 'Nothing happens', until: 20, presses: story([]) },
];

/** Presses as a link spells them: `6000.drop~14000.down`. */
export function spelt(presses) {
    return presses.map(({ at, name }) => `${at}.${encodeURIComponent(name).replaceAll('~', '%7E')}`).join('~');
}

/** So many a link may have. */
const MOST = 2000;

/** The presses that a link spells, in the order of their times. What is none is an error. */
export function read(text) {
    const names = new Set(GROUPS.flatMap(({ presses }) => presses.flatMap(({ name, off }) => [name, off])));
    const presses = text.split('~').filter(Boolean).slice(0, MOST).map((part) => {
        const [, at, spelling] = /^(\d{1,12})\.(.{1,200})$/.exec(part) ?? [];
        const name = spelling && decodeURIComponent(spelling);
        if (!name || !(names.has(name) || /^(sub|unsub):./.test(name))) {
            throw new Error(`"${part.slice(0, 40)}" is no press`);
        }
        return { at: Number(at), name };
    });
    return presses.sort((one, other) => one.at - other.at);
}
