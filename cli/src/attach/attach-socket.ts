/** The connection to a command inside a task: bytes both ways, with back-pressure, and control messages beside them. */
import { codeOf, ERROR_TABLE, type ErrorCode, GoferError } from '@gofer/contracts';
import { ATTACH_PROTOCOL, type AttachControl, type AttachReport } from '@gofer/contracts/api';
import type WebSocket from 'ws';
import { openSocket, type SocketRequest } from '../api/open-socket.ts';
import { SocketQueue } from '../api/socket-queue.ts';
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
 * Resolves once the connection is open, and rejects as `openSocket` does. To be consumed at once: `output` ends when the command has ended,
 * and then `exitCode` is there.
 */
export function openAttach(request: Omit<SocketRequest, 'protocol'>): Promise<AttachSocket> {
  return openSocket({ ...request, protocol: ATTACH_PROTOCOL }, LARGEST_FRAME, (socket) => new AttachSocket(socket, request.url));
}

export class AttachSocket {
  readonly #socket: WebSocket;
  readonly #url: URL;
  readonly #received: SocketQueue<Received>;
  #stream: Received['stream'] = 'stdout';
  #exitCode: number | undefined;

  constructor(socket: WebSocket, url: URL) {
    this.#socket = socket;
    this.#url = url;
    this.#received = new SocketQueue(socket, { readAhead: READ_AHEAD });
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#take(data, isBinary));
    socket.on('close', (code, reason) => this.#close(code, toSafeLine(reason.toString('utf8'))));
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
  output(): AsyncGenerator<Received> {
    return this.#received.consume();
  }

  #take(data: Buffer, isBinary: boolean): void {
    if (isBinary) {
      this.#received.push({ stream: this.#stream, bytes: data });
      return;
    }
    const report = parse(data);
    if (report.kind === 'stream') this.#stream = report.stream;
    if (report.kind !== 'exit') return;
    this.#exitCode = report.exit_code;
    // It is the last that comes, and the server may be slow to read what the command did not.
    this.#received.end();
  }

  #close(code: number, reason: string): void {
    if (code === NORMAL) this.#received.end(new GoferError('FAILED_PRECONDITION', reason === '' ? 'the task has ended' : reason));
    else this.#received.end(toRefusal(reason) ?? this.#lost(reason));
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
