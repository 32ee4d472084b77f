/** One connection to the supervisor: requests go out, each answer finds its request. */
import { Buffer } from 'node:buffer';
import { connect, type Socket } from 'node:net';
import { fromFailure, GoferError } from '@gofer/contracts';
import { FrameReader, writeFrame } from './frames.ts';
import type { Request, RequestFrame, SupervisorFrame } from './protocol.ts';

/** Bytes read from the socket in one go. */
const READ_BYTES = 256 * 1024;

/** An answer as it came; its shape follows from the request (protocol.ts). */
export interface Answer<Reply> {
  readonly reply: Reply;
  readonly payload: Uint8Array;
}

interface Pending {
  readonly resolve: (answer: Answer<unknown>) => void;
  readonly reject: (error: Error) => void;
}

/** The connection ended before the answer came. Never leaves this plugin. */
export class ConnectionLost extends Error {}

export class SupervisorConnection {
  readonly #socket: Socket;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  /** True after the supervisor said that it goes for want of work. */
  retired = false;
  /** Resolves when the connection has ended, however. */
  readonly closed: Promise<void>;

  /** Resolves once connected; rejects with the system's error (`ENOENT`, `ECONNREFUSED`) where nobody listens. */
  static async open(path: string): Promise<SupervisorConnection> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let connection: SupervisorConnection | undefined;
    const onread = {
      buffer: Buffer.allocUnsafeSlow(READ_BYTES),
      callback: (length: number, buffer: Uint8Array): boolean => {
        connection?.receive(Buffer.from(buffer.buffer, buffer.byteOffset, length));
        return true;
      },
    };
    const socket = connect({ path, onread });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve();
    });
    connection = new SupervisorConnection(socket);
    await promise;
    return connection;
  }

  readonly receive: (bytes: Buffer) => void;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const reader = new FrameReader((header, payload) => this.#onFrame(header as SupervisorFrame, payload));
    this.receive = (bytes) => {
      try {
        reader.push(bytes);
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    };
    this.closed = new Promise((resolve) => {
      let cause: Error | undefined;
      socket.on('error', (error) => {
        cause = error;
      });
      socket.once('close', () => {
        for (const { reject } of this.#pending.values()) reject(new ConnectionLost('the process supervisor went away', { cause }));
        this.#pending.clear();
        resolve();
      });
    });
  }

  get open(): boolean {
    return this.#socket.writable && !this.retired;
  }

  /** Sends a request. Rejects with the supervisor's refusal, with `CANCELLED` when `signal` aborts, with `ConnectionLost`. */
  request<Reply>(request: Request, signal?: AbortSignal, payload?: Uint8Array): Promise<Answer<Reply>> {
    return this.send<Reply>(request, signal, payload).answer;
  }

  /** As `request`, and tells the request's id. */
  send<Reply>(
    request: Request,
    signal?: AbortSignal,
    payload?: Uint8Array,
  ): { readonly id: number; readonly answer: Promise<Answer<Reply>> } {
    const id = this.#nextId++;
    const answer = new Promise<Answer<Reply>>((resolve, reject) => {
      if (signal?.aborted === true) return reject(cancelled());
      if (!this.#socket.writable) return reject(new ConnectionLost('the process supervisor went away'));
      const onAbort = (): void => {
        this.#pending.delete(id);
        this.notify({ op: 'cancel', request: id });
        reject(cancelled());
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#pending.set(id, {
        resolve: (found) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(found as Answer<Reply>);
        },
        reject: (error) => {
          signal?.removeEventListener('abort', onAbort);
          reject(error);
        },
      });
      writeFrame(this.#socket, { id, request } satisfies RequestFrame, payload === undefined ? [] : [payload]);
    });
    return { id, answer };
  }

  /** Sends what is not answered. */
  notify(request: Request): void {
    if (this.#socket.writable)
      writeFrame(this.#socket, {
        id: this.#nextId++,
        request,
      } satisfies RequestFrame);
  }

  /** Ends the connection without a word. */
  destroy(): void {
    this.#socket.destroy();
  }

  #onFrame(frame: SupervisorFrame, payload: Uint8Array): void {
    if ('bye' in frame) {
      this.retired = true;
      return;
    }
    const pending = this.#pending.get(frame.re);
    if (pending === undefined) return;
    this.#pending.delete(frame.re);
    if ('failure' in frame) pending.reject(fromFailure(frame.failure));
    else pending.resolve({ reply: frame.value, payload });
  }
}

export function cancelled(): GoferError {
  return new GoferError('CANCELLED', 'the caller gave up');
}
