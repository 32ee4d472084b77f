/** A secret store of which every result is checked to be plain data, and every failure is kept for the laws of secrecy. */
import { assert, assertData } from './assertions.ts';
import type { OpenSecretStore } from './secret-store-harness.ts';

/** `failed` is told every error, before whoever asked. */
export function checkedSecretStore(store: OpenSecretStore, failed: (error: unknown) => void): OpenSecretStore {
  const heard = async <Result>(call: () => Promise<Result>): Promise<Result> => {
    try {
      return await call();
    } catch (error) {
      failed(error);
      throw error;
    }
  };
  const nothing = (call: () => Promise<void>, what: string): Promise<void> =>
    heard(async () => {
      const result: unknown = await call();
      assert(result === undefined, `${what} must resolve with nothing`);
    });

  async function* stream<Item>(open: () => AsyncIterable<Item>, check: (item: Item) => void): AsyncGenerator<Item> {
    try {
      for await (const item of open()) {
        check(item);
        yield item;
      }
    } catch (error) {
      failed(error);
      throw error;
    }
  }

  return {
    capabilities: store.capabilities,
    put: (key, value) => nothing(() => store.put(key, value), 'put'),
    get: (key) =>
      heard(async () => {
        const value: unknown = await store.get(key);
        assert(value instanceof Uint8Array, 'get must resolve with a Uint8Array');
        return value;
      }),
    delete: (key) => nothing(() => store.delete(key), 'delete'),
    list: (prefix, signal) =>
      stream(
        () => store.list(prefix, signal),
        (key) => assert(typeof key === 'string', 'list must yield strings'),
      ),
    rotate: (signal) =>
      stream(
        () => store.rotate(signal),
        (progress) => {
          assertData(progress, 'an item of rotate');
          const { done, total } = progress;
          assert(
            Number.isSafeInteger(done) && Number.isSafeInteger(total) && done >= 0 && done <= total,
            `rotate must tell whole numbers, done not above total; it told ${done} of ${total}`,
          );
        },
      ),
    health: () => nothing(() => store.health(), 'health'),
    close: () => nothing(() => store.close(), 'close'),
  };
}
