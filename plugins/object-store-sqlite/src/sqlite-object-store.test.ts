import { mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ObjectStore, PluginInstance, PluginLog } from '@gofer/contracts';
import SQLite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepsAnyBody } from '../../../test/backends/any-body.ts';
import { leaveUnfinishedPut } from '../../../test/backends/unfinished-put.ts';
import { plugin } from './plugin.ts';

const NEVER = new AbortController().signal;
const MIB = 1024 * 1024;

async function* body(...pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

async function* zeros(mebibytes: number): AsyncGenerator<Uint8Array> {
  const piece = new Uint8Array(MIB);
  for (let given = 0; given < mebibytes; given++) yield piece;
}

async function sizeOf(bytes: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0;
  for await (const piece of bytes) size += piece.byteLength;
  return size;
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const end = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('the object store sqlite', () => {
  let directory: string;
  let path: string;
  let open: (ObjectStore & PluginInstance)[];
  let logged: Parameters<PluginLog>[];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'gofer-objects-'));
    path = join(directory, 'some', 'objects.db');
    open = [];
    logged = [];
  });
  afterEach(async () => {
    for (const store of open) await store.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const create = async (instanceId = 'server-a', where = path): Promise<ObjectStore & PluginInstance> => {
    const store = await plugin.create({ path: where }, { instanceId, dataDirectory: directory, log: (...line) => void logged.push(line) });
    open.push(store);
    return store;
  };
  /** What is in the file, read beside the store. */
  const inFile = (sql: string): unknown => {
    const connection = new SQLite(path, { readonly: true });
    try {
      return connection.prepare(sql).pluck().get();
    } finally {
      connection.close();
    }
  };

  it('keeps everything in one file that only its owner may read', async () => {
    const store = await create();
    await store.put('a/one', NEVER, body(Buffer.from('text')));
    for (const file of [path, `${path}-wal`]) expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, 'some')).mode & 0o777).toBe(0o700);
    await store.close();
    expect(inFile('PRAGMA auto_vacuum')).toBe(2);
    expect(inFile('PRAGMA integrity_check')).toBe('ok');
  });

  it('removes the chunks of what was deleted or not finished and gives their room back', async () => {
    const store = await create();
    await store.put('a/large', NEVER, zeros(40));
    await store.put('a/small', NEVER, body(Buffer.from('text')));
    const controller = new AbortController();
    const aborted = store.put('a/aborted', controller.signal, zeros(30));
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ code: 'CANCELLED' });
    await store.delete('a/large');
    await until(
      'the removal of the chunks',
      () => inFile('SELECT count(*) FROM chunks') === 1 && inFile('SELECT count(*) FROM blobs') === 1,
    );
    await until('the room', () => statSync(path).size < 20 * MIB);
    expect(logged).toEqual([]);
  });

  it('is ready without its thread, and healthy', async () => {
    const store = await create();
    await store.health();
    await store.close();
    await expect(store.health()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(store.put('a', NEVER, body())).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('is not healthy once its file is gone', async () => {
    const store = await create();
    rmSync(path);
    await expect(store.health()).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining(path) });
  });

  it('refuses a file that it cannot use, says which, and leaves it as it is', async () => {
    const file = join(directory, 'file');
    writeFileSync(file, 'this is a text and no database, and it is long enough to be looked at as one. '.repeat(20));
    const before = readFileSync(file);
    await expect(create('server-a', file)).rejects.toMatchObject({
      code: 'DATA_LOSS',
      message: expect.stringMatching(/file" .*Restore it from a backup, or move it away/),
    });
    expect(readFileSync(file).equals(before)).toBe(true);

    const other = join(directory, 'other.db');
    const connection = new SQLite(other);
    connection.exec('CREATE TABLE theirs (a)');
    connection.close();
    await expect(create('server-a', other)).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(other) });

    await create();
    const newer = new SQLite(path);
    newer.pragma('user_version = 99');
    newer.close();
    await expect(create()).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('version 99') });

    for (const where of [directory, join(file, 'below.db'), '/proc/gofer/objects.db']) {
      await expect(create('server-a', where)).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(where) });
    }
  });

  it('says that bytes are lost where the file is damaged, or a part of an object is missing', async () => {
    const store = await create();
    await store.put('a', NEVER, zeros(3));
    await store.put('b', NEVER, zeros(3));
    await store.close();
    const connection = new SQLite(path);
    connection.exec(`DELETE FROM chunks WHERE n = 2 AND blob_id = (SELECT id FROM blobs WHERE key = 'a')`);
    const page = connection.prepare(`SELECT rootpage FROM sqlite_schema WHERE name = 'chunks'`).pluck().get() as number;
    const pageSize = connection.pragma('page_size', { simple: true }) as number;
    connection.close();

    const second = await create();
    await expect(sizeOf(second.get('a', undefined, NEVER))).rejects.toMatchObject({
      code: 'DATA_LOSS',
      message: expect.stringContaining(path),
    });
    expect(await sizeOf(second.get('b', undefined, NEVER))).toBe(3 * MIB);
    await second.close();

    const file = openSync(path, 'r+');
    writeSync(file, Buffer.alloc(pageSize, 0x55), 0, pageSize, (page - 1) * pageSize);
    const third = await create();
    await expect(sizeOf(third.get('b', undefined, NEVER))).rejects.toMatchObject({
      code: 'DATA_LOSS',
      message: expect.stringMatching(/damaged.*Restore it from a backup/),
    });
    expect(await third.stat('b')).toEqual({ size: 3 * MIB });
  });

  it('removes what its last instance left when it was killed, and nothing of others', async () => {
    const module = new URL('./index.ts', import.meta.url).href;
    await leaveUnfinishedPut(module, { path }, 'server-a', 5);
    await leaveUnfinishedPut(module, { path }, 'server-b', 5);
    expect(inFile(`SELECT count(*) FROM blobs WHERE state = 'writing'`)).toBe(2);
    const store = await create();
    await until('the removal', () => inFile(`SELECT count(*) FROM blobs WHERE state <> 'kept' AND writer = 'server-a'`) === 0);
    await expect(store.stat('server-a/unfinished')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await store.stat('server-a/whole')).toEqual({ size: 1000 });
    await store.put('server-a/unfinished', NEVER, body(Buffer.from('again')));
    expect(inFile(`SELECT count(*) FROM blobs WHERE state = 'writing' AND writer = 'server-b'`)).toBe(1);
    expect(inFile('PRAGMA integrity_check')).toBe('ok');
  });

  it('gives back any range of any body', async () => {
    await keepsAnyBody(await create());
    await until('the removal', () => inFile('SELECT count(*) FROM chunks') === 0);
    expect(logged).toEqual([]);
  });
});
