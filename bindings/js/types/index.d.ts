/** How waits are randomized: inside the cap, so that no wait is longer than `max`. */
export type Jitter =
  | 'none'
  | 'full'
  | 'equal'
  | 'decorrelated'
  | 'aboveInitial'
  /** Around the wait by this share of it, from 0 to 1. */
  | { plusMinus: number }
  /** Below the wait by this share of it, from 0 to 1. */
  | { minus: number }
  /** Between these shares of the wait. */
  | { window: [low: number, high: number] };

/**
 * The waits between dials, in milliseconds. What is not given is that of the preset. Of another curve than the preset's (a `factor`
 * or a `jitter` asks for the exponential one) it is that of the preset `few`: 1 s, times 2, up to 30 s, between a quarter of that and
 * all of it; or of `websocket`: the first within 1.75 s, a scale of 40 s, up to 300 s.
 */
export interface Backoff {
  /**
   * `exponential`: `initial`, times `factor` with each failure, up to `max`. `windows`: one dial in each of consecutive windows of
   * an outage, at a place that is drawn once; how wide they grow says `scale`.
   */
  curve?: 'exponential' | 'windows';
  /** The first wait, or how wide the first window is; at least 1 ms. */
  initial?: number;
  /** Of an exponential curve, 1 to 4000. */
  factor?: number;
  /** The longest wait. */
  max?: number;
  /** Of windows: how fast they grow. */
  scale?: number;
  /** Of an exponential curve. */
  jitter?: Jitter;
  /** No wait is shorter. Default 0. */
  floor?: number;
  /** Another first wait; 0 dials at once after a connection that held. Default: that of the curve. */
  first?: number;
  /** No jitter on the first wait. Default false. */
  exactFirst?: boolean;
}

/** The settings of the policy. Times are milliseconds, rounded up to whole ones. */
export interface Settings {
  backoff?: Backoff;
  /**
   * How long a connection must hold until the next failure waits the first wait again; Infinity: for good (49 days). Default: the
   * longest wait, 10 s to 60 s.
   */
  resetAfterStable?: number;
  /** The least time between two dials. Default 0. */
  minInterval?: number;
  /** The most dials of one outage. Default: no limit. */
  maxAttempts?: number;
  /** The longest time of one outage. Default: no limit. */
  maxElapsed?: number;
  /** How long a dial may take, with the function that gives its URL. Default 10 s. */
  connectTimeout?: number;
  /** How long the server may take to say that the session is ready. Default: as long as a dial. */
  readyTimeout?: number;
  /** The code of a connection that is closed to be resumed, 3000 to 4999. Default 4000. */
  closeCode?: number;
  /**
   * Where the protocol has a `heartbeat`, with every preset: how often it is sent, default 30 s, at most a day, and how long a server
   * may say nothing after it, default 10 s. `interval: Infinity` sends none.
   */
  heartbeat?: { interval?: number; answerWithin?: number };
}

/** What the project recommends. */
export declare const presets: Readonly<Record<Preset, Settings>>;
export type Preset = 'recommended' | 'websocket' | 'fleet' | 'eager' | 'few' | 'battery';

export type Data = string | ArrayBufferLike | Blob | ArrayBufferView;

/** What a resume sends. */
export interface Session {
  token: string;
  sequence?: number;
}

/** Where `identify` and `resume` write. */
export interface Connection {
  send(data: Data): boolean;
}

/** What a message of the server means; what is not there is not meant. */
export interface Decoded<Key, Incoming> {
  /** A message for the application. With a `sequence` that is not new it is not delivered: a resume repeats it. */
  message?: Incoming;
  /** The number of this message. Here and below, null is the same as nothing. */
  sequence?: number | null;
  /**
   * A new session, which may be resumed where it has a token. `ttl`: how long the server keeps it, in milliseconds; Infinity or nothing
   * where that is unknown.
   */
  ready?: { token?: string | null; ttl?: number | null } | null;
  /** The old session goes on. */
  resumed?: boolean;
  /** The server refuses the session; `'resumable'`: for now. */
  invalid?: boolean | 'resumable';
  /** The server confirmed this subscription. */
  confirmed?: Key;
  /** The server refused it, which holds for this session. */
  refused?: Key;
  /** The server ended it without refusing it; it is sent again. */
  ended?: Key;
  /** The answer to a heartbeat. */
  acked?: boolean;
  /** The server asks for a heartbeat. */
  asked?: boolean;
  /**
   * The server asks for a reconnect: not before `after` milliseconds, at an `appointment` in so many, at a random time within a
   * `window` of so many, or before it cuts the connection at a `deadline`.
   */
  reconnect?: { after?: number | null; appointment?: number | null; window?: number | null; deadline?: number | null } | null;
}

/** What the end of a connection means. Without one it is the close code, or that there was none. */
export type Cause =
  /** Dial again, and resume the session. */
  | 'transient'
  /** Dial again with a new session. */
  | 'fresh'
  /** Give up: the next dial would fail in the same way. */
  | 'fatal'
  /** Ask the function for another URL, then dial; a URL that is no function is given up. The session is kept. */
  | 'auth'
  /** Wait longer, and resume the session. */
  | 'rate_limited'
  /** Another client has the session: dial again, but not without end. */
  | 'replaced'
  /** The server has no such session any more: dial again with a new one. */
  | 'session_invalid'
  /** The credential was rejected: as `auth`. */
  | 'auth_rejected'
  /** It was rejected, and so would be any other: give up. */
  | 'auth_denied'
  /** What this close code means. */
  | { close: number };

/**
 * What messages mean. Everything is optional. What a function of it throws is an `error` event: where something was to be sent
 * (`identify`, `resume`, `subscribe`, `heartbeat`) the connection is closed and dialled again as after a failed send; a `closed` that
 * throws or returns an unknown word has no opinion; what `decode` throws at is no message. A name that is not one of these throws; what a
 * protocol keeps for itself is in a closure or in a private member.
 */
export interface Protocol<Key = string, Outgoing = Data, Incoming = unknown> {
  /** When a connection counts: when it is open (the default), or when the server says `ready` or `resumed`. */
  established?: 'open' | 'ready';
  /** Sent first on every new connection, unless a session is resumed. */
  identify?(connection: Connection): void;
  /** Sent in its place where there is a session to resume. Default: the same. */
  resume?(connection: Connection, session: Session): void;
  subscribe?(key: Key): Data;
  unsubscribe?(key: Key): Data | undefined;
  /** A page can't send pings: a message that the server answers. Without one there is no heartbeat. */
  heartbeat?(sequence?: number): Data;
  encode?(message: Outgoing): Data;
  decode?(data: any): Decoded<Key, Incoming> | undefined | null | void;
  /** What the end of a connection means, where its code does not say it. */
  closed?(event: CloseEvent): Cause | undefined;
}

export type Phase =
  | 'idle'
  | 'connecting'
  | 'establishing'
  | 'restoring'
  | 'online'
  | 'waiting'
  | 'parked'
  | 'stopped'
  | 'failed';

/** What a deadline is for, or what is waited for. */
export type WaitReason =
  | 'backoff' | 'hint' | 'invalid_session' | 'class' | 'min_interval' | 'breaker' | 'requested' | 'spread' | 'connect_timeout'
  | 'greeting_timeout' | 'ready_timeout' | 'auth_timeout' | 'beat' | 'stable' | 'restore' | 'confirm' | 'endpoint' | 'not_now'
  | 'answer' | 'max_age' | 'handover' | 'drain' | 'session_expiry' | 'credential_lead' | 'credential_timeout' | 'hold'
  | 'network' | 'hidden' | 'credential' | 'appointment' | 'window';

/** Why a connection was lost or a dial failed. A dial of a page that is refused is `unknown`: browsers say no more. */
export type LossCause =
  | `close_${number}` | 'transient' | 'fresh' | 'fatal' | 'auth' | 'rate_limited' | 'replaced' | 'unknown' | 'no_close_frame'
  | 'timeout' | 'connect_timeout' | 'greeting_timeout' | 'ready_timeout' | 'auth_timeout' | 'missed_beat' | 'send_failed'
  | 'reconnect_requested' | 'session_invalid' | 'session_invalid_resumable' | 'bad_greeting' | 'network_down' | 'slept'
  | 'auth_rejected' | 'auth_denied' | 'restore_failed';

/** Why it gave up. */
export type GiveUp =
  | 'fatal' | 'repeated' | 'auth' | 'max_attempts' | 'max_elapsed' | 'table_spent';

/** What brings it into a phase: an event, the end of a wait, a loss, or that it gave up. */
export type Trigger =
  | 'new' | 'start' | 'retry_now' | 'stop' | 'not_now' | 'woke' | 'network_changed' | 'visible' | 'redial' | 'max_age'
  | 'requested' | 'session_expired' | 'opened' | 'ready' | 'resumed' | 'auth_ok' | 'restored' | WaitReason | LossCause | GiveUp;

/** What the socket is doing, until when and why, in the words of the project's logs. */
export interface Explanation {
  phase: Phase;
  /**
   * What brought it into this phase: an event, the end of a wait, or the cause of a loss such as `close_1012`. Into `online` it is
   * `resumed` where the session goes on, and `opened` or `ready` where it is a new one.
   */
  trigger: Trigger;
  since: Date;
  /** The next deadline. */
  until?: Date;
  /** What that deadline is for, or what it is parked on: `hold`, `network`, `hidden`. */
  waitingFor?: WaitReason;
  /** While it is parked: not dialled before. */
  notBefore?: Date;
  /** The number of dials in this outage. */
  attempt: number;
  /** The failures in a row. */
  failures: number;
  mode?: 'fresh' | 'resume';
  lastCause?: LossCause;
  /** The newest sequence number of the session. */
  sequence?: number;
}

export interface Options<Key = string, Outgoing = Data, Incoming = unknown> {
  /** Default `websocket`. */
  preset?: Preset;
  /** Settings over those of the preset. */
  settings?: Settings;
  protocol?: Protocol<Key, Outgoing, Incoming>;
  /** What is subscribed to from the start; needs `protocol.subscribe`. */
  subscriptions?: Iterable<Key>;
  /** A session that an earlier page kept. */
  session?: Session | null | undefined;
  /** How many messages may wait for a connection. Default 0. */
  queue?: number;
  /** The subprotocols of the WebSocket. */
  protocols?: string | string[];
  binaryType?: BinaryType;
  /** The class of the transport. Default: the global WebSocket, which Node has since 22; before, that of the package ws. */
  WebSocket?: unknown;
  /** For tests: equal seeds and events give equal waits. Default: drawn by `crypto.getRandomValues`. */
  seed?: number;
  /** False: nothing is dialled before `start()`. */
  start?: boolean;
  /** Where the page and the network are heard; null: nowhere. Default: the global scope. */
  host?: null | { window?: any; document?: any };
  /** For tests: the clock, in milliseconds. */
  clock?: {
    now(): number;
    wall(): number;
    setTimeout(then: () => void, after: number): unknown;
    clearTimeout(timer: any): void;
  };
}

/** The events of a socket. */
export interface SocketEvents<Incoming> {
  /** The phase changed. */
  state: Event & { readonly detail: Explanation };
  message: Event & { readonly data: Incoming };
  /** It gave up: no dial follows before `start()`, or where its limit of attempts, of time or of `replaced` was reached, `retryNow()`. */
  failed: Event & { readonly detail: { reason: GiveUp; cause: LossCause } };
  /** The URL could not be had or not be dialled, or a message not be sent, or a function of the protocol threw. What follows is told as `state` or `failed`. */
  error: Event & { readonly detail: { error: unknown } };
}

export type Url = string | URL | ((dial: { attempt: number; mode: 'fresh' | 'resume' }) => string | URL | Promise<string | URL>);

/** A WebSocket that stays connected. */
export declare class Socket<Key = string, Outgoing = Data, Incoming = any> extends EventTarget {
  constructor(url: Url, options?: Options<Key, Outgoing, Incoming>);

  readonly phase: Phase;
  /** How many messages wait for a connection. */
  readonly queued: number;
  /** What a resume needs, to be kept for the next page. */
  readonly session: Session | undefined;
  explain(): Explanation;
  /**
   * Resolves when there is a connection, and rejects when there will be none: when it is stopped or has given up. The error of one
   * that has given up has the `reason` and the `cause` of the event `failed`. On one that was not started it waits for `start()`.
   */
  online(): Promise<void>;

  /**
   * True if it is written. False if it waits for the next connection, or if `queue` has no space for it, so that it is dropped;
   * `queued` tells which. What can't be sent at all, such as a plain object without an `encode`, throws, and the connection stays; of
   * a message that waited this is an `error` event.
   */
  send(message: Outgoing): boolean;
  subscribe(key: Key, options?: { priority?: number }): void;
  /** Without a connection, the server hears of it where its session is resumed. */
  unsubscribe(key: Key): void;

  start(): void;
  stop(options?: { keepSession?: boolean }): void;
  /** Stops, and hears no more of the page. */
  close(): void;
  /**
   * Dials now instead of waiting, with a backoff that begins anew. Not on a hidden page, while it is held, once it is stopped, and once
   * it has given up for another `reason` than `max_attempts`, `max_elapsed` or `repeated`: then `start()` does.
   */
  retryNow(): void;
  /** Another connection in place of this one. */
  redial(): void;
  /** A precondition is missing: no dial until it is released. Reasons are 0 to 30. */
  hold(reason?: number): void;
  release(reason?: number): void;

  addEventListener<Type extends keyof SocketEvents<Incoming>>(
    type: Type,
    listener: (event: SocketEvents<Incoming>[Type]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<Type extends keyof SocketEvents<Incoming>>(
    type: Type,
    listener: (event: SocketEvents<Incoming>[Type]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void;
}

/** The same as `new Socket(url, options)`. */
export declare function connect<Key = string, Outgoing = Data, Incoming = any>(
  url: Url,
  options?: Options<Key, Outgoing, Incoming>,
): Socket<Key, Outgoing, Incoming>;
