// As users write against the types: the socket of the package, and both drop-ins as their peers' users do. It is checked and not run.
import { connect, presets, Socket, type Explanation, type Protocol } from 'redial';
import ReconnectingWebSocket, { type CloseEvent as RwsClose, type ListenersMap, type Options as RwsOptions } from 'redial/reconnecting-websocket';
import PartyWebSocket, { CloseEvent, ErrorEvent, type Message, type ProtocolsProvider } from 'redial/partysocket';

const chat: Protocol<string, string, string> = {
  established: 'ready',
  identify: (connection) => void connection.send('HELLO'),
  resume: (connection, { token, sequence }) => void connection.send(`HELLO ${token} ${sequence ?? 0}`),
  subscribe: (room) => `SUB ${room}`,
  encode: (text) => `SAY ${text}`,
  decode(frame: string) {
    const [word, first = '', text = ''] = frame.split(' ');
    if (word === 'SESSION') return { ready: { token: first } };
    return word === 'MSG' ? { sequence: Number(first), message: text } : undefined;
  },
  closed: ({ code }) => (code === 4009 ? 'session_invalid' : undefined),
};
const socket = connect('wss://chat.example', { protocol: chat, subscriptions: ['lobby'], settings: { maxAttempts: 9 } });
socket.addEventListener('message', ({ data }) => data.toUpperCase());
socket.addEventListener('state', ({ detail }) => show(detail));
const show = ({ phase, until }: Explanation) => `${phase} ${until?.toISOString()}`;
export const why = ({ waitingFor, trigger }: Explanation) => waitingFor === 'network' || trigger === 'close_1012' || trigger === 'resumed';
// @ts-expect-error no such word
export const never = ({ waitingFor }: Explanation) => waitingFor === 'netwrk';
socket.send('hello');
// @ts-expect-error a message of another type
socket.send(5);
// @ts-expect-error no such preset
new Socket('wss://chat.example', { preset: 'fast' });
const plain = new Socket(async ({ attempt }) => `wss://feed.example?${attempt}`, { preset: 'fleet' });
plain.addEventListener('message', ({ data }) => JSON.parse(data));
export const scale: number | undefined = presets.fleet.backoff?.scale;

const options: RwsOptions = { maxRetries: 10, connectionTimeout: 1000, WebSocket: globalThis.WebSocket, jitter: false };
const rws = new ReconnectingWebSocket(() => Promise.resolve('wss://a.example'), ['a'], options);
rws.onmessage = ({ data }) => data;
rws.addEventListener('close', ({ code, reason }: RwsClose) => `${code} ${reason}`);
rws.addEventListener('open', { handleEvent: () => rws.send(new Uint8Array(3)) });
if (rws.readyState === ReconnectingWebSocket.OPEN && rws.retryCount === 0) rws.reconnect(4000, 'now');
// As those do who reach for what is private.
const [queued, raw, delay] = [rws['_messageQueue'].length, rws['_ws'], rws['_getNextDelay']()];
const heard: ListenersMap = rws['_listeners'];
export const all = [queued, raw, delay, heard.open.length];

const protocols: ProtocolsProvider = async () => ['a', 'b'];
class Room extends PartyWebSocket {
  reconnect(code?: number, reason?: string) {
    this._options.debug = true;
    super.reconnect(code, reason);
  }
}
const party = new Room('wss://b.example', protocols, { shouldReconnectOnClose: ({ code }) => code !== 1008 });
party.addEventListener('error', ({ message }) => message, { once: true });
export const waiting: number = party['_messageQueue'].length + party['_retryCount'];
const left: Message[] = party.send('x') ? [] : party.drainQueuedMessages();
party.dispatchEvent(new CloseEvent(1000, left.length ? 'left' : '', null));
party.dispatchEvent(new ErrorEvent(Error('x'), null));
