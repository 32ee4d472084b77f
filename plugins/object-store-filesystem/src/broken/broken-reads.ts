/** What can be wrong with `get`, `stat`, `delete` and `list`, and with an instance as a whole. */
import { GoferError, type StoredObject } from '@gofer/contracts';
import type { OpenObjectStore } from '@gofer/contracts/conformance';
import type { BrokenStore } from './broken-store.ts';
import { collected, given, NEVER, ranges, statOf } from './broken-store.ts';

async function list(sound: OpenObjectStore): Promise<readonly StoredObject[]> {
  const items: StoredObject[] = [];
  for await (const item of sound.list('', NEVER)) items.push(item);
  return items;
}

export const BROKEN_READS: readonly BrokenStore[] = [
  {
    fault: 'takes the end of a range for the byte behind it',
    fails: ['get: gives the range'],
    breaks: ranges(({ start, end }) => (end === undefined || end === start ? { start } : { start, end: end - 1 })),
  },
  {
    fault: 'gives the whole whatever the range',
    fails: ['get: gives the range', 'get: rejects with INVALID_ARGUMENT'],
    breaks: ranges(() => undefined),
  },
  {
    fault: 'gives nothing for a range behind the end',
    fails: ['get: rejects with INVALID_ARGUMENT'],
    breaks: (sound) => ({
      async *get(key, range, signal) {
        const { size } = await sound.stat(key);
        if (range === undefined || range.start < size) yield* sound.get(key, range, signal);
      },
    }),
  },
  {
    fault: 'gives an empty piece',
    fails: ['get: gives the range', 'get: rejects with INVALID_ARGUMENT'],
    breaks: (sound) => ({
      async *get(...args) {
        yield* sound.get(...args);
        yield new Uint8Array();
      },
    }),
  },
  {
    fault: 'takes a key that is not kept for an empty body',
    fails: ['get: rejects with NOT_FOUND', 'put: nobody sees the key', 'delete: forgets a key'],
    breaks: (sound) => ({
      async *get(key, range, signal) {
        if ((await statOf(sound, key)) !== undefined) yield* sound.get(key, range, signal);
      },
    }),
  },
  {
    fault: 'fails without a code for a key that is not kept',
    fails: ['get: rejects with NOT_FOUND'],
    breaks: (sound) => ({
      stat: (key) =>
        sound.stat(key).catch((error: unknown) => {
          throw new Error(String(error));
        }),
    }),
  },
  {
    fault: 'has one reader of a body at a time',
    fails: ['get: readers of one body'],
    breaks(sound) {
      const reading = new Set<string>();
      return {
        async *get(key, range, signal) {
          if (reading.has(key)) throw new GoferError('UNAVAILABLE', 'it is being read');
          reading.add(key);
          try {
            yield* sound.get(key, range, signal);
          } finally {
            reading.delete(key);
          }
        },
      };
    },
  },
  {
    fault: 'does not hear an abort of get',
    fails: ['get: rejects with CANCELLED'],
    breaks: (sound) => ({ get: (key, range) => sound.get(key, range, NEVER) }),
  },
  {
    fault: 'reads ahead without bound',
    fails: ['get: waits for a reader'],
    breaks: (sound) => ({
      async *get(...args) {
        yield* await collected(sound.get(...args));
      },
    }),
  },
  {
    fault: 'ends early where a body is deleted meanwhile',
    fails: ['get: of a body that is deleted'],
    breaks: (sound) => ({
      async *get(key, range, signal) {
        for await (const piece of sound.get(key, range, signal)) {
          if ((await statOf(sound, key)) === undefined) return;
          yield piece;
        }
      },
    }),
  },
  {
    fault: 'rejects a second deletion',
    fails: ['delete: succeeds for a key'],
    breaks: (sound) => ({
      async delete(key) {
        await sound.stat(key);
        await sound.delete(key);
      },
    }),
  },
  {
    fault: 'forgets nothing',
    fails: ['delete: forgets a key', 'put: keeps another body', 'list: gives each of many', 'get: of a body that is deleted'],
    breaks: () => ({ delete: async () => undefined }),
  },
  {
    fault: 'deletes what begins with the key',
    fails: ['delete: forgets a key'],
    breaks: (sound) => ({
      async delete(key) {
        for (const item of await list(sound)) if (item.key.startsWith(key)) await sound.delete(item.key);
      },
    }),
  },
  {
    fault: 'takes a prefix for a directory',
    fails: ['list: gives the keys'],
    breaks: (sound) => ({
      async *list(prefix, signal) {
        const directory = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
        for await (const item of sound.list(prefix, signal)) if (item.key === prefix || item.key.startsWith(directory)) yield item;
      },
    }),
  },
  {
    fault: 'does not look below the first slash behind a prefix',
    fails: ['list: gives the keys', 'list: gives each of many'],
    breaks: (sound) => ({
      async *list(prefix, signal) {
        for await (const item of sound.list(prefix, signal)) if (!item.key.slice(prefix.length).includes('/')) yield item;
      },
    }),
  },
  {
    fault: 'does not know the sizes that it lists',
    fails: ['list: gives the keys', 'delete: forgets a key'],
    breaks: (sound) => ({
      async *list(prefix, signal) {
        for await (const { key } of sound.list(prefix, signal)) yield { key, size: 1 };
      },
    }),
  },
  {
    fault: 'lists a hundred keys at most',
    fails: ['list: gives each of many'],
    breaks: (sound) => ({
      async *list(prefix, signal) {
        let count = 0;
        for await (const item of sound.list(prefix, signal)) if (count++ < 100) yield item;
      },
    }),
  },
  {
    fault: 'is never healthy',
    fails: ['health: resolves'],
    breaks: () => ({ health: () => Promise.reject(new GoferError('UNAVAILABLE', 'no')) }),
  },
  {
    fault: 'rejects a second close',
    fails: ['close: a second call'],
    breaks(sound) {
      let closed = false;
      return {
        async close() {
          if (closed) throw new GoferError('FAILED_PRECONDITION', 'closed already');
          closed = true;
          await sound.close();
        },
      };
    },
  },
  {
    fault: 'forgets everything when it closes',
    fails: ['close: another instance'],
    breaks: (sound) => ({
      async close() {
        for (const { key } of await list(sound)) await sound.delete(key);
        await sound.close();
      },
    }),
  },
  {
    fault: 'says that it is unavailable where there is no room, and keeps what there was',
    fails: ['put: rejects with STORAGE_FULL'],
    breaks: (sound) => ({
      async put(key, signal, body) {
        try {
          return await sound.put(key, signal, body);
        } catch (cause) {
          await sound.put(key, signal, given([]));
          throw new GoferError('UNAVAILABLE', 'it failed', { cause });
        }
      },
    }),
  },
];
