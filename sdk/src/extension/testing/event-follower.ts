/** The server's side of one WebSocket (RFC 6455), as far as followers of events need it. */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Activity } from './activity.ts';

const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const OPCODE = { text: 0x1, close: 0x8, ping: 0x9, pong: 0xa } as const;

export class EventFollower {
  readonly #socket: Duplex;
  readonly #activity: Activity;
  #incoming: Buffer = Buffer.alloc(0);
  #pongs: (() => void)[] = [];
  #isOpen = true;

  constructor(request: IncomingMessage, socket: Duplex, protocol: string, activity: Activity) {
    this.#socket = socket;
    this.#activity = activity;
    const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${ACCEPT_SUFFIX}`).digest('base64');
    const lines = ['HTTP/1.1 101 Switching Protocols', 'upgrade: websocket', 'connection: Upgrade', `sec-websocket-accept: ${accept}`];
    socket.write(`${[...lines, `sec-websocket-protocol: ${protocol}`].join('\r\n')}\r\n\r\n`);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    // A client that was killed resets it; its end is told by `close`.
    socket.on('error', () => this.#leave());
    socket.on('close', () => this.#leave());
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  send(text: string): void {
    this.#write(OPCODE.text, Buffer.from(text));
  }

  close(code: number, reason: string): void {
    const body = Buffer.alloc(2 + Buffer.byteLength(reason));
    body.writeUInt16BE(code);
    body.write(reason, 2);
    const end = this.#activity.begin();
    this.#socket.once('close', end);
    this.#write(OPCODE.close, body);
    this.#leave();
    this.#socket.end();
  }

  destroy(): void {
    this.#leave();
    this.#socket.destroy();
  }

  /** Resolves when the client has taken everything that was sent, or has gone. */
  async flush(): Promise<void> {
    if (!this.#isOpen) return;
    await new Promise<void>((resolve) => {
      this.#pongs.push(resolve);
      this.#write(OPCODE.ping, Buffer.alloc(0));
    });
  }

  #write(opcode: number, body: Buffer): void {
    if (!this.#isOpen || this.#socket.destroyed) return;
    const head = Buffer.alloc(body.length < 126 ? 2 : body.length < 65_536 ? 4 : 10);
    head[0] = 0x80 | opcode;
    head[1] = body.length < 126 ? body.length : body.length < 65_536 ? 126 : 127;
    if (head.length === 4) head.writeUInt16BE(body.length, 2);
    if (head.length === 10) head.writeBigUInt64BE(BigInt(body.length), 2);
    this.#socket.write(Buffer.concat([head, body]));
  }

  /** Clients send control frames only, which are short and masked. */
  #take(chunk: Buffer): void {
    this.#incoming = Buffer.concat([this.#incoming, chunk]);
    for (;;) {
      const length = (this.#incoming[1] ?? 0) & 0x7f;
      if (this.#incoming.length < 6 + length) return;
      const opcode = (this.#incoming[0] ?? 0) & 0xf;
      this.#incoming = this.#incoming.subarray(6 + length);
      if (opcode === OPCODE.pong) this.#pongs.shift()?.();
      if (opcode !== OPCODE.close) continue;
      this.#write(OPCODE.close, Buffer.from([0x03, 0xe8]));
      this.#leave();
      this.#socket.end();
    }
  }

  #leave(): void {
    this.#isOpen = false;
    for (const pong of this.#pongs) pong();
    this.#pongs = [];
  }
}
