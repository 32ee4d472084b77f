/** A TCP or TLS server that answers as a test says, byte for byte, and counts what it is told and how much it can get rid of. */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { createServer as createTlsServer } from 'node:tls';

/** What it does once the head of a request has come. */
export type Behaviour = (socket: Socket, request: string) => unknown;

export class HostileExtension {
  /** What came, of all connections, as far as it was text. */
  readonly requests: string[] = [];
  readonly sockets = new Set<Socket>();
  /** Resolves with the head of the next request. */
  asked = Promise.withResolvers<string>();
  readonly #server: Server;

  private constructor(behaviour: Behaviour, tls: { readonly cert: string; readonly key: string } | undefined) {
    const take = (socket: Socket): void => this.#take(socket, behaviour);
    this.#server = tls === undefined ? createServer(take) : createTlsServer(tls, take);
    this.#server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('error', () => {}).once('close', () => this.sockets.delete(socket));
    });
  }

  static async open(behaviour: Behaviour, tls?: { readonly cert: string; readonly key: string }): Promise<HostileExtension> {
    const extension = new HostileExtension(behaviour, tls);
    extension.#server.listen(0, '127.0.0.1');
    await once(extension.#server, 'listening');
    return extension;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Resolves when no connection is left: every one was cut by the other side. */
  async forsaken(): Promise<void> {
    await Promise.all([...this.sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #take(socket: Socket, behaviour: Behaviour): void {
    let text = '';
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = text.slice(0, end);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (text.length < end + 4 + length) return;
      this.requests.push(text);
      this.asked.resolve(text);
      this.asked = Promise.withResolvers();
      behaviour(socket, text);
      text = '';
    });
  }
}

/** A whole answer. */
export function answer(status: number, body = '', headers: Readonly<Record<string, string>> = {}): Behaviour {
  const lines = Object.entries({ 'content-length': String(Buffer.byteLength(body)), ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return (socket) => socket.write(`HTTP/1.1 ${status} Whatever\r\n${lines.join('')}\r\n${body}`);
}

/** Writes `piece` for as long as the other side takes it, after `head`; `written` counts bytes. */
export function endless(head: string, piece: string, written: { bytes: number }): Behaviour {
  return async (socket) => {
    socket.write(head);
    while (!socket.destroyed) {
      written.bytes += piece.length;
      if (!socket.write(piece)) await roomOrEnd(socket);
      await turn();
    }
  };
}

function roomOrEnd(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off('drain', done).off('close', done);
      resolve();
    };
    socket.on('drain', done).on('close', done);
  });
}
