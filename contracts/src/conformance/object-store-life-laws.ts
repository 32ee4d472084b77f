/** The laws of `stat`, `delete` and `list`, and of an instance's own life: health, close, what outlives it. */
import { assertBytes, assertEqual } from './assertions.ts';
import { MIB, noise } from './object-store-bodies.ts';
import { DEFAULT_CROWD } from './object-store-harness.ts';
import type { ObjectStoreLaw } from './object-store-law.ts';

export const objectLifeLaws: readonly ObjectStoreLaw[] = [
  {
    name: 'health: resolves while the back end can be used',
    async check(stage) {
      await stage.store.health();
    },
  },
  {
    name: 'delete: forgets a key and no other',
    async check(stage) {
      const [gone, ...others] = ['a/b', 'a/bc', 'a/b-c', 'a/a', 'ab', 'c/a/b'].map((name) => stage.key(name));
      const bytes = noise(3000, 1);
      for (const key of [gone ?? '', ...others]) await stage.put(key, bytes);
      await stage.store.delete(gone ?? '');
      await stage.assertAbsent(gone ?? '', 'after its deletion');
      assertEqual(
        await stage.list(),
        others.toSorted().map((key) => ({ key, size: 3000 })),
        'the list after the deletion',
      );
      for (const key of others) assertBytes(await stage.read(key), bytes, 'the bytes of a key beside the deleted one');
    },
  },
  {
    name: 'delete: succeeds for a key that is not kept, however often, also at the same time',
    async check(stage) {
      const key = stage.key('some/where/deep');
      await stage.store.delete(key);
      await stage.put(key, noise(2 * MIB, 2));
      await Promise.all([stage.store.delete(key), stage.store.delete(key), stage.store.delete(key)]);
      await stage.store.delete(key);
      await stage.store.delete(stage.key('some/where'));
      await stage.store.delete(`${key}/below`);
      await stage.assertAbsent(key, 'after its deletions');
    },
  },
  {
    name: 'list: gives the keys that begin with the prefix, whatever it ends with, each with its size',
    async check(stage) {
      const names = ['a', 'ab/c', 'ab/cd', 'ab/c-d/e', 'ab/ce/f', 'abc/d', 'b/ab/c', '-', 'z/0'];
      for (const [index, name] of names.entries()) await stage.put(stage.key(name), noise(index * 10, index));
      const sizes = new Map(names.map((name, index) => [stage.key(name), index * 10]));
      const items = (keep: (name: string) => boolean): readonly unknown[] =>
        names
          .filter(keep)
          .map((name) => stage.key(name))
          .toSorted()
          .map((key) => ({ key, size: sizes.get(key) }));
      for (const prefix of [
        '',
        'a',
        'ab',
        'ab/',
        'ab/c',
        'ab/c-',
        'ab/c-d/e',
        'ab/ce/',
        'abcd',
        'b',
        'z/0',
        'z/0/',
        '-',
        'nowhere/at/all',
      ]) {
        assertEqual(
          await stage.list(stage.key(prefix)),
          items((name) => name.startsWith(prefix)),
          `the list of "${prefix}"`,
        );
      }
      const own = (await stage.list('')).filter((item) => item.key.startsWith(stage.prefix));
      assertEqual(
        own,
        items(() => true),
        'the list without a prefix',
      );
    },
  },
  {
    name: 'list: gives each of many keys once, to a reader that leaves nothing behind when it stops early',
    async check(stage) {
      const crowd = stage.harness.crowd ?? DEFAULT_CROWD;
      const keys = Array.from({ length: crowd }, (_, index) => stage.key(`many/${index % 7}/${index}`)).toSorted();
      for (let at = 0; at < crowd; at += 20) {
        await Promise.all(keys.slice(at, at + 20).map((key, index) => stage.put(key, noise(index, at))));
      }
      assertEqual(
        (await stage.list()).map((item) => item.key),
        keys,
        'the list of many keys',
      );
      for await (const first of stage.store.list(stage.prefix, new AbortController().signal)) {
        assertEqual(keys.includes(first.key), true, 'the first key is one of them');
        break;
      }
      for (let at = 0; at < crowd; at += 20) await Promise.all(keys.slice(at, at + 20).map((key) => stage.store.delete(key)));
      assertEqual(await stage.list(), [], 'the list after all were deleted');
    },
  },
  {
    name: 'close: a second call does nothing',
    alone: true,
    async check(stage) {
      const { store } = stage;
      await Promise.all([store.close(), store.close()]);
      await store.close();
      await stage.reopen();
    },
  },
  {
    name: 'close: another instance finds everything',
    alone: true,
    async check(stage) {
      const bodies = [0, 1, 5000, 3 * MIB + 1].map((size, index) => ({ key: stage.key(`kept/${index}`), bytes: noise(size, 20 + index) }));
      for (const { key, bytes } of bodies) await stage.put(key, bytes);
      const deleted = stage.key('deleted');
      await stage.put(deleted, noise(2 * MIB, 30));
      await stage.store.delete(deleted);
      await stage.reopen();
      for (const { key, bytes } of bodies) await stage.assertKept(key, bytes, `a body of ${bytes.byteLength} bytes in another instance`);
      await stage.assertAbsent(deleted, 'in another instance');
      await stage.store.delete(bodies[0]?.key ?? '');
      await stage.put(deleted, noise(10, 31));
      await stage.reopen();
      assertEqual((await stage.list()).length, bodies.length, 'the number of keys in a third instance');
      await stage.assertKept(deleted, noise(10, 31), 'the bytes put in the second instance');
    },
  },
  {
    name: 'put: what an instance that was not closed leaves of it is never seen',
    alone: true,
    async check(stage) {
      const kept = stage.key();
      await stage.put(kept, noise(100_000, 40));
      const unfinished = [[], [noise(10, 41)], [noise(3 * MIB, 42), noise(MIB, 43)]].map((pieces) => ({ key: stage.key(), pieces }));
      for (const { key, pieces } of unfinished) await stage.hold(key, pieces);
      await stage.abandon();
      for (const { key } of unfinished) await stage.assertAbsent(key, 'whose put was not finished');
      await stage.assertKept(kept, noise(100_000, 40), 'the bytes of a put that was finished');
      for (const { key } of unfinished) {
        await stage.put(key, noise(1000, 44));
        await stage.assertKept(key, noise(1000, 44), 'the bytes put instead');
      }
    },
  },
];
