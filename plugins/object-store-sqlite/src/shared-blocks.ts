/**
 * Blocks of memory that both threads see, used again by one body after the other: the collector of neither thread knows how large they
 * are, and would let any number of them lie.
 */
import { CHUNK_BYTES } from './blob-writer.ts';

const MOST_FREE = 8;

export class SharedBlocks {
  readonly #free: Uint8Array[] = [];

  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(new SharedArrayBuffer(CHUNK_BYTES));
  }

  /** Nobody may use it any more. */
  give(block: Uint8Array): void {
    if (this.#free.length < MOST_FREE) this.#free.push(block);
  }
}
