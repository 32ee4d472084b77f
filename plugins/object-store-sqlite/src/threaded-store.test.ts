/** What the death of the store's thread means to those who wait, and to those who come after. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import type { PluginHost, PluginLog } from '@gofer/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareStoreFile } from './store-file.ts';
import { ThreadedStore } from './threaded-store.ts';

const NEVER = new AbortController().signal;
const UNAVAILABLE = { status: 'rejected', reason: { code: 'UNAVAILABLE' } };

async function* body(...pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

describe('the thread of the object store sqlite', () => {
  let directory: string;
  let path: string;
  let logged: Parameters<PluginLog>[];
  let host: PluginHost;
  let store: ThreadedStore;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'gofer-objects-'));
    path = join(directory, 'objects.db');
    logged = [];
    host = { instanceId: 'server-a', dataDirectory: directory, log: (...line) => void logged.push(line) };
    prepareStoreFile(path, host.instanceId);
    store = new ThreadedStore(path, host);
  });
  afterEach(async () => {
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('rejects what is pending with UNAVAILABLE when it dies, and the next call starts another', async () => {
    let thread: Worker | undefined;
    process.once('worker', (worker) => {
      thread = worker;
    });
    await store.put('kept', NEVER, body(new Uint8Array(3_000_000)));
    expect(thread).toBeDefined();
    const reading = store.get('kept', undefined, NEVER)[Symbol.asyncIterator]();
    await reading.next();
    const asked = Promise.withResolvers<void>();
    let left = false;
    const putting = store.put('unfinished', NEVER, {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          asked.resolve();
          return new Promise(() => undefined);
        },
        return: async () => {
          left = true;
          return { done: true, value: undefined };
        },
      }),
    });
    const outcome = Promise.allSettled([putting]);
    await asked.promise;
    await thread?.terminate();
    expect(await outcome).toMatchObject([UNAVAILABLE]);
    expect(left).toBe(true);
    const drained = async (): Promise<void> => {
      for (;;) if ((await reading.next()).done === true) return;
    };
    await expect(drained()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(await store.stat('kept')).toEqual({ size: 3_000_000 });
    await expect(store.stat('unfinished')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await store.put('unfinished', NEVER, body(new Uint8Array(10)));
    while (logged.length === 0) await delay(5);
    expect(logged).toEqual([['error', expect.stringContaining('thread of the object store ended')]]);
  });

  it('says why it could not be started', async () => {
    rmSync(path);
    writeFileSync(path, 'no database, but long enough to be one'.repeat(100));
    const failure = { code: 'DATA_LOSS', message: expect.stringContaining(path) };
    const unread = body(new Uint8Array(1));
    await expect(store.put('a', NEVER, unread)).rejects.toMatchObject(failure);
    expect(await unread.next()).toEqual({ done: true, value: undefined });
    await expect(store.stat('a')).rejects.toMatchObject(failure);
    await expect(store.list('', NEVER)[Symbol.asyncIterator]().next()).rejects.toMatchObject(failure);
  });

  it('is closed while it starts', async () => {
    const stat = Promise.allSettled([store.stat('a')]);
    await Promise.all([store.close(), store.close()]);
    expect((await stat)[0]?.status).toBe('rejected');
  });
});
