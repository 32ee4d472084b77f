import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { plugin } from '@gofer/auth-token';
import { TOKEN_PREFIX, type TokenDirectory } from '@gofer/contracts';
import { expect, it } from 'vitest';
import { Authenticators } from './authenticators.ts';

const OWN = `${TOKEN_PREFIX}0123456789`;
const OTHER = 'not.of.this.server';

/** A plugin that knows every token, says its own name as the user's, and whose directory notes how often it was asked. */
async function openAuth(user: string, find?: TokenDirectory['find']) {
  const asked: string[] = [];
  const tokens: TokenDirectory = {
    async find(hash) {
      asked.push(hash);
      return find === undefined ? { id: 'id', user, roles: [], hash, expires: 0, disabled: false } : find(hash);
    },
  };
  const auth = await plugin.create({}, { instanceId: 'test', dataDirectory: tmpdir(), log: () => undefined, now: () => 0, tokens });
  return { auth, asked };
}

const sha256 = (token: string): string => createHash('sha256').update(token).digest('hex');

it("asks the token plugin for the server's own tokens, and the configured one for others", async () => {
  const [tokens, configured] = [await openAuth('tokens'), await openAuth('configured')];
  const authenticators = new Authenticators({ tokens: tokens.auth, configured: configured.auth });
  expect(await authenticators.authenticate(OWN)).toMatchObject({ user: 'tokens' });
  expect(await authenticators.authenticate(OTHER)).toMatchObject({ user: 'configured' });
  expect(await authenticators.authenticate(OWN.toUpperCase())).toMatchObject({ user: 'configured' });
  expect(tokens.asked).toEqual([sha256(OWN)]);
  expect(configured.asked).toEqual([sha256(OTHER), sha256(OWN.toUpperCase())]);
});

it('asks the token plugin for every token where that is the configured one', async () => {
  const { auth } = await openAuth('tokens');
  const authenticators = new Authenticators({ tokens: auth, configured: auth });
  for (const token of [OWN, OTHER]) expect(await authenticators.authenticate(token)).toMatchObject({ user: 'tokens' });
});

it.each(['', ' ', 'a b', 'a\n', 'é', '~'.repeat(4097)])('asks nobody for what cannot be a token: %j', async (token) => {
  const { auth, asked } = await openAuth('tokens');
  const authenticators = new Authenticators({ tokens: auth, configured: auth });
  await expect(authenticators.authenticate(token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(asked).toEqual([]);
});

it('passes on why a token was refused', async () => {
  const { auth } = await openAuth('tokens', async () => undefined);
  const authenticators = new Authenticators({ tokens: auth, configured: auth });
  const refused = { code: 'UNAUTHENTICATED', message: expect.stringContaining('is not known') as string };
  await expect(authenticators.authenticate(OWN)).rejects.toMatchObject(refused);
});

it('lets nobody in when the plugin does not answer in time, whatever it says later', async () => {
  const answer = Promise.withResolvers<undefined>();
  const { auth } = await openAuth('tokens', () => answer.promise);
  const authenticators = new Authenticators({ tokens: auth, configured: auth, timeoutMs: 5 });
  await expect(authenticators.authenticate(OWN)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  answer.reject(new Error('late, and heard by nobody'));
});
