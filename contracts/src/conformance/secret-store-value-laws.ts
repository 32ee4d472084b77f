/** The laws of `put`, `get` and `delete`. */
import { assert, assertEqual, assertRejects } from './assertions.ts';
import type { SecretStoreLaw } from './secret-store-law.ts';
import { marker, repeated } from './secret-store-stage.ts';

const LARGEST = 1_048_576;

/** Values that a store of texts, of lines or of C strings would change. */
const ODD_VALUES: ReadonlyMap<string, Uint8Array> = new Map([
  ['one byte', Uint8Array.of(0x61)],
  ['one NUL', Uint8Array.of(0)],
  ['NULs at both ends', Buffer.from('\0inside\0')],
  ['newlines of every kind', Buffer.from('\n a\r\nb\rc \n\n')],
  ['a mark of byte order', Buffer.from('\uFEFFtext')],
  ['invalid UTF-8', Uint8Array.of(0xff, 0xfe, 0x80, 0xc0, 0xaf, 0xed, 0xa0, 0x80, 0xf5)],
  ['every byte', Uint8Array.from({ length: 256 }, (_, byte) => byte)],
  ['what looks like base64', Buffer.from('c2VjcmV0')],
  ['what looks like JSON', Buffer.from('{"a": "\\u0000"}')],
]);

export const valueLaws: readonly SecretStoreLaw[] = [
  {
    name: 'put: get gives the value byte for byte, whatever its bytes',
    async check(stage) {
      const keys = new Map<string, Uint8Array>();
      for (const value of ODD_VALUES.values()) keys.set(await stage.put(value), value);
      await stage.assertAllKept(keys, 'an odd value');
      // Reading takes nothing away.
      await stage.assertAllKept(keys, 'an odd value, read again');
    },
  },
  {
    name: 'put: takes a value of 1,048,576 bytes',
    async check(stage) {
      const value = repeated(marker('largest'), LARGEST);
      await stage.assertKept(await stage.put(value), value);
    },
  },
  {
    name: 'put: takes the longest key, and keys that differ in little',
    async check(stage) {
      const values = new Map<string, Uint8Array>();
      const longest = stage.key().padEnd(128, '-x');
      const alike = ['a-b', 'a/b', 'ab', '0', '00', '-', '--'].map((word) => `${stage.prefix}${word}`);
      for (const key of [longest, longest.slice(0, -1), ...alike]) {
        const value = marker('key');
        values.set(await stage.put(value, key), value);
      }
      await stage.assertAllKept(values, 'the value');
    },
  },
  {
    name: 'put: rejects with ALREADY_EXISTS for a key that is kept, and leaves that as it is',
    async check(stage) {
      const former = marker('former');
      const key = await stage.put(former);
      await assertRejects(() => stage.store.put(key, marker('latter')), 'ALREADY_EXISTS', 'a put of another value');
      await assertRejects(() => stage.store.put(key, former), 'ALREADY_EXISTS', 'a put of the same value');
      await stage.assertKept(key, former);
      await stage.reopen();
      await assertRejects(() => stage.store.put(key, marker('latter')), 'ALREADY_EXISTS', 'a put in another instance');
      await stage.assertKept(key, former, 'the value in another instance');
    },
  },
  {
    name: 'put: of many at once for one key keeps one, and get gives that one',
    async check(stage) {
      const key = stage.key();
      const values = Array.from({ length: 8 }, (_, index) => marker(`racer ${index}`));
      const outcomes = await Promise.allSettled(values.map((value) => stage.store.put(key, value)));
      const kept = values.filter((_, index) => outcomes[index]?.status === 'fulfilled');
      assertEqual(kept.length, 1, 'how many of the puts were kept');
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected')
          await assertRejects(() => Promise.reject(outcome.reason as Error), 'ALREADY_EXISTS', 'a put that lost');
      }
      await stage.assertKept(key, kept[0] ?? new Uint8Array());
    },
  },
  {
    name: 'put, get and delete: many at once do not disturb each other',
    async check(stage) {
      const staying = await stage.putMany(stage.crowd);
      const going = await stage.putMany(stage.crowd);
      const [, , coming] = await Promise.all([
        stage.assertAllKept(staying, 'the value of one that stays'),
        Promise.all([...going.keys()].map((key) => stage.store.delete(key))),
        stage.putMany(stage.crowd),
      ]);
      await stage.assertAllKept(new Map([...staying, ...coming]), 'the value afterwards');
      for (const key of going.keys()) await assertRejects(() => stage.store.get(key), 'NOT_FOUND', 'get of one that was deleted');
    },
  },
  {
    name: 'get: rejects with NOT_FOUND for a key that is not kept',
    async check(stage) {
      const key = await stage.put(marker('neighbour'));
      await assertRejects(() => stage.store.get(stage.key()), 'NOT_FOUND', 'get of a key that was never put');
      await assertRejects(() => stage.store.get(key.slice(0, -1)), 'NOT_FOUND', 'get of the beginning of a key');
      await assertRejects(() => stage.store.get(`${key}0`), 'NOT_FOUND', 'get of a longer key');
    },
  },
  {
    name: 'delete: forgets the value, for other instances too',
    async check(stage) {
      const neighbour = marker('neighbour');
      const other = await stage.put(neighbour);
      const key = await stage.put(marker('forgotten'));
      await stage.store.delete(key);
      await assertRejects(() => stage.store.get(key), 'NOT_FOUND', 'get after delete');
      assertEqual(await stage.listed(), [other], 'the list after delete');
      await stage.reopen();
      await assertRejects(() => stage.store.get(key), 'NOT_FOUND', 'get after delete, in another instance');
      assertEqual(await stage.listed(), [other], 'the list after delete, in another instance');
      await stage.assertKept(other, neighbour, 'the value of another key');
    },
  },
  {
    name: 'delete: succeeds for a key that is not kept',
    async check(stage) {
      await stage.store.delete(stage.key());
      const key = await stage.put(marker('twice'));
      await Promise.all([stage.store.delete(key), stage.store.delete(key)]);
      await stage.store.delete(key);
    },
  },
  {
    name: 'delete: what is put afterwards under the same key is kept',
    async check(stage) {
      const key = await stage.put(marker('former'));
      await stage.store.delete(key);
      const latter = marker('latter');
      await stage.put(latter, key);
      await stage.assertKept(key, latter);
      assert((await stage.listed()).includes(key), 'the key must be listed');
      await stage.reopen();
      await stage.assertKept(key, latter, 'the value in another instance');
    },
  },
];
