/**
 * A body in pieces as large as the store's chunks. One hop to the thread for each is what makes the difference: with the pieces that
 * a network gives it would cost more than all the rest. They lie in one memory, since the port copies what it sends.
 */
import { CHUNK_BYTES } from './blob-writer.ts';

type Piece = IteratorResult<Uint8Array, undefined>;
const OVER: Piece = { done: true, value: undefined };

export class GatheredBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #source: AsyncIterator<Uint8Array>;
  #block: Uint8Array | undefined;
  #other: Uint8Array | undefined;
  /** What did not fit any more; its memory is good until the source is asked again. */
  #rest: Uint8Array = new Uint8Array();
  #over = false;

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#source = body[Symbol.asyncIterator]();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<Piece> {
    if (this.#over && this.#rest.byteLength === 0) return OVER;
    const block = this.#other ?? new Uint8Array(new SharedArrayBuffer(CHUNK_BYTES));
    this.#other = this.#block;
    this.#block = block;
    let filled = 0;
    for (;;) {
      const part = this.#rest.subarray(0, block.byteLength - filled);
      block.set(part, filled);
      filled += part.byteLength;
      this.#rest = this.#rest.subarray(part.byteLength);
      if (filled === block.byteLength || this.#over) break;
      const item = await this.#source.next();
      if (item.done === true) this.#over = true;
      else this.#rest = item.value;
    }
    return filled === 0 ? OVER : { done: false, value: block.subarray(0, filled) };
  }

  /** At once, also while a piece is being waited for. */
  async return(): Promise<Piece> {
    if (!this.#over) {
      this.#over = true;
      this.#rest = new Uint8Array();
      await this.#source.return?.();
    }
    return OVER;
  }
}
