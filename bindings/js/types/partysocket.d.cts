// The build puts the declarations of the other format in place of this line.
import all from './partysocket.js';

declare const PartyWebSocket: typeof all.WebSocket & {
  readonly default: typeof all.WebSocket;
  readonly ErrorEvent: typeof all.ErrorEvent;
  readonly CloseEvent: typeof all.CloseEvent;
};
type PartyWebSocket = all.WebSocket;
declare namespace PartyWebSocket {
  export type ErrorEvent = all.ErrorEvent;
  export type CloseEvent = all.CloseEvent;
  export type Options = all.Options;
  export type UrlProvider = all.UrlProvider;
  export type ProtocolsProvider = all.ProtocolsProvider;
  export type Message = all.Message;
  export type WebSocketEventMap = all.WebSocketEventMap;
}
export = PartyWebSocket;
