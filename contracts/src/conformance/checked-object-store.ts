/** An object store of which every result is checked to be plain data, and every piece to be well-formed. */
import type { ObjectStat } from '../object-store.ts';
import { assert, assertData } from './assertions.ts';
import type { OpenObjectStore } from './object-store-harness.ts';

export function checkedObjectStore(store: OpenObjectStore): OpenObjectStore {
  return {
    put: async (key, signal, body) => checkedStat(await store.put(key, signal, body), 'the result of put'),
    async *get(key, range, signal) {
      for await (const piece of store.get(key, range, signal)) {
        assert(piece instanceof Uint8Array && piece.byteLength > 0, 'a piece of get must hold one byte or more');
        yield piece;
      }
    },
    stat: async (key) => checkedStat(await store.stat(key), 'the result of stat'),
    delete: (key) => store.delete(key),
    async *list(prefix, signal) {
      for await (const item of store.list(prefix, signal)) {
        assert(typeof item.key === 'string', 'an item of list must have a key');
        yield checkedStat(item, 'an item of list');
      }
    },
    health: () => store.health(),
    close: () => store.close(),
  };
}

function checkedStat<Stat extends ObjectStat>(stat: Stat, what: string): Stat {
  assertData(stat, what);
  assert(Number.isSafeInteger(stat.size) && stat.size >= 0, `${what} must have a size in whole bytes`);
  return stat;
}
