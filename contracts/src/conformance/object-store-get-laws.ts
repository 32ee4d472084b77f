/** The laws of `get`. */
import type { ObjectRange } from '../object-store.ts';
import { assert, assertBytes, assertEqual, assertRejects } from './assertions.ts';
import { NEVER } from './law.ts';
import { restingMemory, settledMemory } from './memory.ts';
import { KIB, MIB, noise } from './object-store-bodies.ts';
import type { ObjectStoreLaw } from './object-store-law.ts';
import type { ObjectStoreStage } from './object-store-stage.ts';

const FLOOD = 64 * MIB;
/** More than one read of a file, a page or a request gives. */
const MANY_PIECES = 16 * MIB;
/** What may be held for a reader that does not read, the port's and the runner's own noise included. */
const HELD_AT_MOST = 24 * MIB;

async function putPieces(stage: ObjectStoreStage, key: string, bytes: number): Promise<void> {
  const piece = noise(MIB, 70);
  const flood = async function* (): AsyncGenerator<Uint8Array> {
    for (let given = 0; given < bytes; given += MIB) yield piece;
  };
  await stage.store.put(key, NEVER, flood());
}

/** Reads all of a key; `onPiece` is told how many bytes were read before each next piece is asked for. */
async function readThrough(
  stage: ObjectStoreStage,
  key: string,
  signal: AbortSignal,
  onPiece: (read: number) => Promise<void> | void,
): Promise<number> {
  let read = 0;
  for await (const piece of stage.store.get(key, undefined, signal)) {
    read += piece.byteLength;
    await onPiece(read);
  }
  return read;
}

export const objectGetLaws: readonly ObjectStoreLaw[] = [
  {
    name: 'get: gives the range that was asked for, to the last byte where its end is behind it',
    async check(stage) {
      const key = stage.key();
      const size = 3 * MIB + 5;
      const bytes = noise(size, 1);
      await stage.put(key, bytes);
      const ranges: readonly ObjectRange[] = [
        { start: 0 },
        { start: 0, end: 0 },
        { start: 0, end: size - 1 },
        { start: 0, end: size + 1000 },
        { start: 1, end: 1 },
        { start: size - 1 },
        { start: size - 1, end: size - 1 },
        { start: size - 10, end: Number.MAX_SAFE_INTEGER },
        { start: MIB - 1, end: MIB },
        { start: 512 * KIB, end: MIB - 1 },
        { start: 12_345, end: 2 * MIB + 17 },
        { start: 2 * MIB },
      ];
      for (const range of ranges) {
        const expected = bytes.subarray(range.start, range.end === undefined ? size : Math.min(size, range.end + 1));
        assertBytes(await stage.read(key, range), expected, `the range ${JSON.stringify(range)}`);
      }
      assertBytes(await stage.read(key), bytes, 'the whole');
    },
  },
  {
    name: 'get: rejects with INVALID_ARGUMENT where the range begins at the end of the body or behind it',
    async check(stage) {
      const key = stage.key();
      await stage.put(key, noise(1000, 2));
      const empty = stage.key();
      await stage.put(empty, new Uint8Array());
      const refused: readonly (readonly [string, ObjectRange])[] = [
        [key, { start: 1000 }],
        [key, { start: 1000, end: 1000 }],
        [key, { start: 5000, end: 6000 }],
        [empty, { start: 0 }],
        [empty, { start: 0, end: 0 }],
      ];
      for (const [of, range] of refused) {
        await assertRejects(() => stage.read(of, range), 'INVALID_ARGUMENT', `get of the range ${JSON.stringify(range)}`);
      }
      assertEqual((await stage.read(empty)).byteLength, 0, 'the bytes of an empty body');
      assertEqual((await stage.read(key, { start: 999 })).byteLength, 1, 'the bytes of the last one');
    },
  },
  {
    name: 'get: rejects with NOT_FOUND where the key is not kept, as stat does',
    async check(stage) {
      const kept = stage.key('parent/kept');
      const deleted = stage.key('parent/deleted');
      await stage.put(kept, noise(10, 3));
      await stage.put(deleted, noise(10, 4));
      await stage.store.delete(deleted);
      const absent = [stage.key('never-put'), stage.key('parent'), stage.key('parent/kep'), `${kept}-more`, `${kept}/child`, deleted];
      for (const key of absent) {
        await stage.assertAbsent(key, `of ${key.slice(stage.prefix.length)}`);
        await assertRejects(() => stage.read(key, { start: 0, end: 0 }), 'NOT_FOUND', `get of a range of ${key}`);
      }
    },
  },
  {
    name: 'get: readers of one body at the same time each get it whole, whoever leaves early',
    async check(stage) {
      const key = stage.key();
      const bytes = noise(3 * MIB, 5);
      await stage.put(key, bytes);
      const leave = async (): Promise<Uint8Array> => {
        for await (const piece of stage.store.get(key, undefined, NEVER)) {
          assert(piece.byteLength > 0, 'a piece must hold a byte');
          break;
        }
        return bytes;
      };
      const readers = Array.from({ length: 6 }, (_, index) => (index % 3 === 2 ? leave() : stage.read(key)));
      for (const read of await Promise.all(readers)) assertBytes(read, bytes, 'the bytes read beside other readers');
    },
  },
  {
    name: 'get: rejects with CANCELLED when aborted',
    async check(stage) {
      const key = stage.key();
      await putPieces(stage, key, MANY_PIECES);
      const nothing = (): void => undefined;
      await assertRejects(() => readThrough(stage, key, AbortSignal.abort(), nothing), 'CANCELLED', 'get aborted before it began');
      const between = new AbortController();
      await assertRejects(
        () => readThrough(stage, key, between.signal, () => between.abort()),
        'CANCELLED',
        'get aborted between two pieces',
      );
      const waiting = new AbortController();
      await assertRejects(
        () => readThrough(stage, key, waiting.signal, () => void setImmediate(() => waiting.abort())),
        'CANCELLED',
        'get aborted while a piece is asked for',
      );
      assertEqual((await stage.store.stat(key)).size, MANY_PIECES, 'the size after the aborts');
    },
  },
  {
    name: 'get: waits for a reader that pauses, with bounded memory',
    async check(stage) {
      const key = stage.key();
      await putPieces(stage, key, FLOOD);
      const before = await restingMemory();
      let held: number | undefined;
      const read = await readThrough(stage, key, NEVER, async () => {
        held ??= (await settledMemory()) - before;
      });
      assert(held !== undefined && held < HELD_AT_MOST, `${Math.round((held ?? 0) / MIB)} MiB were held for a reader that paused`);
      assertEqual(read, FLOOD, 'the bytes read after the pause');
    },
  },
  {
    name: 'get: of a body that is deleted meanwhile goes on to its end or rejects with NOT_FOUND, never short',
    async check(stage) {
      for (const deleteAt of ['once it is open', 'while it is read']) {
        const key = stage.key();
        await putPieces(stage, key, MANY_PIECES);
        let deleting: Promise<void> | undefined;
        let read = 0;
        const reading = readThrough(stage, key, NEVER, async (soFar) => {
          read = soFar;
          if (deleting !== undefined || (deleteAt === 'while it is read' && soFar < MANY_PIECES / 2)) return;
          deleting = stage.store.delete(key);
          await deleting;
        });
        const failed = await reading.then(
          () => undefined,
          (error: unknown) => error,
        );
        if (failed === undefined) assertEqual(read, MANY_PIECES, `the bytes of a body that was deleted ${deleteAt}`);
        else await assertRejects(() => reading, 'NOT_FOUND', `get of a body that was deleted ${deleteAt}`);
        await stage.assertAbsent(key, 'after the deletion');
      }
    },
  },
];
