/** The laws of `list`, and of an instance's own life: health, close, what outlives it. */
import { assert, assertEqual } from './assertions.ts';
import type { SecretStoreLaw } from './secret-store-law.ts';
import { marker } from './secret-store-stage.ts';

export const lifeLaws: readonly SecretStoreLaw[] = [
  {
    name: 'capabilities: are what was declared',
    async check(stage) {
      assertEqual({ ...stage.store.capabilities }, { ...stage.harness.capabilities }, 'the capabilities');
    },
  },
  {
    name: 'health: resolves while the back end can be used',
    async check(stage) {
      await stage.store.health();
    },
  },
  {
    name: 'list: gives the keys that begin with the prefix, each once',
    async check(stage) {
      const keys = await Promise.all(['a/b', 'a/bc', 'ab', 'a-b', 'b'].map((word) => stage.put(marker(word), `${stage.prefix}${word}`)));
      const beginning = (prefix: string): readonly string[] => keys.filter((key) => key.startsWith(prefix)).toSorted();
      for (const word of ['', 'a', 'a/', 'a/b', 'a/bc', 'a-', 'a-b', 'b', 'a/bcd', 'c']) {
        assertEqual(await stage.listed(stage.prefix + word), beginning(stage.prefix + word), `the keys with the prefix "${word}"`);
      }
    },
  },
  {
    name: 'list: takes the prefix as plain text, without wildcards',
    async check(stage) {
      await stage.put(marker('plain'), `${stage.prefix}plain`);
      for (const prefix of [
        '%',
        '_',
        '*',
        '?',
        '.',
        '.*',
        '[a-z]',
        `${stage.prefix}_lain`,
        `${stage.prefix}%`,
        `${stage.prefix}*`,
        '"',
        "'",
      ]) {
        assertEqual(await stage.listed(prefix), [], `the keys with the prefix ${prefix}`);
      }
      assertEqual(await stage.listed(stage.prefix.toUpperCase()), [], 'the keys with the prefix in capitals');
    },
  },
  {
    name: 'list: with an empty prefix gives every key',
    async check(stage) {
      const key = await stage.put(marker('every'));
      assert((await stage.listed('')).includes(key), 'an empty prefix is that of every key');
    },
  },
  {
    name: 'list: gives many keys, and a reader may leave early and do other things meanwhile',
    async check(stage) {
      const values = await stage.putMany(stage.crowd * 4);
      const keys = [...values.keys()].toSorted();
      assertEqual(await stage.listed(), keys, 'the list');
      const reading = stage.store.list(stage.prefix, new AbortController().signal);
      let read = 0;
      for await (const key of reading) {
        read++;
        await stage.store.delete(key);
        await stage.store.health();
        if (read === 2) break;
      }
      assertEqual(read, 2, 'how many keys were read');
      assertEqual((await stage.listed()).length, keys.length - 2, 'how many keys are left');
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
    name: 'close: another instance finds everything that was kept',
    alone: true,
    async check(stage) {
      const values = await stage.putMany(stage.crowd);
      await stage.reopen();
      assertEqual(await stage.listed(), [...values.keys()].toSorted(), 'the list of another instance');
      await stage.assertAllKept(values, 'the value in another instance');
      const more = await stage.putMany(1);
      await stage.reopen();
      await stage.assertAllKept(new Map([...values, ...more]), 'the value in a third instance');
    },
  },
];
