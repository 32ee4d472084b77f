/** Rows that another program has changed, and a file that went away: told with the name of the secret, and without a byte of it. */
import { renameSync } from 'node:fs';
import { inspect } from 'node:util';
import type { OpenSecretStore } from '@gofer/contracts/conformance';
import { expect, it } from 'vitest';
import { plugin } from './plugin.ts';
import { FIRST_KEY, NEXT_KEY } from './store-harness.ts';
import { TestStore } from './test-store.ts';

const SWAP = `
  UPDATE secrets SET name = 'swapping' WHERE name = 's/0';
  UPDATE secrets SET name = 's/0' WHERE name = 's/1';
  UPDATE secrets SET name = 's/1' WHERE name = 'swapping';`;

async function assertLost(store: OpenSecretStore, key: string, value: Uint8Array): Promise<void> {
  const error: unknown = await store.get(key).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'DATA_LOSS', message: expect.stringContaining(`"${key}"`) });
  const shown = inspect(error, { depth: Number.POSITIVE_INFINITY, showHidden: true });
  expect(shown).not.toContain(Buffer.from(value).toString().slice(0, 16));
  expect(shown).not.toMatch(/<Buffer|Uint8Array/);
}

it('knows a value that was moved to another name', async () => {
  await using test = new TestStore();
  const values = await test.fill(3);
  test.inside((file) => file.exec(SWAP));
  const store = await test.open();
  for (const key of ['s/0', 's/1']) await assertLost(store, key, values.get(key) ?? new Uint8Array());
  expect(Buffer.from(await store.get('s/2'))).toEqual(values.get('s/2'));
});

it.each(['sealed', 'nonce'])('knows each flipped bit of %s', async (column) => {
  await using test = new TestStore();
  const values = await test.fill(1);
  const store = await test.open();
  const whole = Buffer.from(test.inside((file) => file.prepare<[], Buffer>(`SELECT ${column} FROM secrets`).pluck().get()) ?? []);
  const write = (bytes: Uint8Array): void => test.inside((file) => void file.prepare(`UPDATE secrets SET ${column} = ?`).run(bytes));
  for (let at = 0; at < whole.length; at++) {
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
    write(bytes);
    await assertLost(store, 's/0', values.get('s/0') ?? new Uint8Array());
  }
  write(whole);
  expect(Buffer.from(await store.get('s/0'))).toEqual(values.get('s/0'));
});

it.each([0, 1, 15, 16, 30])('knows a value of which %s bytes are left', async (left) => {
  await using test = new TestStore();
  const values = await test.fill(1);
  test.inside((file) => file.prepare('UPDATE secrets SET sealed = substr(sealed, 1, ?)').run(left));
  const store = await test.open();
  await assertLost(store, 's/0', values.get('s/0') ?? new Uint8Array());
  // What is damaged can be taken out of the way.
  await store.delete('s/0');
  await expect(store.get('s/0')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

it('rotates what is sound, names what is not, and keeps the key that it may need', async () => {
  await using test = new TestStore();
  const values = await test.fill(250);
  test.inside((file) => file.exec(SWAP));
  const store = await test.open(NEXT_KEY, [FIRST_KEY]);
  const rotating = (async () => {
    for await (const { done, total } of store.rotate(new AbortController().signal)) expect(done).toBeLessThan(total);
  })();
  await expect(rotating).rejects.toMatchObject({ code: 'DATA_LOSS', message: expect.stringMatching(/: "s\/0", "s\/1"$/) });
  const others = test.inside((file) =>
    file.prepare("SELECT count(DISTINCT key_id) FROM secrets WHERE name NOT IN ('s/0', 's/1')").pluck().get(),
  );
  expect(others).toBe(1);
  await store.close();
  // Put back in its place a value is whole again, under the key that was kept.
  test.inside((file) => file.exec(SWAP));
  const again = await test.open(NEXT_KEY, [FIRST_KEY]);
  for await (const _ of again.rotate(new AbortController().signal));
  await again.close();
  const next = await test.open(NEXT_KEY);
  for (const [key, value] of values) expect(Buffer.from(await next.get(key))).toEqual(value);
});

it('is not healthy once its file was taken away', async () => {
  await using test = new TestStore();
  const store = await test.open();
  await store.health();
  renameSync(test.path, `${test.path}.away`);
  await expect(store.health()).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining(test.path) });
});

it('rejects everything with UNAVAILABLE once it is closed', async () => {
  await using test = new TestStore();
  const store = await test.open();
  await store.close();
  const signal = new AbortController().signal;
  const calls = [store.put('a', Buffer.from('b')), store.get('a'), store.delete('a'), store.health()];
  for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  for (const stream of [store.list('', signal), store.rotate(signal)])
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});

it('quotes no value that is none', async () => {
  await using test = new TestStore();
  const store = await plugin.create({ path: test.path, encryption_key: FIRST_KEY }, test.host);
  const error: unknown = await store.put('a', { hidden: 'xyzzy' } as unknown as Uint8Array).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'INTERNAL', message: expect.stringContaining('"a"') });
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('xyzzy');
  await store.close();
});
