import type * as all from './partysocket.js' with { 'resolution-mode': 'import' };

declare const PartyWebSocket: typeof all.default & {
  readonly default: typeof all.default;
  readonly ErrorEvent: typeof all.ErrorEvent;
  readonly CloseEvent: typeof all.CloseEvent;
};
type PartyWebSocket = all.default;
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
