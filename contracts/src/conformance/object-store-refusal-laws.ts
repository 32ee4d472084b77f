/** The laws of a `put` that is rejected: nothing of it is kept, its body is left, and the key is as it was. */
import { GoferError } from '../errors.ts';
import { assert, assertRejects, LawBroken } from './assertions.ts';
import { NEVER } from './law.ts';
import { HeldBody, inPieces, KIB, MIB, noise } from './object-store-bodies.ts';
import { SMALL_ROOM } from './object-store-harness.ts';
import type { ObjectStoreLaw } from './object-store-law.ts';

/** A body that gives its pieces and then fails. */
async function* failing(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
  throw new GoferError('PAYLOAD_TOO_LARGE', 'the body is too large');
}

const RETRY_AFTER_MS = 20;

export const objectRefusalLaws: readonly ObjectStoreLaw[] = [
  {
    name: "put: rejects with the body's error when the body fails, and keeps nothing",
    async check(stage) {
      const key = stage.key();
      for (const pieces of [[], [noise(10, 1)], [noise(3 * MIB, 2), noise(100, 3)]]) {
        await assertRejects(() => stage.store.put(key, NEVER, failing(pieces)), 'PAYLOAD_TOO_LARGE', 'put of a body that fails');
        await stage.assertAbsent(key, 'after its body failed');
      }
      const bytes = noise(5000, 4);
      await stage.put(key, bytes);
      await stage.assertKept(key, bytes, 'the bytes put after the failures');
    },
  },
  {
    name: 'put: rejects with CANCELLED when aborted, keeps nothing, and leaves the body',
    async check(stage) {
      const key = stage.key();
      const early = new HeldBody([noise(100, 5)]);
      await assertRejects(() => stage.store.put(key, AbortSignal.abort(), early), 'CANCELLED', 'put aborted before it began');
      assert(early.left, 'put aborted before it began must leave the body');
      await stage.assertAbsent(key, 'after put was aborted before it began');

      for (const pieces of [[], [noise(100, 6)], [noise(2 * MIB, 7), noise(MIB, 8)]]) {
        const held = await stage.hold(key, pieces);
        held.abort();
        await assertRejects(() => held.result, 'CANCELLED', 'put aborted while it waits for its body');
        assert(held.body.left, 'put aborted while it waits for its body must leave the body');
        await stage.assertAbsent(key, 'after put was aborted');
      }

      const between = new AbortController();
      const endless = async function* (): AsyncGenerator<Uint8Array> {
        for (let count = 0; count < 4096; count++) {
          if (count === 20) between.abort();
          yield noise(64 * KIB, count);
        }
        throw new LawBroken('put went on after it was aborted');
      };
      await assertRejects(() => stage.store.put(key, between.signal, endless()), 'CANCELLED', 'put aborted between two pieces');
      await stage.assertAbsent(key, 'after put was aborted between two pieces');
      const bytes = noise(5000, 9);
      await stage.put(key, bytes);
      await stage.assertKept(key, bytes, 'the bytes put after the aborts');
    },
  },
  {
    name: 'put: an abort after it has resolved changes nothing',
    async check(stage) {
      const key = stage.key();
      const bytes = noise(1000, 10);
      const controller = new AbortController();
      await stage.store.put(key, controller.signal, inPieces(bytes, [100]));
      controller.abort();
      await stage.assertKept(key, bytes, 'the bytes after a late abort');
    },
  },
  {
    name: 'put: rejects with ALREADY_EXISTS for a key that is kept, leaves it as it is, and leaves the body',
    async check(stage) {
      const key = stage.key();
      const bytes = noise(100_000, 11);
      await stage.put(key, bytes);
      const pieces = Array.from({ length: 6 }, (_, seed) => noise(MIB, seed));
      for (const others of [[], [noise(50, 12)], pieces]) {
        const body = new HeldBody(others);
        body.end();
        await assertRejects(() => stage.store.put(key, NEVER, body), 'ALREADY_EXISTS', 'put of a key that is kept');
        assert(body.left, 'put of a key that is kept must leave the body');
        await stage.assertKept(key, bytes, 'the former bytes');
      }
    },
  },
  {
    name: 'put: rejects with STORAGE_FULL where there is no room, keeps nothing, leaves the body, and goes on once there is room',
    when: (traits) => traits.canBeFull,
    alone: true,
    async check(stage) {
      const store = await stage.small();
      const key = stage.key();
      const before = stage.key();
      const bytes = noise(300_000, 14);
      await store.put(before, NEVER, inPieces(bytes, [64 * KIB]));
      const piece = noise(256 * KIB, 15);
      let left = false;
      const endless = async function* (): AsyncGenerator<Uint8Array> {
        try {
          for (let given = 0; given < SMALL_ROOM; given += piece.byteLength) yield piece;
        } finally {
          left = true;
        }
      };
      await assertRejects(() => store.put(key, NEVER, endless()), 'STORAGE_FULL', 'put of more than there is room for');
      assert(left, 'put of more than there is room for must leave the body');
      await assertRejects(() => store.stat(key), 'NOT_FOUND', 'stat after there was no room');
      const kept: string[] = [];
      for await (const item of store.list(stage.prefix, NEVER)) kept.push(item.key);
      assert(kept.length === 1 && kept[0] === before, 'after there was no room, list must name what was kept before and nothing else');
      // Room may be given back a little later; the law's time limit ends the trying.
      for (;;) {
        const again = await store.put(key, NEVER, inPieces(bytes, [64 * KIB])).catch((error: unknown) => error);
        if (!(again instanceof Error)) break;
        await assertRejects(() => Promise.reject(again), 'STORAGE_FULL', 'put after there was no room');
        await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER_MS));
      }
      await store.delete(key);
      await store.delete(before);
    },
  },
];
