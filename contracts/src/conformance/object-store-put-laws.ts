/** The laws of a `put` that succeeds: what goes in comes out, whole, and only once it is whole. */
import { codeOf } from '../errors.ts';
import { assert, assertBytes, assertEqual } from './assertions.ts';
import { NEVER } from './law.ts';
import { restingMemory } from './memory.ts';
import { inOneMemory, inPieces, KIB, MIB, noise } from './object-store-bodies.ts';
import type { ObjectStoreLaw } from './object-store-law.ts';

const FLOOD = 64 * MIB;
/** What may be held of a body that is being put, the port's and the runner's own noise included. */
const HELD_AT_MOST = 24 * MIB;
const PIECE = 256 * KIB;

/** Sizes around the borders that stores like to have. */
const SIZES = [0, 1, 2, 4095, 4096, 4097, 64 * KIB, 256 * KIB - 1, 512 * KIB + 1, MIB, 3 * MIB + 7];

export const objectPutLaws: readonly ObjectStoreLaw[] = [
  {
    name: 'put: keeps bodies of every size as they are, and resolves with the number of their bytes',
    async check(stage) {
      for (const [seed, size] of SIZES.entries()) {
        const key = stage.key();
        const bytes = noise(size, seed + 1);
        await stage.put(key, bytes);
        await stage.assertKept(key, bytes, `a body of ${size} bytes`);
      }
    },
  },
  {
    name: 'put: keeps a body as it is however it is cut into pieces, empty ones too',
    async check(stage) {
      const bytes = noise(2 * MIB + 3, 20);
      const cuts = [[bytes.byteLength], [1, 0, 65_537, 7, 131_071], [0, MIB], [MIB + 1, 1, 1, 0, 0, 5], [4096], [999_983]];
      for (const sizes of cuts) {
        const key = stage.key();
        await stage.put(key, bytes, sizes);
        await stage.assertKept(key, bytes, `a body in pieces of ${sizes.join(', ')} bytes`);
      }
      const many = noise(5000, 21);
      const key = stage.key();
      await stage.put(key, many, [1]);
      await stage.assertKept(key, many, 'a body in pieces of one byte');
      const empty = stage.key();
      const { size } = await stage.store.put(empty, NEVER, emptyPieces());
      assertEqual(size, 0, 'the number of bytes of a body of empty pieces');
      await stage.assertKept(empty, new Uint8Array(), 'a body of empty pieces');
    },
  },
  {
    name: "put: uses a piece's memory only until it asks for the next",
    async check(stage) {
      const bytes = noise(2 * MIB + 11, 22);
      for (const size of [1000, 64 * KIB, MIB]) {
        const key = stage.key();
        await stage.store.put(key, NEVER, inOneMemory(bytes, size));
        await stage.assertKept(key, bytes, `a body whose pieces of ${size} bytes share their memory`);
      }
    },
  },
  {
    name: 'put: nobody sees the key before put has resolved',
    async check(stage) {
      for (const pieces of [[], [noise(10, 23)], [noise(64 * KIB, 24), noise(3 * MIB, 25), noise(1, 26)]]) {
        const key = stage.key();
        const held = await stage.hold(key, pieces);
        await stage.assertAbsent(key, 'while its body is being put');
        held.body.end();
        await held.result;
        const size = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
        assertEqual((await stage.store.stat(key)).size, size, 'the size once put has resolved');
        assertEqual(await stage.list(key), [{ key, size }], 'the list once put has resolved');
      }
    },
  },
  {
    name: 'put: keeps bodies that are put at the same time apart',
    async check(stage) {
      const bodies = Array.from({ length: 8 }, (_, index) => ({ key: stage.key(), bytes: noise(300_000 * index + 5, 30 + index) }));
      const held = await stage.hold(stage.key(), [noise(MIB, 29)]);
      await Promise.all(bodies.map(({ key, bytes }, index) => stage.put(key, bytes, [10_007 * (index + 1)])));
      for (const { key, bytes } of bodies) await stage.assertKept(key, bytes, `a body of ${bytes.byteLength} bytes put beside others`);
      held.body.end();
      await held.result;
    },
  },
  {
    name: 'put: of two bodies put under one new key at the same time at most one is kept, whole',
    async check(stage) {
      for (const size of [100, 2 * MIB]) {
        const key = stage.key();
        const bodies = [noise(size, 40), noise(size + 1, 41)];
        const results = await Promise.allSettled(bodies.map((bytes) => stage.store.put(key, NEVER, inPieces(bytes, [50, 70_001]))));
        const won = bodies.filter((_, index) => results[index]?.status === 'fulfilled');
        for (const result of results) {
          if (result.status === 'rejected') assertEqual(codeOf(result.reason), 'ALREADY_EXISTS', 'the code of the other put');
        }
        assert(won.length <= 1, 'both puts resolved');
        const [bytes] = won;
        if (bytes === undefined) await stage.assertAbsent(key, 'after both puts were rejected');
        else await stage.assertKept(key, bytes, 'the bytes of the put that resolved');
      }
    },
  },
  {
    name: 'put: keeps another body under a key that was deleted',
    async check(stage) {
      const key = stage.key();
      for (const seed of [50, 51, 52]) {
        const bytes = noise(200_000 + seed, seed);
        await stage.put(key, bytes);
        await stage.assertKept(key, bytes);
        await stage.store.delete(key);
      }
      await stage.assertAbsent(key, 'after its last deletion');
    },
  },
  {
    name: 'put: asks for a piece only when it has room for one, with bounded memory',
    async check(stage) {
      const key = stage.key();
      const piece = noise(PIECE, 60);
      const before = await restingMemory();
      let held = 0;
      const flood = async function* (): AsyncGenerator<Uint8Array> {
        for (let given = 0; given < FLOOD; given += PIECE) {
          // Behind a port a piece is a copy that someone holds, whatever the source does with its own.
          if (given % (8 * MIB) === 0) held = Math.max(held, (await restingMemory()) - before);
          yield piece;
        }
      };
      const { size } = await stage.store.put(key, NEVER, flood());
      held = Math.max(held, (await restingMemory()) - before);
      assertEqual(size, FLOOD, 'the number of bytes that put resolved with');
      assert(held < HELD_AT_MOST, `${Math.round(held / MIB)} MiB of a body were held; at most ${HELD_AT_MOST / MIB} may be`);
      const last = await stage.read(key, { start: FLOOD - PIECE });
      assertBytes(last, piece, 'the last piece');
    },
  },
];

async function* emptyPieces(): AsyncGenerator<Uint8Array> {
  for (let count = 0; count < 3; count++) yield new Uint8Array();
}
