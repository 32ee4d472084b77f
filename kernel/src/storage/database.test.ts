import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codeOf } from '@gofer/contracts';
import SQLite from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrate, openDatabase } from './database.ts';
import { MIGRATIONS } from './migrations.ts';
import { Store } from './store.ts';

let root: string;
let path: string;
let number = 0;
const children: ChildProcess[] = [];
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'gofer-storage-'));
});
beforeEach(() => {
  path = join(root, `${(number += 1)}`, 'gofer.db');
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function faultOf(action: () => unknown): { code: string; message: string } {
  try {
    action();
  } catch (error) {
    return { code: codeOf(error), message: error instanceof Error ? error.message : '' };
  }
  throw new Error('it succeeded');
}

/** Tables, indexes and the version of a database. */
function schemaOf(connection: SQLite.Database): unknown {
  return {
    version: connection.pragma('user_version', { simple: true }),
    objects: connection.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY type, name').all(),
  };
}

describe('the schema', () => {
  it('is the same, whichever earlier version it is reached from', () => {
    const fresh = new SQLite(':memory:');
    migrate(fresh);
    for (let done = 0; done <= MIGRATIONS.length; done += 1) {
      const connection = new SQLite(':memory:');
      migrate(connection, MIGRATIONS.slice(0, done));
      migrate(connection);
      migrate(connection);
      expect(schemaOf(connection)).toEqual(schemaOf(fresh));
      connection.close();
    }
    expect(MIGRATIONS.map(({ version }) => version)).toEqual(MIGRATIONS.map((_, index) => index + 1));
    fresh.close();
  });

  it('of a newer release is refused', () => {
    const connection = new SQLite(':memory:');
    connection.pragma('user_version = 99');
    expect(faultOf(() => migrate(connection))).toEqual({
      code: 'CONFIG_INVALID',
      message: `The database has schema version 99; this release of Gofer knows up to ${MIGRATIONS.length}. Use the release that wrote it, or a newer one.`,
    });
    connection.close();
  });

  it('that cannot be migrated stays as it was', () => {
    const connection = new SQLite(':memory:');
    const broken = [
      ...MIGRATIONS,
      { version: MIGRATIONS.length + 1, sql: 'CREATE TABLE more (id INTEGER); CREATE TABLE more (id INTEGER);' },
    ];
    migrate(connection);
    const before = schemaOf(connection);
    expect(() => migrate(connection, broken)).toThrow(/already exists/);
    expect(schemaOf(connection)).toEqual(before);
    connection.close();
  });
});

describe('a migration that fails in its middle', () => {
  const steps = MIGRATIONS.flatMap(({ version }) => Array.from({ length: version }, (_, from) => ({ from, failing: version })));
  it.each(steps)('to version $failing leaves what came before it, from version $from on', ({ from, failing }) => {
    const connection = new SQLite(':memory:');
    migrate(connection, MIGRATIONS.slice(0, from));
    if (from > 0) connection.exec("INSERT INTO namespaces VALUES ('kept', 'Kept', '', 1, 1)");
    const expected = new SQLite(':memory:');
    migrate(expected, MIGRATIONS.slice(0, failing - 1));
    const failingStep = MIGRATIONS.map((step) =>
      step.version === failing ? { ...step, sql: `${step.sql}; INSERT INTO no_such_table VALUES (1);` } : step,
    );
    expect(() => migrate(connection, failingStep)).toThrow(/no_such_table/);
    expect(schemaOf(connection)).toEqual(schemaOf(expected));
    if (from > 0) expect(connection.prepare('SELECT id FROM namespaces').pluck().all()).toEqual(['kept']);
    migrate(connection);
    expect(connection.pragma('user_version', { simple: true })).toBe(MIGRATIONS.length);
    connection.close();
    expected.close();
  });
});

describe('a database', () => {
  it('opens again with what it held, and is its owner’s alone', async () => {
    const store = Store.open(path);
    const { instanceId } = store.system;
    await store.commit(() => store.namespaces.insert({ id: 'mine', name: 'Mine', description: '' }, 1));
    store.close();
    store.close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const again = Store.open(path);
    expect(again.system.instanceId).toBe(instanceId);
    expect(again.namespaces.find('mine')?.name).toBe('Mine');
    again.close();
  });

  it('is opened durably', () => {
    const database = openDatabase(path);
    const pragma = (name: string): unknown => database.connection.pragma(name, { simple: true });
    expect([pragma('journal_mode'), pragma('synchronous'), pragma('foreign_keys')]).toEqual(['wal', 2, 1]);
    database.close();
  });

  it('is refused while another has it, and is unharmed', async () => {
    const store = Store.open(path);
    const { code, message } = faultOf(() => Store.open(path));
    expect(code).toBe('LOCKED');
    expect(message).toContain(`"${path}"`);
    expect(message).toContain('Stop it first');
    await store.commit(() => store.namespaces.insert({ id: 'still', name: '', description: '' }, 1));
    store.close();
    Store.open(path).close();
  });

  it('is free again once the process that had it was killed', async () => {
    const program = `
      const { Store } = await import(${JSON.stringify(new URL('./store.ts', import.meta.url).href)});
      const store = Store.open(process.argv[1]);
      await store.commit(() => store.namespaces.insert({ id: 'kept', name: '', description: '' }, 1));
      console.log('open');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, path], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    const ended = once(child, 'exit');
    await Promise.race([once(child.stdout, 'data'), ended]);
    expect(child.exitCode).toBeNull();
    expect(faultOf(() => Store.open(path)).code).toBe('LOCKED');
    child.kill('SIGKILL');
    await ended;
    const store = Store.open(path);
    expect(store.namespaces.find('kept')).toBeDefined();
    store.close();
  });

  it.for(['this is no database\n'.repeat(500), `SQLite format 3\0${'x'.repeat(8000)}`])(
    'that is damaged is refused, and not locked',
    (text) => {
      Store.open(path).close();
      writeFileSync(path, text);
      const { code, message } = faultOf(() => Store.open(path));
      expect(code).toBe('CONFIG_INVALID');
      expect(message).toContain('server.storage_path');
      expect(message).toContain(path);
      rmSync(path);
      Store.open(path).close();
    },
  );

  it('that cannot be made is refused with its path', () => {
    writeFileSync(join(root, 'file'), '');
    const { code, message } = faultOf(() => Store.open(join(root, 'file', 'gofer.db')));
    expect(code).toBe('CONFIG_INVALID');
    expect(message).toContain('server.storage_path');
    mkdirSync(path, { recursive: true });
    expect(faultOf(() => Store.open(path)).code).toBe('CONFIG_INVALID');
  });

  it('of a newer release is left as it is, unlocked', () => {
    Store.open(path).close();
    const newer = new SQLite(path);
    newer.pragma('user_version = 99');
    newer.close();
    expect(faultOf(() => Store.open(path)).code).toBe('CONFIG_INVALID');
    expect(faultOf(() => Store.open(path)).message).toContain('version 99');
    expect(readdirSync(join(path, '..')).toSorted()).toContain('gofer.db');
  });
});
