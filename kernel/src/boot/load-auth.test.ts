import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LoadedServerConfig, loadServerConfig } from '@gofer/config';
import { type AuthHost, GoferError, type TokenRecord } from '@gofer/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type LoadedAuth, loadAuth } from './load-auth.ts';
import type { BuiltInPlugins } from './load-scheduler.ts';

const BUILT_INS: BuiltInPlugins = {
  scheduler: {},
  object_store: {},
  secret_store: {},
  auth: { token: () => import('@gofer/auth-token') },
  automatic: [],
};

const TOKEN = 'gofer_test';
const RECORD: TokenRecord = {
  id: 'id',
  user: 'somebody',
  roles: ['user'],
  hash: createHash('sha256').update(TOKEN).digest('hex'),
  expires: 0,
  disabled: false,
};

/** Lets everybody in as its configuration says. */
const PLUGIN = `
export const plugin = {
  contract: 'auth',
  apiVersion: 1,
  name: 'everybody',
  configSchema: { type: 'object', additionalProperties: false, properties: { user: { type: 'string', default: 'anybody' } } },
  create: async ({ user }, host) => ({
    capabilities: { login: false },
    authenticate: async () => ({ id: String(host.now()), user, roles: [], groups: [] }),
    beginLogin: async () => { throw Object.assign(new Error('no'), { code: 'UNSUPPORTED' }); },
    completeLogin: async () => { throw Object.assign(new Error('no'), { code: 'UNSUPPORTED' }); },
    health: async () => undefined,
    close: async () => { globalThis.goferClosed.push('everybody'); },
  }),
};
`;

let directory: string;
const closed: string[] = [];
const open: LoadedAuth[] = [];
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gofer-auth-'));
  await writeFile(join(directory, 'everybody.mjs'), PLUGIN);
  await writeFile(join(directory, 'partial.mjs'), PLUGIN.replace('authenticate:', 'autenticate:'));
  Reflect.set(globalThis, 'goferClosed', closed);
});
afterAll(() => rm(directory, { recursive: true }));
beforeEach(async () => {
  for (const auth of open.splice(0)) await auth.close();
  closed.length = 0;
});

async function load(text: string, hostOf: (contract: 'auth', name: string) => AuthHost = host): Promise<LoadedAuth> {
  const configPath = join(directory, 'gofer_web.toml');
  await writeFile(configPath, text);
  const loaded: LoadedServerConfig = await loadServerConfig({ environment: {}, homeDirectory: directory, configPath });
  const auth = await loadAuth(loaded, BUILT_INS, hostOf);
  open.push(auth);
  return auth;
}

const host = (_contract: 'auth', name: string): AuthHost => ({
  instanceId: 'test',
  dataDirectory: join(directory, name),
  log: () => undefined,
  now: () => 1234,
  tokens: { find: async (hash) => (hash === RECORD.hash ? RECORD : undefined) },
});

const bearer = (token: string) => ({ kind: 'bearer', token }) as const;

async function faultsOf(loading: Promise<unknown>): Promise<readonly { path: string; message: string }[]> {
  const error: unknown = await loading.catch((reason: unknown) => reason);
  expect(error).toHaveProperty('code', 'PLUGIN_INVALID');
  return (error as GoferError).details;
}

describe('loadAuth', () => {
  it('gives one plugin for both where nothing else is configured', async () => {
    const { tokens, configured } = await load('');
    expect(configured).toBe(tokens);
    expect(await tokens.authenticate(bearer(TOKEN))).toEqual({ id: 'id', user: 'somebody', roles: ['user'], groups: [] });
  });

  it('gives the token plugin beside the configured one, each with a host of its own name', async () => {
    const names: string[] = [];
    const { tokens, configured } = await load('[auth]\nengine = "./everybody.mjs"\n[auth.everybody]\nuser = "me"\n', (contract, name) => {
      names.push(name);
      return host(contract, name);
    });
    expect(names.toSorted()).toEqual(['everybody', 'token']);
    expect(await tokens.authenticate(bearer(TOKEN))).toMatchObject({ user: 'somebody' });
    expect(await configured.authenticate(bearer('x'))).toMatchObject({ id: '1234', user: 'me' });
    await expect(tokens.authenticate(bearer('x'))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('closes both', async () => {
    const auth = await load('[auth]\nengine = "./everybody.mjs"\n');
    await auth.close();
    await auth.close();
    expect(closed).toEqual(['everybody']);
  });

  it.each([
    ['engine = "tokn"', /neither a built-in plugin nor a package.*did you mean "token"\?/],
    ['engine = "./partial.mjs"', /without the method authenticate$/],
  ])('refuses %s', async (line, message) => {
    const faults = await faultsOf(load(`[auth]\n${line}\n`));
    expect(faults).toEqual([{ path: expect.stringContaining('auth.engine') as string, message: expect.stringMatching(message) as string }]);
  });

  it('refuses what does not fit into the block of either', async () => {
    const text = '[auth]\nengine = "./everybody.mjs"\n[auth.everybody]\nuser = 1\n[auth.token]\nsalt = "x"\n';
    const messages = (await faultsOf(load(text))).map(({ message }) => message);
    expect(messages.toSorted()).toEqual(['auth.everybody.user must be a string, not 1', 'auth.token.salt is not a known key']);
  });

  it('leaves nothing behind where the tokens cannot be read', async () => {
    const away = (contract: 'auth', name: string): AuthHost => ({
      ...host(contract, name),
      tokens: { find: () => Promise.reject(new GoferError('DATA_LOSS', 'the database is damaged')) },
    });
    const faults = await faultsOf(load('[auth]\nengine = "./everybody.mjs"\n', away));
    expect(faults).toEqual([
      { path: 'auth.engine = "token"', message: expect.stringContaining('the plugin token cannot be used') as string },
    ]);
    expect(closed).toEqual(['everybody']);
  });
});
