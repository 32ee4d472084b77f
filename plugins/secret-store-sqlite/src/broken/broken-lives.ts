/** What can be wrong with `list`, and with an instance as a whole. */
import { GoferError } from '@gofer/contracts';
import type { BrokenSecretStore } from './broken-secret-store.ts';
import { everyKey } from './broken-secret-store.ts';

export const BROKEN_LIVES: readonly BrokenSecretStore[] = [
  {
    fault: 'declares what it is not',
    fails: ['capabilities: are'],
    declares: { rotation: false },
    breaks: () => ({}),
  },
  {
    fault: 'is never healthy',
    fails: ['health: resolves'],
    breaks: () => ({ health: () => Promise.reject(new GoferError('UNAVAILABLE', 'no')) }),
  },
  {
    fault: 'lists every key whatever the prefix',
    fails: ['list: gives the keys', 'list: takes the prefix'],
    breaks: (sound) => ({ list: (_prefix, signal) => sound.list('', signal) }),
  },
  {
    fault: 'takes a prefix for a folder',
    fails: ['list: gives the keys'],
    breaks: (sound) => ({
      async *list(prefix, signal) {
        const folder = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
        yield* sound.list(folder, signal);
      },
    }),
  },
  {
    fault: 'lists a key twice',
    fails: ['list: gives the keys', 'list: gives many'],
    breaks: (sound) => ({
      async *list(...args) {
        for await (const key of sound.list(...args)) {
          yield key;
          yield key;
        }
      },
    }),
  },
  {
    fault: 'lists objects',
    fails: ['list: gives the keys', 'list: with an empty'],
    breaks: (sound) => ({
      async *list(...args) {
        for await (const key of sound.list(...args)) yield { key } as unknown as string;
      },
    }),
  },
  {
    fault: 'takes a prefix for a pattern',
    fails: ['list: takes the prefix'],
    breaks: (sound) => ({
      async *list(prefix) {
        const pattern = new RegExp(`^${prefix.replace(/^[*?]/, '.*').replaceAll('%', '.*').replaceAll('_', '.')}`);
        for (const key of await everyKey(sound)) if (pattern.test(key)) yield key;
      },
    }),
  },
  {
    fault: 'makes no difference between capitals and small letters',
    fails: ['list: takes the prefix'],
    breaks: (sound) => ({ list: (prefix, signal) => sound.list(prefix.toLowerCase(), signal) }),
  },
  {
    fault: 'lists nothing for an empty prefix',
    fails: ['list: with an empty'],
    breaks: (sound) => ({
      async *list(prefix, signal) {
        if (prefix !== '') yield* sound.list(prefix, signal);
      },
    }),
  },
  {
    fault: 'lists one page',
    fails: ['list: gives many'],
    breaks: (sound) => ({
      async *list(...args) {
        let left = 20;
        for await (const key of sound.list(...args)) {
          if (left-- === 0) return;
          yield key;
        }
      },
    }),
  },
  {
    fault: 'cannot delete while a list is read',
    fails: ['list: gives many'],
    breaks(sound) {
      let reading = 0;
      return {
        async *list(...args) {
          reading++;
          try {
            yield* sound.list(...args);
          } finally {
            reading--;
          }
        },
        async delete(key) {
          if (reading > 0) throw new GoferError('UNAVAILABLE', 'a statement is being read');
          await sound.delete(key);
        },
      };
    },
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
    fails: ['close: another instance', 'delete: what is put', 'put: rejects with ALREADY_EXISTS'],
    breaks(sound) {
      let closed = false;
      return {
        async close() {
          if (!closed) for (const key of await everyKey(sound)) await sound.delete(key);
          closed = true;
          await sound.close();
        },
      };
    },
  },
  {
    fault: 'keeps what it gets only in memory',
    fails: ['close: another instance'],
    breaks(sound) {
      const values = new Map<string, Uint8Array>();
      return {
        async put(key, value) {
          if (values.has(key)) throw new GoferError('ALREADY_EXISTS', 'it is kept');
          values.set(key, value);
        },
        async get(key) {
          const value = values.get(key);
          if (value === undefined) throw new GoferError('NOT_FOUND', 'it is not kept');
          return value;
        },
        delete: async (key) => void values.delete(key),
        async *list(prefix) {
          for (const key of values.keys()) if (key.startsWith(prefix)) yield key;
        },
        close: () => sound.close(),
      };
    },
  },
];
