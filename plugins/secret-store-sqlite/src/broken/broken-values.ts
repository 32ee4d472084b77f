/** What can be wrong with `put`, `get` and `delete`. */
import { setImmediate } from 'node:timers/promises';
import { GoferError, isGoferError } from '@gofer/contracts';
import type { BrokenSecretStore } from './broken-secret-store.ts';
import { everyKey, withoutCode } from './broken-secret-store.ts';

export const BROKEN_VALUES: readonly BrokenSecretStore[] = [
  {
    fault: 'keeps texts',
    fails: ['put: get gives'],
    breaks: (sound) => ({ put: (key, value) => sound.put(key, Buffer.from(new TextDecoder().decode(value))) }),
  },
  {
    fault: 'ends a value at its first NUL',
    fails: ['put: get gives'],
    breaks: (sound) => ({
      get: async (key) =>
        Buffer.from(
          Buffer.from(await sound.get(key))
            .toString('latin1')
            .split('\0')[0] ?? '',
        ),
    }),
  },
  {
    fault: 'gives a value once',
    fails: ['put: get gives', 'close: another instance'],
    breaks: (sound) => ({
      async get(key) {
        const value = await sound.get(key);
        await sound.delete(key);
        return value;
      },
    }),
  },
  {
    fault: 'gives no bytes but a text',
    fails: ['put: get gives', 'put: takes a value'],
    breaks: (sound) => ({ get: async (key) => Buffer.from(await sound.get(key)).toString() as unknown as Uint8Array }),
  },
  {
    fault: 'cuts a large value',
    fails: ['put: takes a value'],
    breaks: (sound) => ({ put: (key, value) => sound.put(key, value.subarray(0, 1_000_000)) }),
  },
  {
    fault: 'cuts a long key',
    fails: ['put: takes the longest key'],
    breaks: (sound) => ({ put: (key, value) => sound.put(key.slice(0, 127), value), get: (key) => sound.get(key.slice(0, 127)) }),
  },
  {
    fault: 'makes one of keys that differ in a slash',
    fails: ['put: takes the longest key'],
    breaks: (sound) => ({
      put: (key, value) => sound.put(key.replaceAll('/', '-'), value),
      get: (key) => sound.get(key.replaceAll('/', '-')),
      delete: (key) => sound.delete(key.replaceAll('/', '-')),
    }),
  },
  {
    fault: 'overwrites',
    fails: ['put: rejects with ALREADY_EXISTS'],
    breaks: (sound) => ({
      async put(key, value) {
        await sound.delete(key);
        await sound.put(key, value);
      },
    }),
  },
  {
    fault: 'overwrites, and rejects all the same',
    fails: ['put: rejects with ALREADY_EXISTS'],
    breaks: (sound) => ({
      put: (key, value) =>
        sound.put(key, value).catch(async (error: unknown) => {
          await sound.delete(key);
          await sound.put(key, value);
          throw error;
        }),
    }),
  },
  {
    fault: 'looks first and writes later',
    fails: ['put: of many at once'],
    breaks: (sound) => ({
      async put(key, value) {
        if ((await everyKey(sound)).includes(key)) throw new GoferError('ALREADY_EXISTS', 'it is kept');
        await setImmediate();
        await sound.delete(key);
        await sound.put(key, value);
      },
    }),
  },
  {
    fault: 'has nowhere to put a value while it puts another',
    fails: ['put, get and delete: many'],
    breaks(sound) {
      let pending: Uint8Array | undefined;
      return {
        async put(key, value) {
          pending = value;
          await setImmediate();
          await sound.put(key, pending ?? value);
        },
      };
    },
  },
  {
    fault: 'gives nothing for what it does not know',
    fails: ['get: rejects with NOT_FOUND', 'delete: forgets', 'put, get and delete: many', 'rotate: every other'],
    breaks: (sound) => ({ get: (key) => sound.get(key).catch(() => new Uint8Array()) }),
  },
  {
    fault: 'finds a key by its beginning',
    fails: ['get: rejects with NOT_FOUND'],
    breaks: (sound) => ({
      async get(key) {
        const found = (await everyKey(sound)).find((other) => other.startsWith(key));
        return sound.get(found ?? key);
      },
    }),
  },
  {
    fault: 'fails to get without a code',
    fails: ['get: rejects with NOT_FOUND', 'delete: forgets'],
    breaks: (sound) => ({
      get: (key) =>
        sound.get(key).catch((error: unknown) => {
          throw withoutCode(error);
        }),
    }),
  },
  {
    fault: 'deletes nothing',
    fails: ['delete: forgets', 'delete: what is put', 'put, get and delete: many', 'list: gives many'],
    breaks: () => ({ delete: async () => undefined }),
  },
  {
    fault: 'deletes for this instance only',
    fails: ['delete: forgets'],
    breaks(sound) {
      const deleted = new Set<string>();
      return {
        async delete(key) {
          deleted.add(key);
        },
        async get(key) {
          if (deleted.has(key)) throw new GoferError('NOT_FOUND', 'it was deleted');
          return sound.get(key);
        },
        async *list(...args) {
          for await (const key of sound.list(...args)) if (!deleted.has(key)) yield key;
        },
      };
    },
  },
  {
    fault: 'deletes the keys beside as well',
    fails: ['delete: forgets', 'list: gives many'],
    breaks: (sound) => ({
      async delete(key) {
        const beside = key.slice(0, key.lastIndexOf('/'));
        for (const other of await everyKey(sound)) if (other.startsWith(beside)) await sound.delete(other);
      },
    }),
  },
  {
    fault: 'rejects a delete of what it does not know',
    fails: ['delete: succeeds'],
    breaks: (sound) => ({
      async delete(key) {
        await sound.get(key);
        await sound.delete(key);
      },
    }),
  },
  {
    fault: 'takes a key once only',
    fails: ['delete: what is put'],
    breaks(sound) {
      const used = new Set<string>();
      return {
        async put(key, value) {
          if (used.has(key)) throw new GoferError('ALREADY_EXISTS', 'it was kept');
          await sound.put(key, value);
          used.add(key);
        },
      };
    },
  },
  {
    fault: 'remembers what was deleted',
    fails: ['delete: what is put'],
    breaks(sound) {
      const remembered = new Map<string, Uint8Array>();
      return {
        put: (key, value) =>
          sound.put(key, value).then(() => {
            if (!remembered.has(key)) remembered.set(key, value);
          }),
        get: (key) =>
          sound.get(key).then(
            (value) => remembered.get(key) ?? value,
            (error: unknown) => {
              if (isGoferError(error)) throw error;
              throw withoutCode(error);
            },
          ),
      };
    },
  },
];
