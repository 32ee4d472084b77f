/**
 * A body in pieces as large as the store's chunks. One hop to the thread for each is what makes the difference: with the pieces that
 * a network gives it would cost more than all the rest. They lie in two blocks that both threads see, by turns: nothing is copied on
 * the way, and no piece leaves anything behind for the collector. The thread asks for one piece while it still writes the one before.
 */
import type { SharedBlocks } from './shared-blocks.ts';

/** A body that fits in it needs no blocks. */
const SMALL_BYTES = 64 * 1024;

type Piece = IteratorResult<Uint8Array, undefined>;
const OVER: Piece = { done: true, value: undefined };

export class GatheredBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #blocks: SharedBlocks;
  #taken: Uint8Array[] = [];
  #turn = 0;
  #first = true;
  /** What did not fit any more; its memory is good until the source is asked again. */
  #rest: Uint8Array = new Uint8Array();
  #over = false;
  #left = false;

  constructor(body: AsyncIterable<Uint8Array>, blocks: SharedBlocks) {
    this.#source = body[Symbol.asyncIterator]();
    this.#blocks = blocks;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<Piece> {
    if (this.#over && this.#rest.byteLength === 0) return OVER;
    let block = this.#first ? new Uint8Array(SMALL_BYTES) : this.#nextBlock();
    let filled = 0;
    for (;;) {
      const part = this.#rest.subarray(0, block.byteLength - filled);
      block.set(part, filled);
      filled += part.byteLength;
      this.#rest = this.#rest.subarray(part.byteLength);
      if (filled === block.byteLength && this.#first) {
        this.#first = false;
        const small = block;
        block = this.#nextBlock();
        block.set(small);
        continue;
      }
      if (filled === block.byteLength || this.#over) break;
      const item = await this.#source.next();
      // The blocks are another body's by now.
      if (this.#left) return OVER;
      if (item.done === true) this.#over = true;
      else this.#rest = item.value;
    }
    return filled === 0 ? OVER : { done: false, value: block.subarray(0, filled) };
  }

  /** At once, also while a piece is being waited for. */
  async return(): Promise<Piece> {
    this.#left = true;
    if (!this.#over) {
      this.#over = true;
      this.#rest = new Uint8Array();
      await this.#source.return?.();
    }
    return OVER;
  }

  /** To be called when nobody reads the pieces any more. */
  release(): void {
    this.#left = true;
    for (const block of this.#taken) this.#blocks.give(block);
    this.#taken = [];
  }

  #nextBlock(): Uint8Array {
    const at = this.#turn++ % 2;
    const block = this.#taken[at] ?? this.#blocks.take();
    this.#taken[at] = block;
    return block;
  }
}
