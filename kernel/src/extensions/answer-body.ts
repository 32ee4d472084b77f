/** Reads what an extension answers, however much of it there is and in whatever pieces it comes. */
import type { Readable } from 'node:stream';

export interface AnswerBody {
  /** What came, as far as it was kept. */
  readonly bytes: Uint8Array;
  /** `too large`: there was more, which was not read. */
  readonly end: 'whole' | 'too large' | { readonly error: unknown };
}

const FIRST_SIZE = 4096;

/** Never rejects. Where it does not end by itself within `limit` bytes, `body` is destroyed, and its connection with it. */
export async function readAtMost(body: Readable, limit: number): Promise<AnswerBody> {
  // Pieces of a byte each would take many times their size if they were kept one by one.
  let kept = new Uint8Array(Math.min(FIRST_SIZE, limit));
  let size = 0;
  try {
    for await (const piece of body as AsyncIterable<Uint8Array>) {
      const fits = piece.subarray(0, limit - size);
      if (size + fits.byteLength > kept.byteLength) {
        const larger = new Uint8Array(Math.min(Math.max(kept.byteLength * 2, size + fits.byteLength), limit));
        larger.set(kept.subarray(0, size));
        kept = larger;
      }
      kept.set(fits, size);
      size += fits.byteLength;
      // Leaving the loop destroys the stream.
      if (fits.byteLength < piece.byteLength) return { bytes: kept.subarray(0, size), end: 'too large' };
    }
    return { bytes: kept.subarray(0, size), end: 'whole' };
  } catch (error) {
    return { bytes: kept.subarray(0, size), end: { error } };
  }
}
