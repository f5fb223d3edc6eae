export interface Event {
  readonly target: any;
  readonly type: string;
}

export interface ErrorEvent extends Event {
  readonly message: string;
  readonly error: any;
}

export interface CloseEvent extends Event {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

export type Options = {
  WebSocket?: any;
  maxReconnectionDelay?: number;
  minReconnectionDelay?: number;
  reconnectionDelayGrowFactor?: number;
  minUptime?: number;
  connectionTimeout?: number;
  maxRetries?: number;
  maxEnqueuedMessages?: number;
  startClosed?: boolean;
  debug?: boolean;
  /**
   * How the waits are randomized below `min × factor^(n - 1)`. Default true, which is between half of the wait and the wait; false:
   * the waits of reconnecting-websocket to the millisecond.
   */
  jitter?: boolean | 'full' | 'equal' | { window: [low: number, high: number] };
  /** For tests: equal seeds give equal waits. */
  seed?: number;
};

export type UrlProvider = string | (() => string) | (() => Promise<string>);
export type Message = string | ArrayBuffer | Blob | ArrayBufferView;

export interface WebSocketEventMap {
  close: CloseEvent;
  error: ErrorEvent;
  message: MessageEvent;
  open: Event;
}

type Listener<Of> = ((event: Of) => void) | { handleEvent: (event: Of) => void };

export interface WebSocketEventListenerMap {
  close: Listener<CloseEvent>;
  error: Listener<ErrorEvent>;
  message: Listener<MessageEvent>;
  open: Listener<Event>;
}

export type ListenersMap = { [Type in keyof WebSocketEventListenerMap]: Array<WebSocketEventListenerMap[Type]> };

export default class ReconnectingWebSocket {
  private _ws?: any;
  private _listeners: ListenersMap;
  private _retryCount: number;
  private _shouldReconnect: boolean;
  private _binaryType: BinaryType;
  private _closeCalled: boolean;
  private _messageQueue: Message[];
  private readonly _url: UrlProvider;
  private readonly _protocols?: string | string[] | null;
  private readonly _options: Options;
  private _debug(...said: any[]): void;
  private _getNextDelay(): number;
  private _getNextUrl(provider: UrlProvider): Promise<string>;

  constructor(url: UrlProvider, protocols?: string | string[] | null, options?: Options);

  static readonly CONNECTING: 0;
  static readonly OPEN: 1;
  static readonly CLOSING: 2;
  static readonly CLOSED: 3;
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;

  binaryType: BinaryType;
  readonly retryCount: number;
  readonly bufferedAmount: number;
  readonly extensions: string;
  readonly protocol: string;
  readonly readyState: number;
  readonly url: string;

  onclose: ((event: CloseEvent) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onopen: ((event: Event) => void) | null;

  close(code?: number, reason?: string): void;
  reconnect(code?: number, reason?: string): void;
  send(data: Message): void;
  addEventListener<Type extends keyof WebSocketEventListenerMap>(type: Type, listener: WebSocketEventListenerMap[Type]): void;
  removeEventListener<Type extends keyof WebSocketEventListenerMap>(type: Type, listener: WebSocketEventListenerMap[Type]): void;
  dispatchEvent(event: Event): boolean;

  /** What it waits for, until when (in microseconds since it was made) and why; beyond reconnecting-websocket. */
  explain(): { phase: string; trigger: string; since: number; until?: number; waitingFor?: string; attempt: number; failures: number };
}
