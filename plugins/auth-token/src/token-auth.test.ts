/** What is the plugin's own beside the contract: its words, its bounds, and how it treats a directory that is wrong or away. */
import { tmpdir } from 'node:os';
import type { AuthHost, TokenRecord } from '@gofer/contracts';
import { describe, expect, it } from 'vitest';
import { plugin } from './plugin.ts';
import { sha256, TokenBook } from './token-harness.ts';

const V0_TOKEN = 'aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF';

type Find = AuthHost['tokens']['find'];

async function open({ find, now = () => 0 }: { readonly find: Find; readonly now?: () => number }) {
  const logged: unknown[][] = [];
  const host: AuthHost = {
    instanceId: 'test',
    dataDirectory: tmpdir(),
    log: (...line) => void logged.push(line),
    now,
    tokens: { find },
  };
  const auth = await plugin.create({}, host);
  return { auth, logged, ask: (token: string) => auth.authenticate({ kind: 'bearer', token }) };
}

const record = (changes: Partial<TokenRecord> = {}): TokenRecord => ({
  id: 'id',
  user: 'somebody',
  roles: ['user'],
  hash: sha256(V0_TOKEN),
  expires: 0,
  disabled: false,
  ...changes,
});

describe('a token', () => {
  it('needs no prefix, and never expires where its expiry is 0', async () => {
    const { ask } = await open({ find: async () => record(), now: () => Number.MAX_SAFE_INTEGER });
    expect(await ask(V0_TOKEN)).toEqual({ id: 'id', user: 'somebody', roles: ['user'], groups: [] });
  });

  it('expires at its expiry, not a millisecond before', async () => {
    let now = 999;
    const { ask } = await open({ find: async () => record({ expires: 1000 }), now: () => now });
    await ask(V0_TOKEN);
    now = 1000;
    await expect(ask(V0_TOKEN)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('may be 4096 characters long', async () => {
    const book = new TokenBook();
    const { ask } = await open({ find: (hash) => book.find(hash) });
    const { credentials, principal } = book.issue('good', '~'.repeat(4096));
    expect(await ask(credentials.token)).toEqual(principal);
  });

  it.each([
    ['is not known', undefined, /^The token is not known: /],
    ['is disabled', record({ disabled: true, expires: 1 }), /^The token is disabled: /],
    ['has expired', record({ expires: Date.UTC(2026, 0, 2, 3, 4, 5, 6) }), /^The token has expired \(2026-01-02T03:04:05\.006Z\): /],
  ])('that %s is refused in words for a person', async (_what, found, words) => {
    const { ask, logged } = await open({ find: async () => found, now: () => Date.UTC(2027, 0) });
    await expect(ask(V0_TOKEN)).rejects.toMatchObject({ code: 'UNAUTHENTICATED', message: expect.stringMatching(words) as string });
    expect(logged).toEqual([]);
  });

  it('that is malformed is refused without asking for it', async () => {
    let asked = 0;
    const { ask } = await open({
      async find() {
        asked++;
        return record();
      },
    });
    for (const token of ['', `${V0_TOKEN}\n`, 'a b', 'é', '~'.repeat(4097)])
      await expect(ask(token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED', message: expect.stringContaining('4096') as string });
    expect(asked).toBe(0);
  });
});

describe('a directory', () => {
  it.each([
    ['another token', sha256('another')],
    ['a hash in capital letters', sha256(V0_TOKEN).toUpperCase()],
    ['a shorter hash', sha256(V0_TOKEN).slice(0, 32)],
    ['no hash', ''],
  ])('that gives %s lets nobody in', async (_what, hash) => {
    const { ask } = await open({ find: async () => record({ hash }) });
    await expect(ask(V0_TOKEN)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it.each<[string, Find]>([
    ['rejects', () => Promise.reject(Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' }))],
    [
      'throws',
      () => {
        throw new Error('database is locked');
      },
    ],
  ])('that %s makes it unavailable, with the reason in the log and not in the answer', async (_how, find) => {
    const { auth, ask, logged } = await open({ find });
    const unavailable = { code: 'UNAVAILABLE', message: expect.not.stringContaining('locked') as string };
    await expect(ask(V0_TOKEN)).rejects.toMatchObject(unavailable);
    expect(logged).toEqual([['error', expect.any(String), { reason: 'Error: database is locked' }]]);
    await expect(auth.health()).rejects.toMatchObject(unavailable);
  });
});
