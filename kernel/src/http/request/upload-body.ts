/** A request's body as a stream of bytes: read only as fast as it is taken, and given up where the client stops sending. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GoferError } from '@gofer/contracts';
import { assertPlainEncoding } from './json-body.ts';
import { tooSlow } from './slow-client.ts';

export interface UploadBody {
  /** Bytes, where the client has announced them. */
  readonly size: number | undefined;
  /** Rejects with `CANCELLED` where the client went away before the end, with `DEADLINE_EXCEEDED` where it has stopped sending. */
  readonly pieces: AsyncIterable<Uint8Array>;
}

/** `idleMs`: how long the client may send nothing while it is waited for. Nothing is read, and the client not told to send, before it is asked. */
export function readUpload(request: IncomingMessage, response: ServerResponse, idleMs: number): UploadBody {
  assertPlainEncoding(request);
  const length = request.headers['content-length'];
  return { size: length === undefined ? undefined : Number(length), pieces: piecesOf(request, response, idleMs) };
}

/** So much may have come before it is taken: the client sends on while a store writes. */
const AHEAD_BYTES = 1024 * 1024;

async function* piecesOf(request: IncomingMessage, response: ServerResponse, idleMs: number): AsyncGenerator<Uint8Array> {
  if (request.headers.expect !== undefined) response.writeContinue();
  const arrivals = new Arrivals(request);
  try {
    for (;;) {
      const piece = arrivals.take();
      if (piece !== undefined) yield piece;
      else if (arrivals.ended) return;
      else await arrivals.more(idleMs);
    }
  } finally {
    arrivals.leave();
  }
}

/** What of a body has arrived and is not taken yet. By events, not by iteration: a body of many GiB comes in pieces of 64 KiB. */
class Arrivals {
  readonly #request: IncomingMessage;
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #failure: GoferError | undefined;
  #wake: (() => void) | undefined;

  constructor(request: IncomingMessage) {
    this.#request = request;
    if (request.destroyed && !request.readableEnded) this.#gone();
    request.on('data', this.#arrive);
    request.once('end', this.#end);
    request.once('error', this.#gone);
    request.once('close', this.#close);
  }

  /** Nothing more will arrive, and everything was taken. */
  get ended(): boolean {
    return this.#ended && this.#pieces.length === 0;
  }

  /** The next piece that is there. Throws where the client has gone before the end. */
  take(): Uint8Array | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    const piece = this.#pieces.shift();
    if (piece === undefined) return undefined;
    this.#bytes -= piece.byteLength;
    if (this.#bytes < AHEAD_BYTES && this.#request.isPaused()) this.#request.resume();
    return piece;
  }

  /** Resolves when something has happened; rejects where nothing does for so long. */
  async more(idleMs: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const timer = setTimeout(() => reject(tooSlow(idleMs)), idleMs);
    this.#wake = resolve;
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#wake = undefined;
    }
  }

  /** The rest is not wanted: it is let go by, so that the request can be answered. */
  leave(): void {
    const request = this.#request;
    request.off('data', this.#arrive);
    request.off('end', this.#end);
    request.off('error', this.#gone);
    request.off('close', this.#close);
    // An error from now on is nobody's.
    request.on('error', () => undefined);
    if (!this.#ended) request.resume();
  }

  readonly #arrive = (piece: Buffer): void => {
    this.#pieces.push(piece);
    this.#bytes += piece.byteLength;
    if (this.#bytes >= AHEAD_BYTES) this.#request.pause();
    this.#wake?.();
  };

  readonly #end = (): void => {
    this.#ended = true;
    this.#wake?.();
  };

  readonly #close = (): void => {
    if (!this.#ended) this.#gone();
  };

  readonly #gone = (cause?: unknown): void => {
    this.#failure ??= new GoferError('CANCELLED', 'The client went away before its request was complete.', { cause });
    this.#wake?.();
  };
}
