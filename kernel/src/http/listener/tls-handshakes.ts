/**
 * What comes before HTTP on a port with TLS. Each connection is looked at by its first byte: who speaks plain HTTP there is told to use
 * https, in place of the silence that TLS has for it; all others are handed to TLS. A handshake that does not come to its end is ended.
 */
import type { Server } from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { PluginLog } from '@gofer/contracts';

export interface TlsHandshakesOptions {
  readonly timeoutMs: number;
  readonly answerPlainHttp: (socket: Socket) => void;
  readonly log: PluginLog;
}

/** RFC 8446 §5.1: the content type of a handshake. */
const HANDSHAKE = 0x16;
/** Every method of HTTP begins with one of these. */
const CAPITAL = { first: 0x41, last: 0x5a } as const;

export class TlsHandshakes {
  readonly #options: TlsHandshakesOptions;
  /** By the other side's address and port, which is what the two sockets of a connection have in common. */
  readonly #open = new Map<string, Socket>();

  constructor(server: Server, options: TlsHandshakesOptions) {
    this.#options = options;
    const begin = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      this.#track(socket);
      this.#look(socket, () => {
        for (const listener of begin) listener.call(server, socket);
      });
    });
    server.on('secureConnection', (socket) => void this.#open.delete(nameOf(socket)));
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
      options.log('debug', 'a TLS handshake failed', { code: error.code, address: socket.remoteAddress });
    });
  }

  /** Ends those that have not come to their end. */
  close(): void {
    for (const socket of this.#open.values()) socket.destroy();
  }

  #track(socket: Socket): void {
    const name = nameOf(socket);
    this.#open.set(name, socket);
    socket.once('close', () => {
      if (this.#open.get(name) === socket) this.#open.delete(name);
    });
  }

  #look(socket: Socket, begin: () => void): void {
    const { answerPlainHttp, log, timeoutMs } = this.#options;
    const failed = (error: Error) => log('debug', 'a connection broke before its TLS handshake', { error });
    const ended = () => socket.destroy();
    const timer = setTimeout(ended, timeoutMs);
    socket.once('close', () => clearTimeout(timer));
    socket.on('error', failed);
    socket.once('end', ended);
    socket.once('readable', () => {
      const bytes = socket.read() as Buffer | null;
      const first = bytes?.[0];
      if (bytes === null || first === undefined) return;
      clearTimeout(timer);
      if (first !== HANDSHAKE && first >= CAPITAL.first && first <= CAPITAL.last) {
        // Whatever else it sends is taken, and left: an answer on a connection with something unread would be lost.
        socket.resume();
        setTimeout(ended, timeoutMs).unref();
        answerPlainHttp(socket);
        return;
      }
      socket.off('error', failed);
      socket.off('end', ended);
      socket.unshift(bytes);
      begin();
    });
  }
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
