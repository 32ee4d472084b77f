import type { IncomingMessage } from 'node:http';
import { GoferError } from '@gofer/contracts';
import type WebSocket from 'ws';
import { toSafeLine } from '../output/sanitise.ts';
import { toAnswerError } from './answer-error.ts';
import { toConnectionError } from './http-exchange.ts';
import type { ServerTrust } from './server-trust.ts';

export interface SocketRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly protocol: string | undefined;
  readonly signal: AbortSignal;
  readonly trust: ServerTrust;
  /** What a Text frame holds; JSON where it is absent. */
  readonly frames?: 'json' | 'text';
}

/** Frames that wait for the consumer before the socket is told to stop reading. */
const READ_AHEAD = 8;
const LARGEST_FRAME = 64 * 1024 * 1024;
/** The close codes that end a stream for good (RFC 6455 §7.4.1); every other one leaves something to reconnect to. */
const NORMAL = 1000;
const REFUSALS: ReadonlySet<number> = new Set([1002, 1003, 1007, 1008, 1009]);

/**
 * Opens a WebSocket of Text frames. Resolves once it is open; rejects with the server's error where it refuses, with
 * `UNAVAILABLE` where it cannot be reached. The iterable ends at close code 1000 and when `signal` aborts; it rejects with
 * `FAILED_PRECONDITION` where the server ends it for a reason (with `UNAUTHENTICATED` or `PERMISSION_DENIED` where it is that), and with `UNAVAILABLE` where the connection was lost. A slow consumer makes the
 * sender wait. Leaving the iteration closes the socket.
 */
export async function openMessages({
  url,
  headers,
  protocol,
  signal,
  trust,
  frames = 'json',
}: SocketRequest): Promise<AsyncIterable<unknown>> {
  const { WebSocket: Socket } = await import('ws');
  signal.throwIfAborted();
  const options = {
    headers,
    perMessageDeflate: false,
    maxPayload: LARGEST_FRAME,
    handshakeTimeout: 30_000,
    ...(url.protocol === 'wss:' ? trust.socketOptions : {}),
  };
  const socket = protocol === undefined ? new Socket(url, options) : new Socket(url, [protocol], options);
  const messages = new SocketMessages(socket, url, signal, frames);
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', (error) => reject(toConnectionError(error, url)));
    socket.once('unexpected-response', (request: { destroy(): void }, answer: IncomingMessage) => {
      toAnswerError(answer, `WebSocket ${url.href}`)
        .then(reject, reject)
        .finally(() => request.destroy());
    });
  });
  return messages;
}

class SocketMessages implements AsyncIterable<unknown> {
  readonly #socket: WebSocket;
  readonly #url: URL;
  readonly #signal: AbortSignal;
  readonly #kind: 'json' | 'text';
  readonly #frames: string[] = [];
  #end: { error?: Error } | undefined;
  #wake: () => void = () => undefined;

  constructor(socket: WebSocket, url: URL, signal: AbortSignal, kind: 'json' | 'text') {
    this.#socket = socket;
    this.#url = url;
    this.#signal = signal;
    this.#kind = kind;
    socket.on('message', (data: Buffer) => {
      this.#frames.push(data.toString('utf8'));
      if (this.#frames.length >= READ_AHEAD) socket.pause();
      this.#wake();
    });
    // What is wrong arrives as the rejection of opening, or as the close that follows; unheard it would end the process.
    socket.on('error', () => undefined);
    socket.on('close', (code, reason) => this.#close(code, reason.toString('utf8')));
    const abort = () => socket.terminate();
    signal.addEventListener('abort', abort, { once: true });
    socket.once('close', () => signal.removeEventListener('abort', abort));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator {
    try {
      for (;;) {
        const frame = this.#frames.shift();
        if (frame !== undefined) {
          if (this.#socket.isPaused && this.#frames.length === 0) this.#socket.resume();
          yield this.#kind === 'text' ? frame : this.#parse(frame);
        } else if (this.#end !== undefined) {
          if (this.#end.error !== undefined) throw this.#end.error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } finally {
      this.#socket.terminate();
    }
  }

  #close(code: number, reason: string): void {
    if (code === NORMAL || this.#signal.aborted) this.#end = {};
    else if (REFUSALS.has(code)) this.#end = { error: toRefusal(code, toSafeLine(reason)) };
    else
      this.#end = {
        error: new GoferError(
          'UNAVAILABLE',
          `the connection to ${this.#url.host} was lost${reason === '' ? '' : `: ${toSafeLine(reason)}`}`,
        ),
      };
    this.#wake();
  }

  #parse(frame: string): unknown {
    try {
      return JSON.parse(frame);
    } catch (error) {
      throw new GoferError(
        'UNAVAILABLE',
        `${this.#url.href} sent a frame that is not JSON; does the server speak this version of the API?`,
        { cause: error },
      );
    }
  }
}

/** What the server says of a token that is good no longer has its code before it, so that the command exits as where it was refused at once. */
function toRefusal(code: number, reason: string): GoferError {
  const [, lost, message] = /^(UNAUTHENTICATED|PERMISSION_DENIED|DATA_LOSS): (.*)$/u.exec(reason) ?? [];
  if (lost === 'UNAUTHENTICATED' || lost === 'PERMISSION_DENIED' || lost === 'DATA_LOSS') return new GoferError(lost, message ?? '');
  return new GoferError('FAILED_PRECONDITION', reason === '' ? `the server closed the stream (code ${code})` : reason);
}
