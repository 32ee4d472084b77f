/** The bodies that the laws of the object store put. */

export const KIB = 1024;
export const MIB = 1024 * KIB;

/** Bytes that look random and are the same for the same seed; every value occurs. */
export function noise(length: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = (seed * 2_654_435_761 + 1) >>> 0;
  for (let index = 0; index < words.length; index++) {
    // Xorshift (Marsaglia 2003).
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}

/** `bytes` in pieces of these sizes, one after the other and from the beginning again. */
export async function* inPieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (let index = 0; at < bytes.byteLength; index++) {
    const size = sizes[index % sizes.length] ?? bytes.byteLength;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** `bytes` in pieces that all lie in the same memory: it is overwritten when the next piece is asked for. */
export async function* inOneMemory(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const memory = new Uint8Array(size);
  for (let at = 0; at < bytes.byteLength; at += size) {
    const piece = bytes.subarray(at, at + size);
    memory.set(piece);
    yield memory.subarray(0, piece.byteLength);
    memory.fill(0xee);
  }
}

type Piece = IteratorResult<Uint8Array, undefined>;
const OVER: Piece = { done: true, value: undefined };

/**
 * A body in a law's hand: it gives its pieces and then nothing, until it is told to end. As with a generator that awaits something,
 * `return` is settled only when what was asked for is.
 */
export class HeldBody implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #pieces: Uint8Array[];
  readonly #drained = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();
  #waiting = false;
  #left = false;

  constructor(pieces: readonly Uint8Array[]) {
    this.#pieces = [...pieces];
  }

  /** The reader has said that it wants no more, or has seen the end. */
  get left(): boolean {
    return this.#left;
  }

  /** Resolves when every piece was taken and another is asked for. */
  get drained(): Promise<void> {
    return this.#drained.promise;
  }

  /** Lets the body end, or lets go whoever waits for it. */
  end(): void {
    this.#ended.resolve();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<Piece> {
    const value = this.#left ? undefined : this.#pieces.shift();
    if (value !== undefined) return { done: false, value };
    if (this.#left) return OVER;
    this.#waiting = true;
    this.#drained.resolve();
    await this.#ended.promise;
    this.#left = true;
    return OVER;
  }

  async return(): Promise<Piece> {
    this.#left = true;
    if (this.#waiting) await this.#ended.promise;
    return OVER;
  }
}
