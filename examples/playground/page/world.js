// The other side of a connection: a server, a network and a device, as simple as can be. It decides nothing for the client; it
// answers what the client does, and tells it what happened.

/** How long a dial and an answer take, in milliseconds. */
const DIAL = 240;
const ANSWER = 120;
const FETCH = 400;
/** How long after the network the device gives up what was open. */
const NOTICED = 500;

/** What a greeting brings where a protocol has one. */
const HEARTBEAT = 41_250;

/** So many subscriptions fit, of so many characters. */
export const MOST_KEYS = 30;
export const LONGEST_KEY = 24;

export class World {
    /** `up`, `down`, `busy` or `silent`. */
    server = 'up';
    online = true;
    hidden = false;
    held = false;
    wanted = false;
    /** The subscriptions that the user wants. */
    keys = new Set();
    #config;
    /** The transports that the server knows of, by epoch. */
    #transports = new Map();
    /** What will happen, in order of time. */
    #coming = [];
    #sessions = 0;
    #forgets = false;
    #expired = false;

    constructor(config) {
        this.#config = config;
    }

    /** When the next thing happens. */
    get due() {
        return this.#coming[0]?.at ?? Infinity;
    }

    /** What happens at that time, as events for the client. */
    next() {
        const { at, epoch, happens } = this.#coming.shift();
        if (epoch !== undefined && !this.#hears(epoch)) {
            return [];
        }
        return happens(at) ?? [];
    }

    /** Reacts to a decision of the client. */
    decided(decision) {
        const { at, epoch } = decision;
        const answer = (happens, after = ANSWER) => this.#schedule(at + after, happens, epoch);
        switch (decision.action) {
            case 'open':
                this.#transports.set(epoch, { open: false, deaf: false });
                return answer(() => this.#dialled(epoch, at + DIAL), DIAL);
            case 'close':
                return this.#transports.delete(epoch);
            case 'send_fresh':
                return answer(() => this.#identified(epoch));
            case 'send_resume':
                return answer(() => this.#resumed(epoch));
            case 'beat':
                return answer(() => [{ event: 'beat_ack', epoch }]);
            case 'authenticate':
                return answer(() => [{ event: 'auth_ok', epoch }]);
            case 'restore':
                return answer(() => decision.keys.map((key) => ({ event: 'sub_confirmed', epoch, key })));
            case 'refresh_credential':
                return this.#schedule(at + FETCH, () => {
                    this.#expired = false;
                    return [{ event: 'credential_ok' }];
                });
            default:
        }
    }

    /** What a press does at this time, as events for the client; a text says why it does nothing. */
    press(name, now) {
        if (name.startsWith('sub:') || name.startsWith('unsub:')) {
            return this.#subscription(name);
        }
        const up = this.#newest((transport) => transport.open);
        const lost = (cause) => (up === undefined ? 'No connection is open.' : this.#end(up, cause));
        const asked = (request) => (up === undefined ? 'No connection is open.' : [{ event: 'please_reconnect', epoch: up, ...request }]);
        switch (name) {
            case 'drop': return lost({ ws: null });
            case 'fatal': return lost({ class: 'fatal' });
            case 'takeover': return lost({ class: 'replaced' });
            case 'expire':
                this.#expired = true;
                return lost({ class: 'auth' });
            case 'forget':
                if (up === undefined) {
                    this.#forgets = true;
                    return [];
                }
                return [{ event: 'session_invalid', epoch: up, resumable: false }];
            case 'goaway':
                if (up !== undefined) {
                    this.#schedule(now + 10_000, () => this.#end(up, { ws: 1001 }), up);
                }
                return asked({ deadline: 10_000 });
            case 'planned':
                if (up !== undefined) {
                    this.#schedule(now + 20_000, () => this.#end(up, { ws: 1012 }), up);
                }
                return asked({ window: 20_000 });
            case 'up': case 'busy': return this.#set(name);
            case 'silent':
                this.#deafen();
                return this.#set(name);
            case 'down': return this.#goDown({ io: 'connection_reset' });
            case 'offline': case 'online': return this.#connect(name === 'online', now);
            case 'roam':
                this.#deafen();
                return [{ event: 'network_changed' }];
            case 'sleep':
                this.#deafen();
                return [{ event: 'woke', gap: 3_600_000, counted: false }];
            case 'hide': case 'show':
                this.hidden = name === 'hide';
                return [{ event: this.hidden ? 'hidden' : 'visible' }];
            case 'crash':
                this.#transports.clear();
                this.#coming = this.#coming.filter(({ epoch }) => epoch === undefined);
                this.#schedule(now + 3_001, () => this.#remembered());
                return [{ event: 'restart', down_ms: 3_000 }];
            case 'start': case 'stop':
                this.wanted = name === 'start';
                return [{ event: name }];
            case 'retry': return [{ event: 'retry_now' }];
            case 'redial': return [{ event: 'redial' }];
            case 'hold': case 'release':
                this.held = name === 'hold';
                return [{ event: name, reason: 'signed_out' }];
            default: return [];
        }
    }

    #schedule(at, happens, epoch) {
        const later = this.#coming.findIndex((other) => other.at > at);
        this.#coming.splice(later < 0 ? this.#coming.length : later, 0, { at, happens, epoch });
    }

    /** Whether anything still passes between the two on this transport. */
    #hears(epoch) {
        const transport = this.#transports.get(epoch);
        return transport !== undefined && !transport.deaf && !(transport.open && this.server === 'silent');
    }

    #newest(is) {
        return [...this.#transports].filter(([, transport]) => is(transport)).at(-1)?.[0];
    }

    #dialled(epoch, now) {
        const failed = (cause) => {
            this.#transports.delete(epoch);
            return [{ event: 'open_failed', epoch, cause }];
        };
        if (!this.online) {
            return failed({ io: 'network_unreachable' });
        }
        switch (this.server) {
            case 'down': return failed({ io: 'connection_refused' });
            case 'busy': return failed({ http: 503, retry_after: 20_000 });
            case 'silent': return [];
            default:
        }
        this.#transports.get(epoch).open = true;
        if (this.#config.greeting) {
            this.#schedule(now + ANSWER, () => [{ event: 'greeting', epoch, heartbeat: HEARTBEAT }], epoch);
        }
        return [{ event: 'opened', epoch }];
    }

    #identified(epoch) {
        if (this.#expired) {
            return this.#end(epoch, { class: 'auth' });
        }
        if (this.#config.establish === 'on_open') {
            return [];
        }
        this.#forgets = false;
        this.#sessions += 1;
        return [{ event: 'ready', epoch, id: `session-${this.#sessions}`, seq: 1 }];
    }

    #resumed(epoch) {
        if (this.#expired) {
            return this.#end(epoch, { class: 'auth' });
        }
        if (this.#forgets) {
            this.#forgets = false;
            return [{ event: 'session_invalid', epoch, resumable: false }];
        }
        return [{ event: 'resumed', epoch }];
    }

    #end(epoch, cause) {
        this.#transports.delete(epoch);
        return [{ event: 'closed', epoch, cause }];
    }

    /** The device gives a transport up. */
    #cut(epoch) {
        const { open } = this.#transports.get(epoch);
        this.#transports.delete(epoch);
        return [{ event: open ? 'closed' : 'open_failed', epoch, cause: { io: open ? 'network_down' : 'network_unreachable' } }];
    }

    #set(server) {
        this.server = server;
        return [];
    }

    #goDown(cause) {
        this.server = 'down';
        const open = [...this.#transports].filter(([, transport]) => transport.open && !transport.deaf);
        return open.flatMap(([epoch]) => this.#end(epoch, cause));
    }

    /** Nothing passes any more on what was open, and nobody says so. */
    #deafen() {
        for (const transport of this.#transports.values()) {
            transport.deaf = true;
        }
    }

    /** The device gets or loses the network; what was open then ends a little later. */
    #connect(online, now) {
        if (!online) {
            this.#deafen();
            const lost = [...this.#transports].map(([epoch]) => epoch);
            this.#schedule(now + NOTICED, () => lost.filter((epoch) => this.#transports.has(epoch)).flatMap((epoch) => this.#cut(epoch)));
        }
        this.online = online;
        return [{ event: online ? 'net_up' : 'net_down' }];
    }

    /** What a process that begins again is told. */
    #remembered() {
        const facts = [...this.keys].map((key) => ({ event: 'subscribe', key }));
        const state = [[!this.online, 'net_down'], [this.hidden, 'hidden']];
        facts.push(...state.filter(([is]) => is).map(([, event]) => ({ event })));
        if (this.held) {
            facts.push({ event: 'hold', reason: 'signed_out' });
        }
        return this.wanted ? [...facts, { event: 'start' }] : facts;
    }

    #subscription(name) {
        const [word, key] = [name.slice(0, name.indexOf(':')), name.slice(name.indexOf(':') + 1)];
        if (word === 'unsub') {
            return this.keys.delete(key) ? [{ event: 'unsubscribe', key }] : [];
        }
        if (this.keys.size >= MOST_KEYS || key.length > LONGEST_KEY) {
            return `At most ${MOST_KEYS} subscriptions of ${LONGEST_KEY} characters.`;
        }
        this.keys.add(key);
        return [{ event: 'subscribe', key }];
    }
}
