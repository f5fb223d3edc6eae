export declare class ErrorEvent extends Event {
  message: string;
  error: Error;
  constructor(error: Error, target: any);
}

export declare class CloseEvent extends Event {
  code: number;
  reason: string;
  wasClean: boolean;
  constructor(code: number | undefined, reason: string | undefined, target: any);
}

export interface WebSocketEventMap {
  close: CloseEvent;
  error: ErrorEvent;
  message: MessageEvent;
  open: Event;
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
  shouldReconnectOnClose?: (event: CloseEvent) => boolean;
  debug?: boolean;
  debugLogger?: (...said: any[]) => void;
  /**
   * How the waits are randomized below `min × factor^(n - 1)`. Default true, which is between half of the wait and the wait; false:
   * the waits of partysocket to the millisecond.
   */
  jitter?: boolean | 'full' | 'equal' | { window: [low: number, high: number] };
  /** For tests: equal seeds give equal waits. */
  seed?: number;
};

export type UrlProvider = string | (() => string) | (() => Promise<string>);
export type ProtocolsProvider =
  | null
  | string
  | string[]
  | (() => string | string[] | null)
  | (() => Promise<string | string[] | null>);
export type Message = string | ArrayBuffer | Blob | ArrayBufferView;

type Listener<Of> = ((event: Of) => void) | { handleEvent: (event: Of) => void };

export default class WebSocket extends EventTarget {
  constructor(url: UrlProvider, protocols?: ProtocolsProvider, options?: Options);

  static readonly CONNECTING: 0;
  static readonly OPEN: 1;
  static readonly CLOSING: 2;
  static readonly CLOSED: 3;
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;

  private _ws?: any;
  private _retryCount: number;
  private _shouldReconnect: boolean;
  private _binaryType: BinaryType;
  private _closeCalled: boolean;
  private _messageQueue: Message[];
  private _debug(...said: any[]): void;
  private _getNextDelay(): number;
  private _getNextUrl(provider: UrlProvider): Promise<string>;
  private _getNextProtocols(provider: ProtocolsProvider | undefined): Promise<string | string[] | null>;
  protected _url: UrlProvider;
  protected _protocols?: ProtocolsProvider;
  protected _options: Options;

  binaryType: BinaryType;
  readonly retryCount: number;
  readonly bufferedAmount: number;
  readonly extensions: string;
  readonly protocol: string;
  readonly readyState: number;
  readonly url: string;
  readonly shouldReconnect: boolean;

  onclose: ((event: CloseEvent) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onopen: ((event: Event) => void) | null;

  close(code?: number, reason?: string): void;
  reconnect(code?: number, reason?: string): void;
  /** True if it is sent, false if it is queued or dropped. */
  send(data: Message): boolean;
  drainQueuedMessages(): Message[];
  addEventListener<Type extends keyof WebSocketEventMap>(
    type: Type,
    listener: Listener<WebSocketEventMap[Type]> | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
  removeEventListener<Type extends keyof WebSocketEventMap>(
    type: Type,
    listener: Listener<WebSocketEventMap[Type]> | null,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | EventListenerOptions): void;

  /** What it waits for, until when (in microseconds since it was made) and why; beyond partysocket. */
  explain(): { phase: string; trigger: string; since: number; until?: number; waitingFor?: string; attempt: number; failures: number };
}
