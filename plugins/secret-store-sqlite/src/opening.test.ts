/** What may be opened, by which key, and what is left as it was where it may not. */
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import SQLite from 'better-sqlite3';
import { expect, it } from 'vitest';
import { plugin } from './plugin.ts';
import { FIRST_KEY, NEXT_KEY } from './store-harness.ts';
import { TestStore } from './test-store.ts';

const OTHER_KEY = 'ffffffffffffffffffffffffffffffff';

it('makes its file and its directory for their owner alone', async () => {
  await using test = new TestStore();
  const path = join(test.directory, 'a/b/secrets.db');
  const store = await plugin.create({ path, encryption_key: FIRST_KEY }, test.host);
  await store.put('a', Buffer.from('secret'));
  const modeOf = (file: string): string => (statSync(file).mode & 0o777).toString(8);
  expect([path, `${path}-wal`, `${path}-shm`].map(modeOf)).toEqual(['600', '600', '600']);
  expect([join(test.directory, 'a'), join(test.directory, 'a/b')].map(modeOf)).toEqual(['700', '700']);
  await store.close();
  chmodSync(path, 0o644);
  await (await plugin.create({ path, encryption_key: FIRST_KEY }, test.host)).close();
  expect(modeOf(path)).toBe('600');
});

it('refuses another key, says what to do, and changes nothing', async () => {
  await using test = new TestStore();
  await test.fill(3);
  const before = test.hashes();
  for (const former of [[], [OTHER_KEY]]) {
    const refused = test.open(NEXT_KEY, former);
    await expect(refused).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/secret_store\.sqlite\.encryption_key.*3 of its secrets.*previous_encryption_keys/),
    });
    await expect(refused).rejects.toThrow(test.path);
    await expect(refused).rejects.not.toThrow(new RegExp(`${FIRST_KEY}|${NEXT_KEY}|${OTHER_KEY}`));
    expect(test.hashes()).toEqual(before);
  }
  expect(Object.keys(before)).toEqual(['secrets.db']);
  const store = await test.open();
  expect(Buffer.from(await store.get('s/1')).toString()).toMatch(/^value 1 /);
});

it('refuses another key beside the journal of a crash, which stays as it is', async () => {
  await using test = new TestStore();
  await test.fill(1);
  const store = await test.open();
  await store.put('in-the-journal', Buffer.from('secret'));
  // What a crash leaves: the file and its journal as they are while the store is open.
  await using crashed = new TestStore();
  for (const end of ['', '-wal']) writeFileSync(crashed.path + end, readFileSync(test.path + end));
  const { 'secrets.db': file, 'secrets.db-wal': journal } = crashed.hashes();
  await expect(crashed.open(NEXT_KEY)).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  expect(crashed.hashes()).toMatchObject({ 'secrets.db': file, 'secrets.db-wal': journal });
  const again = await crashed.open();
  expect(Buffer.from(await again.get('in-the-journal')).toString()).toBe('secret');
});

it('takes another key where nothing is kept, or the former key is beside it', async () => {
  await using test = new TestStore();
  await (await test.open()).close();
  const store = await test.open(NEXT_KEY);
  await store.put('a', Buffer.from('one'));
  await store.delete('a');
  await store.close();
  const values = await test.fill(2);
  const next = await test.open(OTHER_KEY, [NEXT_KEY, FIRST_KEY]);
  for (const [key, value] of values) expect(Buffer.from(await next.get(key))).toEqual(value);
});

it('gives a new key an id at its first use, and drops the former one with its last value', async () => {
  await using test = new TestStore();
  await test.fill(2);
  const ids = (): unknown[] => test.inside((file) => file.prepare('SELECT id FROM keys ORDER BY created').pluck().all());
  const [first] = ids();
  const store = await test.open(NEXT_KEY, [FIRST_KEY]);
  expect(ids()).toEqual([first]);
  await store.put('new', Buffer.from('one'));
  expect(ids()).toHaveLength(2);
  for await (const _ of store.rotate(new AbortController().signal));
  expect(ids()).toHaveLength(1);
  expect(ids()).not.toContain(first);
});

it('tells at the start of values whose key is not configured, and of each that is asked for', async () => {
  await using test = new TestStore();
  await test.fill(2);
  const between = await test.open(NEXT_KEY, [FIRST_KEY]);
  await between.put('new', Buffer.from('one'));
  await between.close();
  const store = await test.open(NEXT_KEY);
  expect(test.logged).toEqual([['warn', expect.stringContaining('previous_encryption_keys'), { secrets: 2 }]]);
  expect(Buffer.from(await store.get('new')).toString()).toBe('one');
  await expect(store.get('s/0')).rejects.toMatchObject({ code: 'DATA_LOSS', message: expect.stringContaining('"s/0"') });
  const rotating = (async () => {
    for await (const _ of store.rotate(new AbortController().signal));
  })();
  await expect(rotating).rejects.toMatchObject({ code: 'DATA_LOSS', message: expect.stringMatching(/"s\/0", "s\/1"/) });
});

it.each(['', 'short', 'x'.repeat(33)])('refuses the key "%s", and says how to make one', async (key) => {
  await using test = new TestStore();
  const made = { code: 'CONFIG_INVALID', message: expect.stringContaining('openssl rand -hex 16') };
  await expect(test.open(key)).rejects.toMatchObject(made);
  await expect(test.open(FIRST_KEY, [key])).rejects.toMatchObject(made);
  expect(test.hashes()).toEqual({});
});

it.each([
  ['is no database', (path: string) => writeFileSync(path, 'this is no database\n'.repeat(500))],
  ['is one by its first bytes only', (path: string) => writeFileSync(path, `SQLite format 3\0${'x'.repeat(8000)}`)],
  ['was cut', (path: string) => truncateSync(path, Math.floor(statSync(path).size / 2 / 4096) * 4096)],
  ['was cut inside a page', (path: string) => truncateSync(path, statSync(path).size - 1000)],
  [
    'has a page of something else',
    (path: string) => {
      const bytes = readFileSync(path);
      bytes.fill(0x41, 4096 * 3, 4096 * 4);
      writeFileSync(path, bytes);
    },
  ],
  [
    'lacks a table',
    (path: string) => {
      const file = new SQLite(path);
      file.exec('DROP TABLE secrets');
      file.close();
    },
  ],
])('says at the start that a file is damaged which %s', async (_, damage) => {
  await using test = new TestStore();
  await test.fill(30, 2000);
  damage(test.path);
  const before = test.hashes();
  const opening = test.open();
  await expect(opening).rejects.toMatchObject({ code: 'DATA_LOSS' });
  await expect(opening).rejects.toThrow(`"${test.path}" is damaged`);
  expect(test.hashes()).toEqual(before);
});

it.each([
  ["another program's", 'CREATE TABLE theirs (a)'],
  ['of a newer release', 'PRAGMA user_version = 9'],
])('refuses a file that is %s, and leaves it', async (whose, sql) => {
  await using test = new TestStore();
  if (whose.startsWith('of a newer')) await test.fill(1);
  test.inside((file) => file.exec(sql));
  const before = test.hashes();
  await expect(test.open()).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(test.path) });
  expect(test.hashes()).toEqual(before);
});

it('says what stands in the way of its file', async () => {
  await using test = new TestStore();
  writeFileSync(join(test.directory, 'file'), '');
  mkdirSync(join(test.directory, 'directory'));
  symlinkSync(join(test.directory, 'nowhere/at/all'), join(test.directory, 'link'));
  for (const name of ['file/secrets.db', 'directory', 'link']) {
    const path = join(test.directory, name);
    const opening = plugin.create({ path, encryption_key: FIRST_KEY }, test.host);
    await expect(opening).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`secret_store.sqlite.path: "${path}"`),
    });
  }
});

it('may be open twice: each instance reads what the other one puts, though neither had a key in the file', async () => {
  await using test = new TestStore();
  const [one, other] = [await test.open(), await test.open()];
  await one.put('by-one', Buffer.from('1'));
  await other.put('by-the-other', Buffer.from('2'));
  for (const store of [one, other]) {
    expect(Buffer.from(await store.get('by-one')).toString()).toBe('1');
    expect(Buffer.from(await store.get('by-the-other')).toString()).toBe('2');
  }
  await expect(other.put('by-one', Buffer.from('3'))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
});

it('opens a copy that is no WAL file any more', async () => {
  await using test = new TestStore();
  const values = await test.fill(3);
  await using copy = new TestStore();
  test.inside((file) => file.prepare('VACUUM INTO ?').run(copy.path));
  const store = await copy.open();
  for (const [key, value] of values) expect(Buffer.from(await store.get(key))).toEqual(value);
  expect(copy.inside((file) => file.pragma('journal_mode', { simple: true }))).toBe('wal');
});
