/** A property of every object store: whatever the body, its pieces and the range, what comes out is what went in. */
import type { ObjectRange, ObjectStore } from '@gofer/contracts';
import fc from 'fast-check';

const NEVER = new AbortController().signal;
/** Around the borders of blocks, chunks and pages, and far from them. */
const size = fc.oneof(
  fc.integer({ min: 0, max: 5000 }),
  fc.integer({ min: 0, max: 1_500_000 }),
  fc.tuple(fc.constantFrom(4096, 65_536, 262_144, 524_288, 1_048_576), fc.integer({ min: -2, max: 2 })).map(([border, by]) => border + by),
);

export async function keepsAnyBody(store: ObjectStore): Promise<void> {
  let count = 0;
  await fc.assert(
    fc.asyncProperty(
      size,
      fc.array(fc.oneof(fc.integer({ min: 0, max: 70_000 }), fc.integer({ min: 500_000, max: 600_000 })), { minLength: 1, maxLength: 6 }),
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.option(fc.integer({ min: 0, max: 800_000 }))), { maxLength: 4 }),
      async (length, pieces, ranges) => {
        const key = `any/body-${count++}`;
        const bytes = Buffer.alloc(length);
        for (let at = 0; at < length; at++) bytes[at] = (at * 31 + (at >> 9)) & 0xff;
        const { size: kept } = await store.put(key, NEVER, cut(bytes, pieces));
        if (kept !== length) throw new Error(`${kept} bytes were kept of ${length}`);
        const asked = ranges.map(([where, more]) => ({ start: Math.floor(where * length), ...(more === null ? {} : { more }) }));
        for (const { start, more } of asked.filter((range) => range.start < length)) {
          const range = more === undefined ? { start } : { start, end: start + more };
          await assertRead(store, key, range, bytes.subarray(start, more === undefined ? length : start + more + 1));
        }
        await assertRead(store, key, undefined, bytes);
        await store.delete(key);
      },
    ),
    { numRuns: 40 },
  );
}

async function assertRead(store: ObjectStore, key: string, range: ObjectRange | undefined, expected: Uint8Array): Promise<void> {
  const read: Uint8Array[] = [];
  for await (const piece of store.get(key, range, NEVER)) read.push(piece);
  if (!Buffer.concat(read).equals(expected)) throw new Error(`other bytes came out for ${JSON.stringify(range)}`);
}

async function* cut(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, index = 0; at < bytes.byteLength; index++) {
    // All sizes may be 0: an end must be reached.
    const length = sizes[index % sizes.length] ?? 0;
    const piece = bytes.subarray(at, at + (index >= 1000 ? bytes.byteLength : length));
    at += piece.byteLength;
    yield piece;
  }
}
