/** Objects and secrets where the server dies, its disk is full or its files are damaged: what was kept stays, and nothing else does. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { describeNeeding } from '../backends/describe-needing.ts';
import { smallDiskMissing } from '../backends/small-disk.ts';
import { GoferServer, pipelinePath, VERSION } from './gofer-server.ts';
import { filesUnder, until } from './leftovers.ts';

const MIB = 1024 * 1024;
const OBJECTS = `${pipelinePath('keeps')}/objects`;
const SECRETS = `${pipelinePath('keeps')}/secrets`;
const BINARY = { ...VERSION, 'content-type': 'application/octet-stream' };

interface Stores {
  readonly engine: 'filesystem' | 'sqlite';
  readonly settings: (directory: string) => readonly string[];
  /** What the object store holds, finished or not: a name for each. */
  readonly held: (directory: string) => Promise<readonly unknown[]>;
}

const STORES: readonly Stores[] = [
  {
    engine: 'filesystem',
    settings: (directory) => ['object_store.engine=filesystem', `object_store.filesystem.path=${join(directory, 'objects')}`],
    held: (directory) => filesUnder(join(directory, 'objects')),
  },
  {
    engine: 'sqlite',
    settings: (directory) => ['object_store.engine=sqlite', `object_store.sqlite.path=${join(directory, 'objects', 'objects.db')}`],
    held: async (directory) => {
      const connection = new Database(join(directory, 'objects', 'objects.db'), { readonly: true });
      try {
        return connection.prepare('SELECT id FROM blobs').all();
      } finally {
        connection.close();
      }
    },
  },
];

async function withServer(
  settings: (directory: string) => readonly string[],
  body: (server: GoferServer) => Promise<void>,
  /** The caller's own; else one is made and removed. */
  given?: string,
): Promise<void> {
  const directory = given ?? mkdtempSync(join(tmpdir(), 'gofer-e2e-objects-'));
  const server = new GoferServer('fake', { directory, settings: settings(directory) });
  try {
    await server.begin();
    await server.deploy('keeps', [{ id: 'one', command: ['true'] }]);
    await body(server);
  } finally {
    await server.close();
    if (given === undefined) rmSync(directory, { recursive: true, force: true });
  }
}

describe.each(STORES)('objects in the store "$engine"', ({ settings, held }) => {
  it('an upload in whose middle the server is killed leaves the old value, and nothing of the new one', async () => {
    await withServer(settings, async (server) => {
      const kept = randomBytes(2 * MIB);
      expect(await server.call('POST', `${OBJECTS}/key`, kept, BINARY)).toMatchObject({ status: 201 });
      const before = await held(server.directory);
      const upload = request(`${server.url}${OBJECTS}/key?force=true`, { method: 'POST', headers: BINARY });
      // Its end is the server's.
      upload.on('error', () => undefined);
      for (let sent = 0; sent < 8; sent += 1) if (!upload.write(randomBytes(MIB))) await once(upload, 'drain');
      await until('a part of it on the disk', async () => (await held(server.directory)).length > before.length);
      await server.end('SIGKILL');
      upload.destroy();
      await server.begin();
      expect((await server.call('GET', `${OBJECTS}/key`)).body.equals(kept)).toBe(true);
      await until('the removal of what was left', async () => (await held(server.directory)).length === before.length);
      expect(await held(server.directory)).toEqual(before);
      // The key is free to be written as before.
      const next = randomBytes(MIB);
      expect(await server.call('POST', `${OBJECTS}/key?force=true`, next, BINARY)).toMatchObject({ status: 201 });
      expect((await server.call('GET', `${OBJECTS}/key`)).body.equals(next)).toBe(true);
      await until('the removal of the old value', async () => (await held(server.directory)).length === before.length);
    });
  });

  it('refuses what is too large, announced or not, and a key that is too long', async () => {
    await withServer(
      (directory) => [...settings(directory), `object_store.max_object_size=${MIB}`],
      async (server) => {
        const before = await held(server.directory);
        expect(await server.refusal('POST', `${OBJECTS}/large`, Buffer.alloc(MIB + 1), BINARY)).toMatchObject({
          status: 413,
          message: expect.stringContaining('object_store.max_object_size'),
        });
        const chunked = { ...BINARY, 'transfer-encoding': 'chunked' };
        expect(await server.refusal('POST', `${OBJECTS}/large`, Buffer.alloc(MIB + 1), chunked)).toMatchObject({ status: 413 });
        expect(await server.call('POST', `${OBJECTS}/${'k'.repeat(1024)}`, Buffer.from('x'), BINARY)).toMatchObject({ status: 201 });
        expect(await server.refusal('POST', `${OBJECTS}/${'k'.repeat(1025)}`, Buffer.from('x'), BINARY)).toMatchObject({ status: 400 });
        await until('the removal of what was refused', async () => (await held(server.directory)).length === before.length + 1);
      },
    );
  });
});

describe('stores that cannot be opened', () => {
  it.each([
    ['the objects', 'object_store.sqlite.path', 'objects.db', ['object_store.engine=sqlite']],
    ['the secrets', 'secret_store.sqlite.path', 'secrets.db', []],
  ] as const)('a damaged file of %s ends the start with what to do', async (_, setting, name, more) => {
    const directory = mkdtempSync(join(tmpdir(), 'gofer-e2e-objects-'));
    const path = join(directory, name);
    writeFileSync(path, Buffer.concat([Buffer.from('SQLite format 3\0'), randomBytes(64 * 1024)]));
    const before = readFileSync(path);
    const server = new GoferServer('fake', { directory, settings: [`${setting}=${path}`, ...more] });
    try {
      const { code, output } = await server.beginAnother();
      expect(code).toBe(78);
      expect(output).toContain(path);
      expect(output).toMatch(/[Rr]estore (it|the file) from a backup/);
      expect(output).not.toMatch(/\n\s+at /);
      expect(readFileSync(path).equals(before)).toBe(true);
    } finally {
      await server.close();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

describeNeeding('a small tmpfs', 'a full disk for the stores', smallDiskMissing, () => {
  it.each(STORES)(
    'is answered with 507 for objects in "$engine"; what was kept stays, and there is room again',
    async ({ settings, held }) => {
      await withDisk(96, 'objects', async (directory) => {
        await withServer(
          settings,
          async (server) => {
            const kept = randomBytes(MIB);
            expect(await server.call('POST', `${OBJECTS}/kept`, kept, BINARY)).toMatchObject({ status: 201 });
            const before = await held(directory);
            const refused = await server.refusal('POST', `${OBJECTS}/much`, Buffer.alloc(120 * MIB, 1), BINARY);
            expect(refused).toMatchObject({ status: 507, message: expect.stringContaining(directory) });
            expect((await server.call('GET', `${OBJECTS}/kept`)).body.equals(kept)).toBe(true);
            await until('the removal of what was refused', async () => (await held(directory)).length === before.length);
            await until(
              'room for a little',
              async () => (await server.call('POST', `${OBJECTS}/kept?force=true`, kept, BINARY)).status === 201,
            );
          },
          directory,
        );
      });
    },
  );

  it('is answered with 507 for secrets; what was kept stays', async () => {
    await withDisk(2, 'secrets', async (directory) => {
      await withServer(
        () => [`secret_store.sqlite.path=${join(directory, 'secrets', 'secrets.db')}`],
        async (server) => {
          const put = (key: string, content: string) => server.call('POST', SECRETS, { key, content, force: false });
          expect(await put('kept', 'a value to keep')).toMatchObject({ status: 201 });
          let full: Awaited<ReturnType<typeof put>> | undefined;
          for (let index = 0; index < 64 && full === undefined; index += 1) {
            const answer = await put(`much-${index}`, 'v'.repeat(100_000));
            if (answer.status !== 201) full = answer;
          }
          expect(full?.status).toBe(507);
          expect(full?.json()).toMatchObject({ message: expect.stringContaining(directory) });
          const shown = await server.call('GET', `${SECRETS}/kept?include_secret=true`, { include_secret: true });
          expect(shown.body.toString()).toContain('a value to keep');
        },
        directory,
      );
    });
  });
});

/** `name` below the directory that `body` gets is a disk of so many MiB of its own. */
async function withDisk(mebibytes: number, name: string, body: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'gofer-e2e-objects-'));
  const disk = join(directory, name);
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=0700`, 'gofer-e2e', disk]);
  try {
    await body(directory);
  } finally {
    execFileSync('umount', [disk]);
    rmSync(directory, { recursive: true, force: true });
  }
}
