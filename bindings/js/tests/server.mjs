// A web server for the tests in a browser, with WebSockets on the same port, that can be killed and started again.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';

const TYPES = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.mjs': 'text/javascript', '.wasm': 'application/wasm' };
const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const PAGE = '<!doctype html><meta charset="utf-8"><title>redial</title><script type="module" src="/tests/page.mjs"></script>';

export class Server {
  /** `folders`: where what is below a path comes from. */
  constructor(folders) {
    this.folders = folders;
    this.port = 0;
    this.heard = [];
  }

  async start() {
    this.sockets = new Set();
    this.server = createServer((request, response) => this.answer(request, response));
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('error', () => {});
    });
    this.server.on('upgrade', (request, socket) => this.upgrade(request, socket));
    await new Promise((resolve) => this.server.listen(this.port, '127.0.0.1', resolve));
    this.port = this.server.address().port;
  }

  /** Without a word to anybody. */
  async kill() {
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  get origin() {
    return `http://127.0.0.1:${this.port}`;
  }

  async answer({ url }, response) {
    const { pathname, searchParams } = new URL(url, this.origin);
    const policy = searchParams.get('csp') ?? this.policy;
    if (policy) response.setHeader('Content-Security-Policy', policy);
    if (pathname.startsWith('/page')) return response.setHeader('Content-Type', TYPES['.html']).end(PAGE);
    // A browser asks for it by itself, and its console would have an error.
    if (pathname === '/favicon.ico') return response.writeHead(204).end();
    const [, first, ...rest] = normalize(pathname).split('/');
    try {
      const text = await readFile(join(this.folders[first], ...rest));
      response.setHeader('Content-Type', TYPES[extname(pathname)] ?? 'text/plain').end(text);
    } catch {
      response.writeHead(404).end();
    }
  }

  upgrade({ headers }, socket) {
    const accept = createHash('sha1').update(headers['sec-websocket-key'] + MAGIC).digest('base64');
    const lines = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`];
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    let bytes = Buffer.alloc(0);
    socket.on('data', (more) => {
      if (socket.writableEnded) return;
      bytes = Buffer.concat([bytes, more]);
      for (let frame; (frame = this.frame(bytes)); ) {
        bytes = bytes.subarray(frame.size);
        this.take(frame, socket);
      }
    });
  }

  /** A whole frame of a client, which is masked. One of more than 65,535 bytes is too big, which is the end of its connection. */
  frame(bytes) {
    const kind = bytes[1] & 127;
    if (kind === 127) return { opcode: 8, payload: Buffer.from([1009 >> 8, 1009 & 255]), size: bytes.length };
    const long = kind === 126;
    const mask = long ? 4 : 2;
    if (bytes.length < mask + 4) return undefined;
    const size = mask + 4 + (long ? bytes.readUInt16BE(2) : kind);
    if (bytes.length < size) return undefined;
    const payload = bytes.subarray(mask + 4, size).map((byte, place) => byte ^ bytes[mask + (place & 3)]);
    return { opcode: bytes[0] & 15, payload, size };
  }

  /** It confirms subscriptions and hands out a session, and repeats everything else. */
  take({ opcode, payload }, socket) {
    const send = (opcode, payload) => {
      const length = payload.length < 126 ? [payload.length] : [126, payload.length >> 8, payload.length & 255];
      socket.write(Buffer.concat([Buffer.from([128 | opcode, ...length]), payload]));
    };
    if (opcode === 8) {
      send(8, payload);
      return socket.end();
    }
    const text = payload.toString();
    this.heard.push(text);
    if (text === 'KILL') return this.onkill?.();
    const [word, ...words] = text.split(' ');
    const answer = { SUB: `OK ${words[0]}`, HELLO: words.length ? 'RESUMED' : 'SESSION s1' }[word] ?? text;
    send(1, Buffer.from(answer));
  }
}
