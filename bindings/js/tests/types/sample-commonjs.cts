// The same from CommonJS.
import redial = require('redial');
import ReconnectingWebSocket = require('redial/reconnecting-websocket');
import PartyWebSocket = require('redial/partysocket');

const socket: redial.Socket = redial.connect('wss://chat.example');
socket.close();
const options: ReconnectingWebSocket.Options = { startClosed: true };
const rws: ReconnectingWebSocket = new ReconnectingWebSocket('wss://a.example', [], options);
rws.close();
export const queued: number = rws['_messageQueue'].length;
const party: PartyWebSocket = new PartyWebSocket('wss://b.example');
party.onclose = (event: PartyWebSocket.CloseEvent) => event.code;
party.dispatchEvent(new PartyWebSocket.CloseEvent(1000, '', null));
