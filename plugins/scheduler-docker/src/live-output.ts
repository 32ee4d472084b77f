/**
 * A task's output as it is written: the connection that is attached to a container before it starts.
 *
 * Reading it is several times cheaper than following the engine's log. But the engine writes to this connection and to its log in
 * turn, so a reader that stays away would hold up the task and, at its end, cost it the rest of its log. So little is held here, the
 * connection is paused for a moment only, and then given up: the output is in the log, and the reader goes on there.
 */
import type { Duplex } from 'node:stream';
import type { LogChunk } from '@gofer/contracts';
import { throwIfAborted } from './engine.ts';
import { FrameSplitter, ownBytes } from './output-frames.ts';

export interface OutputPiece {
  readonly stream: LogChunk['stream'];
  readonly time: number;
  readonly bytes: Uint8Array;
}

/** Bytes held before the connection is paused. */
const HELD_AT_MOST = 1024 * 1024;
/** How long it may stay paused. The engine gives an ended container's connections two seconds. */
const PAUSED_AT_MOST_MS = 1_000;

export class LiveOutput {
  #socket: Duplex;
  #frames = new FrameSplitter();
  #pieces: OutputPiece[] = [];
  #next = 0;
  #held = 0;
  #state: 'open' | 'ended' | 'lost' = 'open';
  #news = Promise.withResolvers<void>();
  #pause: NodeJS.Timeout | undefined;

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on('data', (part: Buffer) => this.#take(part));
    // Ended or broken, it closes; a connection that breaks can look like one that ended, which the reader must find out.
    socket.on('end', () => this.#finish('ended'));
    socket.on('error', () => this.#finish('lost'));
    socket.on('close', () => this.#finish('lost'));
  }

  /** The next piece; `undefined` at the end, and where the rest must be read in the log. Rejects with `CANCELLED` when aborted. */
  async next(signal: AbortSignal): Promise<OutputPiece | undefined> {
    for (;;) {
      throwIfAborted(signal);
      const piece = this.#pieces[this.#next];
      if (piece !== undefined) return this.#shift(piece);
      if (this.#state !== 'open') return undefined;
      const abort = (): void => this.#news.resolve();
      signal.addEventListener('abort', abort, { once: true });
      try {
        await this.#news.promise;
      } finally {
        signal.removeEventListener('abort', abort);
      }
      this.#news = Promise.withResolvers();
    }
  }

  /** False if the engine closed it in good order (or died): what was given is all there was. */
  get lost(): boolean {
    return this.#state === 'lost';
  }

  /** Gives up the connection and what is held. */
  drop(): void {
    this.#pieces = [];
    this.#next = 0;
    this.#held = 0;
    this.#finish('lost');
  }

  #take(part: Buffer): void {
    if (this.#state !== 'open') return;
    const time = Date.now();
    this.#frames.push(part, (stream, bytes) => {
      this.#pieces.push({ stream, time, bytes: ownBytes(bytes) });
      this.#held += bytes.length;
    });
    if (this.#held > HELD_AT_MOST && this.#pause === undefined) {
      this.#socket.pause();
      this.#pause = setTimeout(() => this.drop(), PAUSED_AT_MOST_MS).unref();
    }
    this.#news.resolve();
  }

  #shift(piece: OutputPiece): OutputPiece {
    this.#next += 1;
    this.#held -= piece.bytes.length;
    if (this.#next === this.#pieces.length) {
      this.#pieces = [];
      this.#next = 0;
    }
    if (this.#pause !== undefined && this.#held < HELD_AT_MOST / 2) {
      clearTimeout(this.#pause);
      this.#pause = undefined;
      this.#socket.resume();
    }
    return piece;
  }

  #finish(state: 'ended' | 'lost'): void {
    if (this.#state !== 'open') return;
    this.#state = state;
    clearTimeout(this.#pause);
    this.#socket.destroy();
    this.#news.resolve();
  }
}
