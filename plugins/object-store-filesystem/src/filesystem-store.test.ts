import { globSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { ObjectStore, PluginInstance } from '@gofer/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepsAnyBody } from '../../../test/backends/any-body.ts';
import { leaveUnfinishedPut } from '../../../test/backends/unfinished-put.ts';
import { plugin } from './plugin.ts';

const NEVER = new AbortController().signal;

async function* body(...pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

describe('the object store filesystem', () => {
  let directory: string;
  let path: string;
  let open: (ObjectStore & PluginInstance)[];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'gofer-objects-'));
    path = join(directory, 'some', 'objects');
    open = [];
  });
  afterEach(async () => {
    for (const store of open) await store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const create = async (instanceId = 'server-a', where = path): Promise<ObjectStore & PluginInstance> => {
    const store = await plugin.create({ path: where }, { instanceId, dataDirectory: directory, log: () => undefined });
    open.push(store);
    return store;
  };
  const files = (): string[] =>
    globSync('**', { cwd: path, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(path, join(entry.parentPath, entry.name)));

  it('keeps an object as one file that only its owner may read, and leaves nothing beside it', async () => {
    const store = await create();
    await store.put('server-a/one', NEVER, body(Buffer.from('text')));
    expect(files()).toEqual(['server-a/one']);
    expect(statSync(join(path, 'server-a/one')).mode & 0o777).toBe(0o600);
    for (const made of ['', 'server-a', '.incoming']) expect(statSync(join(path, made)).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(path, '.incoming'))).toEqual([]);
    await store.delete('server-a/one');
    expect(readdirSync(path)).toEqual(['.incoming']);
  });

  it('leaves nothing of puts that were rejected', async () => {
    const store = await create();
    await store.put('a/kept', NEVER, body(Buffer.from('text')));
    const aborted = AbortSignal.abort();
    await expect(store.put('a/kept', NEVER, body(Buffer.from('other')))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await expect(store.put('b/c/d', aborted, body())).rejects.toMatchObject({ code: 'CANCELLED' });
    await store.delete('a/kept');
    expect(readdirSync(path)).toEqual(['.incoming']);
    expect(readdirSync(join(path, '.incoming'))).toEqual([]);
  });

  it('keeps a directory for a put while another empties it', async () => {
    const store = await create();
    for (let round = 0; round < 30; round++) {
      await store.put('shared/deep/gone', NEVER, body());
      await Promise.all([
        store.delete('shared/deep/gone'),
        store.put('shared/deep/a', NEVER, body(Buffer.from('a'))),
        store.put('shared/deep/b', NEVER, body()),
      ]);
      expect(files().toSorted()).toEqual(['shared/deep/a', 'shared/deep/b']);
      await Promise.all([store.delete('shared/deep/a'), store.delete('shared/deep/b')]);
    }
    expect(readdirSync(path)).toEqual(['.incoming']);
  });

  it('refuses what is no key', async () => {
    const store = await create();
    for (const key of ['', '/', '../x', 'a//b', 'a/../b', '/etc/passwd', '.incoming/x', 'a/', 'A']) {
      const results = await Promise.allSettled([store.put(key, NEVER, body()), store.stat(key), store.delete(key)]);
      const refused = { status: 'rejected', reason: { code: 'INVALID_ARGUMENT' } };
      expect({ key, results }).toMatchObject({ key, results: [refused, refused, refused] });
    }
    expect(files()).toEqual([]);
  });

  it('does not list what is no object', async () => {
    const store = await create();
    await store.put('a', NEVER, body());
    mkdirSync(join(path, 'lost+found'));
    writeFileSync(join(path, 'lost+found', 'x'), '');
    writeFileSync(join(path, '.hidden'), '');
    const keys: string[] = [];
    for await (const { key } of store.list('', NEVER)) keys.push(key);
    expect(keys).toEqual(['a']);
  });

  it('refuses a path where it cannot keep objects, and says which', async () => {
    const file = join(directory, 'file');
    writeFileSync(file, '');
    for (const where of [file, join(file, 'below'), '/proc/gofer/objects']) {
      await expect(create('server-a', where)).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(where) });
    }
  });

  it('is not healthy once its directory is gone', async () => {
    const store = await create();
    await store.health();
    rmSync(path, { recursive: true });
    await expect(store.health()).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining(path) });
  });

  it('says that bytes are lost where a file was cut off while it is read', async () => {
    const store = await create();
    await store.put('cut', NEVER, body(new Uint8Array(3_000_000)));
    const read = async (): Promise<void> => {
      for await (const piece of store.get('cut', undefined, NEVER)) if (piece.byteLength > 0) truncateSync(join(path, 'cut'), 10);
    };
    await expect(read()).rejects.toMatchObject({ code: 'DATA_LOSS', message: expect.stringContaining(join(path, 'cut')) });
  });

  it('ends what is going on when it is closed', async () => {
    const store = await create();
    await store.put('kept', NEVER, body(new Uint8Array(3_000_000)));
    const reading = store.get('kept', undefined, NEVER)[Symbol.asyncIterator]();
    await reading.next();
    const asked = Promise.withResolvers<void>();
    const putting = store.put(
      'unfinished',
      NEVER,
      (async function* () {
        yield new Uint8Array(3_000_000);
        asked.resolve();
        await new Promise(() => undefined);
      })(),
    );
    const outcome = Promise.allSettled([putting]);
    await asked.promise;
    await store.close();
    expect(await outcome).toMatchObject([{ status: 'rejected', reason: { code: 'UNAVAILABLE' } }]);
    await expect(reading.next()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(store.stat('kept')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(files()).toEqual(['kept']);
  });

  it('removes what its last instance left when it was killed, and nothing of others', async () => {
    const module = new URL('./index.ts', import.meta.url).href;
    await leaveUnfinishedPut(module, { path }, 'server-a', 5);
    await leaveUnfinishedPut(module, { path: join(directory, 'other') }, 'server-a2', 1);
    const [left] = readdirSync(join(directory, 'other/.incoming'));
    writeFileSync(join(path, '.incoming', left ?? ''), 'still being written');
    expect(readdirSync(join(path, '.incoming')).length).toBe(2);
    const store = await create();
    expect(readdirSync(join(path, '.incoming'))).toEqual([left]);
    await expect(store.stat('server-a/unfinished')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await store.stat('server-a/whole')).toEqual({ size: 1000 });
    await store.put('server-a/unfinished', NEVER, body(Buffer.from('again')));
    expect(files().toSorted()).toEqual(['server-a/unfinished', 'server-a/whole']);
    expect(readdirSync(join(path, '.incoming'))).toEqual([left]);
  });

  it('gives back any range of any body', async () => {
    await keepsAnyBody(await create());
    expect(readdirSync(path)).toEqual(['.incoming']);
  });
});
