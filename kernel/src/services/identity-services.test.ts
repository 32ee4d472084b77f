/** Tokens, sessions and roles over a real database, and what of them counts for a request. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GoferError } from '@gofer/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AccessControl, createTokenDirectory } from '../access/access-control.ts';
import { hashSecret } from '../access/mint-secret.ts';
import { insertTaskToken, mintTaskToken } from '../access/task-tokens.ts';
import type { Principal } from '../domain/index.ts';
import { Store } from '../storage/store.ts';
import { StoredRoleService } from './role-service.ts';
import { StoredSessionService } from './session-service.ts';
import { StoredTokenService } from './token-service.ts';

const ADMIN: Principal = { id: 'an-admin', user: 'root', roles: ['admin'] };
const READ = { action: 'read', resources: ['namespaces', 'pipelines', 'runs'] } as const;
const DEMO = { namespace_id: 'default', pipeline_id: 'demo' };
const SESSION_MS = 60_000;

let directory: string;
let store: Store;
let clock: number;
let logged: string[];
let access: AccessControl;
let tokens: StoredTokenService;
let sessions: StoredSessionService;
let roles: StoredRoleService;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gofer-identity-'));
  store = Store.open(join(directory, 'gofer.db'));
  clock = 1_000_000;
  logged = [];
  const now = () => clock;
  const known = createTokenDirectory(store);
  access = new AccessControl({
    store,
    now,
    log: (level, message) => logged.push(`${level} ${message}`),
    authenticate: async (secret) => {
      const token = await known.find(hashSecret(secret));
      if (token === undefined || token.disabled) throw new GoferError('UNAUTHENTICATED', 'Not known.');
      return { id: token.id, user: token.user, roles: token.roles, groups: [] };
    },
  });
  tokens = new StoredTokenService(store, now);
  sessions = new StoredSessionService(store, SESSION_MS, now);
  roles = new StoredRoleService(store, access, Date.now);
});
afterEach(async () => {
  await access.close();
  store.close();
  rmSync(directory, { recursive: true });
});

const make = (held: string[], expires = 0, creator = ADMIN) =>
  tokens.create(creator, { user: 'alice', roles: held, expires, metadata: {} });

describe('the bootstrap token', () => {
  it('is handed out once, to one of those who ask at the same time', async () => {
    const answers = await Promise.allSettled(Array.from({ length: 20 }, () => tokens.createBootstrap()));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await expect(tokens.createBootstrap()).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
  });

  it('is handed out to nobody where there is an administrator, as from a time when authentication was bypassed', async () => {
    await make(['user']);
    await make(['admin']);
    await expect(tokens.createBootstrap()).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
  });
});

describe('a token', () => {
  it('is recognisable, random, and kept as its hash only', async () => {
    const { secret, token_details: token } = await make(['user']);
    expect(secret).toMatch(/^gofer_[\w-]{43}$/);
    expect((await make(['user'])).secret).not.toBe(secret);
    expect(store.tokens.byId(token.id)?.hash).toBe(hashSecret(secret));
    for (const name of readdirSync(directory)) expect(readFileSync(join(directory, name)).includes(secret)).toBe(false);
  });

  it('has no more than its creator', async () => {
    await roles.create({ id: 'mine', description: '', permissions: [] });
    await roles.create({ id: 'theirs', description: '', permissions: [] });
    const creator: Principal = { id: 'x', user: 'bob', roles: ['mine'] };
    await expect(make(['mine'], 0, creator)).resolves.toMatchObject({ token_details: { roles: ['mine'] } });
    for (const held of [['theirs'], ['mine', 'admin']]) {
      await expect(make(held, 0, creator)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    }
    for (const held of [['bootstrap'], ['Bootstrap'], ['inject_api_token']]) {
      await expect(make(held)).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    }
    await expect(make(['no-such-role'])).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', details: [{ path: '$.roles[0]' }] });
  });

  it('does not outlive the one that made it', async () => {
    const { token_details: short } = await make(['admin'], 100);
    const creator: Principal = { id: short.id, user: short.user, roles: short.roles };
    clock += 40_000;
    await expect(make(['user'], 60, creator)).resolves.toMatchObject({ token_details: { expires: short.expires } });
    for (const expires of [0, 61]) {
      await expect(make(['user'], expires, creator)).rejects.toMatchObject({
        code: 'PERMISSION_DENIED',
        message: expect.stringContaining('60 seconds'),
      });
    }
  });

  it('is not taken away by accident from whoever uses it', async () => {
    const { token_details: own } = await make(['admin']);
    const caller: Principal = { id: own.id, user: 'alice', roles: ['admin'] };
    for (const change of [() => tokens.setDisabled(caller, own.id, true), () => tokens.delete(caller, own.id)]) {
      await expect(change()).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
    }
    await tokens.setDisabled(caller, own.id, false);
    expect((await tokens.get(own.id)).disabled).toBe(false);
  });

  it('tells when it was last used', async () => {
    const { secret, token_details: token } = await make(['user']);
    clock += 5000;
    await access.ofToken(secret);
    await access.close();
    expect((await tokens.get(token.id)).last_used).toBe(clock);
  });

  it('is used whether or not that can be written: nobody waits for it', async () => {
    const { secret } = await make(['user']);
    await access.ofToken(secret);
    store.close();
    await access.close();
    expect(logged).toEqual(['warn when tokens were last used could not be written']);
    store = Store.open(join(directory, 'gofer.db'));
  });
});

describe('a session', () => {
  it('stands for its token until it ends, or the token does', async () => {
    const { token_details: token } = await make(['user'], 50);
    const principal: Principal = { id: token.id, user: 'alice', roles: ['user'] };
    const short = await sessions.begin(principal);
    expect(short).toMatchObject({ expires: token.expires, seconds: 50 });
    expect(await access.ofSession(short.secret)).toEqual(principal);
    await sessions.end(short.secret);
    await expect(access.ofSession(short.secret)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    const next = await sessions.begin(principal);
    await tokens.setDisabled(ADMIN, token.id, true);
    await expect(access.ofSession(next.secret)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await tokens.setDisabled(ADMIN, token.id, false);
    await tokens.delete(ADMIN, token.id);
    await expect(access.ofSession(next.secret)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('lasts as long as it is configured to', async () => {
    const { token_details: token } = await make(['user']);
    const { secret } = await sessions.begin({ id: token.id, user: 'alice', roles: ['user'] });
    clock += SESSION_MS - 1;
    await expect(access.ofSession(secret)).resolves.toMatchObject({ user: 'alice' });
    clock += 1;
    await expect(access.ofSession(secret)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});

describe('a role', () => {
  const grant = (target: string) => [{ resources: [`namespaces:${target}`, 'pipelines', 'runs'], actions: ['read' as const] }];

  it('counts from the next request on, as it is then', async () => {
    const holder: Principal = { id: 'x', user: 'alice', roles: ['readers'] };
    const may = () => access.authorize(holder, READ, DEMO);
    expect(may()).toBe(false);
    await roles.create({ id: 'readers', description: 'r', permissions: grant('default') });
    expect(may()).toBe(true);
    await roles.update('readers', { permissions: grant('other') });
    expect(may()).toBe(false);
    await roles.update('readers', { description: 'others' });
    expect(await roles.get('readers')).toMatchObject({ description: 'others', permissions: grant('other') });
    await roles.update('readers', { permissions: grant('.*') });
    expect(may()).toBe(true);
    await roles.delete('readers');
    expect(may()).toBe(false);
  });

  it('is not changed by a change that is wrong', async () => {
    await roles.create({ id: 'readers', description: 'r', permissions: grant('default') });
    const before = await roles.get('readers');
    const wrong = { description: 'changed', permissions: [{ resources: ['namespaces:['], actions: ['read' as const] }] };
    await expect(roles.update('readers', wrong)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: [{ path: '$.permissions[0].resources[0]' }],
    });
    expect(await roles.get('readers')).toEqual(before);
  });

  it('of the system cannot be changed, nor imitated', async () => {
    await expect(roles.update('user', { description: 'mine' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(roles.delete('admin')).rejects.toMatchObject({ code: 'FORBIDDEN' });
    for (const id of ['admin', 'Admin', 'USER']) {
      await expect(roles.create({ id, description: '', permissions: [] })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    }
    await expect(roles.create({ id: 'a b', description: '', permissions: [] })).rejects.toMatchObject({ details: [{ path: '$.id' }] });
    expect((await roles.list({ limit: 2, offset: 1 })).map(({ id }) => id)).toEqual(['admin', 'user']);
  });
});

describe("a task's token", () => {
  const started = { configVersion: 1, started: 1, initiator: { id: '', user: '' }, variables: [], idempotencyKey: undefined, owner: '' };
  const subject = { namespaceId: 'default', pipelineId: 'demo', pipelineUid: 'p', runUid: 'r', runId: 1, taskId: 'one' };
  const issue = async () => {
    const token = mintTaskToken();
    await store.commit(() => insertTaskToken(store, token, subject, clock));
    return token;
  };
  beforeEach(async () => {
    await store.commit(() => {
      store.namespaces.insert({ id: 'default', name: '', description: '' }, 1);
      store.pipelines.insert('p', 'default', 'demo', 1);
      store.runs.insert({ ...started, uid: 'r', pipelineUid: 'p' });
    });
  });

  it('reaches its own pipeline, and takes the place of the one before it', async () => {
    const first = await issue();
    expect((await access.ofToken(first.secret)).scope).toEqual({ namespaceId: 'default', pipelineId: 'demo' });
    const second = await issue();
    await expect(access.ofToken(first.secret)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(access.ofToken(second.secret)).resolves.toMatchObject({ roles: ['inject_api_token'] });
    expect(store.runs.byUid('r')?.tokenId).toBe(second.id);
  });

  it('dies with its pipeline, whatever is made under the same name', async () => {
    const { secret } = await issue();
    await store.commit(() => {
      store.pipelines.hide('p', 2);
      store.pipelines.insert('q', 'default', 'demo', 3);
    });
    await expect(access.ofToken(secret)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  it('is no credential of a browser', async () => {
    const { secret } = await issue();
    await expect(sessions.begin(await access.ofToken(secret))).rejects.toMatchObject({ code: 'FAILED_PRECONDITION' });
  });
});
