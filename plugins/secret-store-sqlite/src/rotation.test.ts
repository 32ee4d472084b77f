/** A rotation that is killed on its way, and what else happens while one runs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { FIRST_KEY, NEXT_KEY } from './store-harness.ts';
import { TestStore } from './test-store.ts';

const VALUES = 600;

/** Rotates the file and tells its progress, a line each; told to wait, it stays between its first batch and the second. */
const PROGRAM = `
  const { plugin } = await import('./plugin.ts');
  const [path, current, former, waits] = process.argv.slice(1);
  const host = { instanceId: 'child', dataDirectory: '.', log() {} };
  const store = await plugin.create({ path, encryption_key: current, previous_encryption_keys: [former] }, host);
  for await (const { done } of store.rotate(new AbortController().signal)) {
    console.log(done);
    if (waits === 'waits') await new Promise(() => setInterval(() => {}, 1000));
  }`;

const idsIn = (test: TestStore): readonly number[] =>
  test.inside((file) => file.prepare<[], number>('SELECT count(*) FROM secrets GROUP BY key_id').pluck().all());

it.each(['waits', 'goes on'])('killed while it %s, it loses nothing and is finished by the next', async (waits) => {
  await using test = new TestStore();
  const values = await test.fill(VALUES);
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM, test.path, NEXT_KEY, FIRST_KEY, waits], {
    cwd: fileURLToPath(new URL('.', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  try {
    await Promise.race([once(child.stdout, 'data'), ended]);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
  // What goes on may have come to its end before it was killed.
  if (waits === 'waits') expect(idsIn(test)).toHaveLength(2);

  const store = await test.open(NEXT_KEY, [FIRST_KEY]);
  for (const [key, value] of values) expect(Buffer.from(await store.get(key))).toEqual(value);
  let first: number | undefined;
  for await (const { done, total } of store.rotate(new AbortController().signal)) {
    expect(total).toBe(VALUES);
    first ??= done;
  }
  // It began behind what was done already.
  expect(first).toBeGreaterThan(50);
  await store.close();
  expect(idsIn(test)).toEqual([VALUES]);
  const next = await test.open(NEXT_KEY);
  for (const [key, value] of values) expect(Buffer.from(await next.get(key))).toEqual(value);
});

it('leaves the thread to others between its batches, however large the values are', async () => {
  await using test = new TestStore();
  const values = await test.fill(24, 1_048_576);
  const store = await test.open(NEXT_KEY, [FIRST_KEY]);
  let turns = 0;
  const over = new AbortController();
  const others = (async () => {
    while (!over.signal.aborted) {
      await new Promise(setImmediate);
      expect((await store.get('s/7')).byteLength).toBe(1_048_576);
      turns++;
    }
  })();
  const told: number[] = [];
  for await (const { done } of store.rotate(new AbortController().signal)) told.push(done);
  over.abort();
  await others;
  expect(turns).toBeGreaterThan(8);
  expect(told.length).toBeGreaterThan(8);
  expect(told).toEqual(told.toSorted((a, b) => a - b));
  for (const [key, value] of values) expect(Buffer.from(await store.get(key)).equals(value)).toBe(true);
});

it('gives every value another nonce and other bytes, and leaves nothing of the former ones in the file', async () => {
  await using test = new TestStore();
  await test.fill(3);
  const rows = (): readonly { nonce: Buffer; sealed: Buffer }[] =>
    test.inside((file) => file.prepare<[], { nonce: Buffer; sealed: Buffer }>('SELECT nonce, sealed FROM secrets ORDER BY name').all());
  const before = rows();
  expect(new Set(before.map(({ nonce }) => nonce.toString('hex'))).size).toBe(3);
  const store = await test.open(NEXT_KEY, [FIRST_KEY]);
  for await (const _ of store.rotate(new AbortController().signal));
  for (const name of readdirSync(test.directory)) {
    const bytes = readFileSync(`${test.directory}/${name}`);
    for (const { nonce, sealed } of before) {
      expect(bytes.includes(nonce)).toBe(false);
      expect(bytes.includes(sealed)).toBe(false);
    }
  }
});
