import type * as all from './reconnecting-websocket.js' with { 'resolution-mode': 'import' };

declare const ReconnectingWebSocket: typeof all.default & { readonly default: typeof all.default };
type ReconnectingWebSocket = all.default;
declare namespace ReconnectingWebSocket {
  export type Event = all.Event;
  export type ErrorEvent = all.ErrorEvent;
  export type CloseEvent = all.CloseEvent;
  export type Options = all.Options;
  export type UrlProvider = all.UrlProvider;
  export type Message = all.Message;
  export type WebSocketEventMap = all.WebSocketEventMap;
  export type WebSocketEventListenerMap = all.WebSocketEventListenerMap;
}
export = ReconnectingWebSocket;
