// The build puts the declarations of the other format in place of this line.
import all from './reconnecting-websocket.js';

declare const ReconnectingWebSocket: typeof all.ReconnectingWebSocket & { readonly default: typeof all.ReconnectingWebSocket };
type ReconnectingWebSocket = all.ReconnectingWebSocket;
declare namespace ReconnectingWebSocket {
  export type Event = all.Event;
  export type ErrorEvent = all.ErrorEvent;
  export type CloseEvent = all.CloseEvent;
  export type Options = all.Options;
  export type UrlProvider = all.UrlProvider;
  export type Message = all.Message;
  export type ListenersMap = all.ListenersMap;
  export type WebSocketEventMap = all.WebSocketEventMap;
  export type WebSocketEventListenerMap = all.WebSocketEventListenerMap;
}
export = ReconnectingWebSocket;
