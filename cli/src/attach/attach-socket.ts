/** The connection to a command inside a task: bytes both ways, with back-pressure, and control messages beside them. */
import type { IncomingMessage } from 'node:http';
import { codeOf, ERROR_TABLE, type ErrorCode, GoferError } from '@gofer/contracts';
import { ATTACH_PROTOCOL, type AttachControl, type AttachReport } from '@gofer/contracts/api';
import type WebSocket from 'ws';
import { toAnswerError } from '../api/answer-error.ts';
import { toConnectionError } from '../api/http-exchange.ts';
import type { SocketRequest } from '../api/socket-messages.ts';
import { toSafeLine } from '../output/sanitise.ts';

export interface Received {
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Uint8Array;
}

/** The server takes no larger frames than 64 KiB. */
const LARGEST_INPUT = 32 * 1024;
const LARGEST_FRAME = 16 * 1024 * 1024;
const READ_AHEAD = 16;
const NORMAL = 1000;

/**
 * Resolves once the connection is open; rejects with the server's error where it refuses, with `UNAVAILABLE` where it cannot be reached.
 * To be consumed at once: `output` ends when the command has ended, and then `exitCode` is there.
 */
export async function openAttach({ url, headers, signal, trust }: Omit<SocketRequest, 'protocol'>): Promise<AttachSocket> {
  const { WebSocket: Socket } = await import('ws');
  signal.throwIfAborted();
  const socket = new Socket(url, [ATTACH_PROTOCOL], {
    headers,
    perMessageDeflate: false,
    maxPayload: LARGEST_FRAME,
    handshakeTimeout: 30_000,
    ...(url.protocol === 'wss:' ? trust.socketOptions : {}),
  });
  const attached = new AttachSocket(socket, url, signal);
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', (error) => reject(toConnectionError(error, url)));
    socket.once('unexpected-response', (request: { destroy(): void }, answer: IncomingMessage) => {
      toAnswerError(answer, `WebSocket ${url.href}`)
        .then(reject, reject)
        .finally(() => request.destroy());
    });
  });
  return attached;
}

export class AttachSocket {
  readonly #socket: WebSocket;
  readonly #url: URL;
  readonly #pieces: Received[] = [];
  #stream: Received['stream'] = 'stdout';
  #exitCode: number | undefined;
  #end: { error?: Error } | undefined;
  #wake: () => void = () => undefined;

  constructor(socket: WebSocket, url: URL, signal: AbortSignal) {
    this.#socket = socket;
    this.#url = url;
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#take(data, isBinary));
    // What is wrong arrives as the rejection of opening, or as the close that follows; unheard it would end the process.
    socket.on('error', () => undefined);
    socket.on('close', (code, reason) => this.#close(code, toSafeLine(reason.toString('utf8'))));
    const abort = (): void => socket.terminate();
    signal.addEventListener('abort', abort, { once: true });
    socket.once('close', () => signal.removeEventListener('abort', abort));
  }

  /** Undefined as long as the command has not ended. */
  get exitCode(): number | undefined {
    return this.#exitCode;
  }

  /** Resolves when there is room for more; what is sent after the end is lost. */
  async send(bytes: Uint8Array): Promise<void> {
    for (let start = 0; start < bytes.byteLength; start += LARGEST_INPUT) {
      const piece = bytes.subarray(start, start + LARGEST_INPUT);
      await new Promise<void>((resolve) => this.#socket.send(piece, () => resolve()));
    }
  }

  tell(message: AttachControl): void {
    this.#socket.send(JSON.stringify(message), () => undefined);
  }

  close(): void {
    this.#socket.terminate();
  }

  /**
   * What the command writes. Rejects with `FAILED_PRECONDITION` where the task ended before the command, with the server's code where it
   * ends it for a reason, and with `UNAVAILABLE` where the connection was lost. Leaving the iteration closes the connection.
   */
  async *output(): AsyncGenerator<Received> {
    try {
      for (;;) {
        const piece = this.#pieces.shift();
        if (piece !== undefined) {
          if (this.#socket.isPaused && this.#pieces.length === 0) this.#socket.resume();
          yield piece;
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

  #take(data: Buffer, isBinary: boolean): void {
    if (isBinary) {
      this.#pieces.push({ stream: this.#stream, bytes: data });
      if (this.#pieces.length >= READ_AHEAD) this.#socket.pause();
    } else {
      const report = parse(data);
      if (report.kind === 'stream') this.#stream = report.stream;
      if (report.kind === 'exit') {
        this.#exitCode = report.exit_code;
        // It is the last that comes, and the server may be slow to read what the command did not.
        this.#end = {};
      }
    }
    this.#wake();
  }

  #close(code: number, reason: string): void {
    if (this.#exitCode !== undefined) this.#end = {};
    else if (code === NORMAL) this.#end = { error: new GoferError('FAILED_PRECONDITION', reason === '' ? 'the task has ended' : reason) };
    else this.#end = { error: toRefusal(reason) ?? this.#lost(reason) };
    this.#wake();
  }

  #lost(reason: string): GoferError {
    return new GoferError('UNAVAILABLE', `the connection to ${this.#url.host} was lost${reason === '' ? '' : `: ${reason}`}`);
  }
}

/** A frame that is not understood is of a later version, and says nothing that is needed here. */
function parse(data: Buffer): AttachReport | { readonly kind?: undefined } {
  try {
    return Object(JSON.parse(data.toString('utf8')));
  } catch (error) {
    if (codeOf(error) === 'INTERNAL' && error instanceof SyntaxError) return {};
    throw error;
  }
}

/** The server's reason has its code before it. */
function toRefusal(reason: string): GoferError | undefined {
  const [, code = '', message = ''] = /^([A-Z_]+): (.*)$/u.exec(reason) ?? [];
  return Object.hasOwn(ERROR_TABLE, code) ? new GoferError(code as ErrorCode, message) : undefined;
}
