import type { LogChunk } from '@gofer/contracts';
import type { ChunkMark } from './log-writer.ts';
import type { LogSession, LogSize } from './protocol.ts';

/** How much of a source's output may be on its way at a time. */
const MAX_AHEAD_BYTES = 4 * 1024 * 1024;
const PACK_BYTES = 1024 * 1024;

/** Packs the chunks that one tick brings into one call, and knows what of them is kept. */
export class PackSender {
  readonly #session: LogSession;
  #attemptId: string;
  readonly #onFailure: (error: unknown) => void;
  #chunks: LogChunk[] = [];
  #packBytes = 0;
  #aheadBytes = 0;
  #scheduled = false;
  #lastAnswer: Promise<unknown> = Promise.resolve();
  #onRoom: (() => void) | undefined;
  /** The first call that failed. */
  failure: { readonly error: unknown } | undefined;
  /** Of the log, as it was answered last. */
  size: LogSize = { bytes: 0, lines: 0 };

  /** `onFailure` learns of every call that fails. */
  constructor(session: LogSession, attemptId: string, onFailure: (error: unknown) => void) {
    this.#session = session;
    this.#attemptId = attemptId;
    this.#onFailure = onFailure;
  }

  add(chunk: LogChunk): void {
    this.#chunks.push(chunk);
    this.#packBytes += chunk.bytes.length;
    this.#aheadBytes += chunk.bytes.length;
    if (this.#packBytes >= PACK_BYTES) {
      this.send();
    } else if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.send();
      });
    }
  }

  send(): void {
    if (this.#chunks.length === 0) return;
    // Memory of our own: it is handed to another thread, and what the source gave may be part of something larger.
    const bytes = new Uint8Array(this.#packBytes);
    const marks: ChunkMark[] = [];
    let at = 0;
    for (const { stream, time = Date.now(), bytes: piece, cursor } of this.#chunks) {
      bytes.set(piece, at);
      at += piece.length;
      marks.push({ stream, time, length: piece.length, cursor });
    }
    this.#chunks = [];
    this.#packBytes = 0;
    this.#lastAnswer = this.#session.call('append', { attemptId: this.#attemptId, bytes, marks }).then(
      (size) => this.#kept(at, size),
      (error: unknown) => this.#fail(error),
    );
  }

  /** Resolves when all that was added is answered. */
  answered(): Promise<unknown> {
    this.send();
    return this.#lastAnswer;
  }

  /** To be called once all is answered: what is added from now on belongs to another log. */
  goOnIn(attemptId: string): void {
    this.#attemptId = attemptId;
    this.size = { bytes: 0, lines: 0 };
  }

  get full(): boolean {
    return this.#aheadBytes >= MAX_AHEAD_BYTES;
  }

  /** Resolves when it is no longer full. */
  room(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onRoom = resolve;
    return promise;
  }

  #fail(error: unknown): void {
    this.failure ??= { error };
    this.#onFailure(error);
  }

  #kept(bytes: number, size: LogSize): void {
    this.size = size;
    this.#aheadBytes -= bytes;
    if (this.full) return;
    this.#onRoom?.();
    this.#onRoom = undefined;
  }
}
