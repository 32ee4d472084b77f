import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Flags, loadServerConfig } from '@gofer/config';
import { codeOf, type Fault, GoferError } from '@gofer/contracts';
import { plugin as fake } from '@gofer/scheduler-fake';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Store } from '../storage/store.ts';
import type { BuiltInPlugins } from './load-scheduler.ts';
import { type RunningServer, startServer } from './start-server.ts';

let directory: string;
let lines: string[];
const servers: RunningServer[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gofer-boot-'));
  lines = [];
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
  rmSync(directory, { recursive: true, force: true });
});

const unreachable = {
  ...fake,
  name: 'unreachable',
  create: () => Promise.reject(new GoferError('UNAVAILABLE', 'no engine answers at /nowhere.sock')),
};
const BUILT_INS: BuiltInPlugins = {
  scheduler: { fake: () => import('@gofer/scheduler-fake'), unreachable: () => Promise.resolve({ plugin: unreachable }) },
  object_store: { filesystem: () => import('@gofer/object-store-filesystem') },
  secret_store: { sqlite: () => import('@gofer/secret-store-sqlite') },
  auth: { token: () => import('@gofer/auth-token') },
  automatic: ['unreachable', 'fake'],
};

const storagePath = (): string => join(directory, 'gofer.db');

async function start(flags: Flags = {}, builtIns = BUILT_INS): Promise<RunningServer> {
  const loaded = await loadServerConfig({
    environment: { XDG_STATE_HOME: directory },
    systemConfigPath: join(directory, 'none.toml'),
    homeDirectory: directory,
    flags: {
      'server.bind_address': '127.0.0.1:0',
      'external_events.enable': 'false',
      'server.storage_path': storagePath(),
      'api.task_execution_logs_dir': join(directory, 'logs'),
      'scheduler.engine': 'fake',
      'object_store.engine': 'filesystem',
      'server.shutdown_timeout': '1s',
      ...flags,
    },
  });
  const server = await startServer({
    loaded,
    builtIns,
    metadata: { semver: '1.2.3', commit: 'abc' },
    write: (line) => void lines.push(line),
  });
  servers.push(server);
  return server;
}

async function faultOf(promise: Promise<unknown>): Promise<{ code: string; message: string; details: readonly Fault[] }> {
  const error: unknown = await promise.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error('no error');
  return { code: codeOf(error), message: error.message, details: error instanceof GoferError ? error.details : [] };
}

async function ask(
  server: RunningServer,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Record<string, unknown>> {
  const answer = await fetch(`${server.url}${path}`, {
    ...options,
    headers: { 'gofer-api-version': 'v0', 'content-type': 'application/json', ...options.headers },
  });
  return (await answer.json()) as Record<string, unknown>;
}

/** Nothing holds the database of a server that did not start. */
function expectFree(): void {
  if (existsSync(storagePath())) Store.open(storagePath()).close();
}

async function expectPortFree(url: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(Number(new URL(url).port), '127.0.0.1', resolve));
  await new Promise((resolve) => server.close(resolve));
}

describe('a server', () => {
  it('is ready when it says so, keeps what it was told, and stops as often as it is asked', async () => {
    const server = await start();
    expect(server.engine).toBe('fake');
    expect(lines.join('')).toContain(`Gofer 1.2.3 is ready at ${server.url}`);
    expect(await ask(server, '/api/system/metadata')).toMatchObject({ commit: 'abc', semver: '1.2.3' });
    await ask(server, '/api/namespaces', { method: 'POST', body: JSON.stringify({ id: 'kept', name: 'Kept', description: '' }) });
    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
    expect(lines.filter((line) => line.includes('stopped'))).toHaveLength(1);
    await expectPortFree(server.url);
    const again = await start();
    const { namespaces } = await ask(again, '/api/namespaces');
    expect((namespaces as { id: string }[]).map(({ id }) => id)).toEqual(['default', 'kept']);
  });

  it('shares its database with no other', async () => {
    const server = await start();
    const { code, message } = await faultOf(start());
    expect(code).toBe('LOCKED');
    expect(message).toContain(storagePath());
    expect(await ask(server, '/api/namespaces/default')).toMatchObject({ namespace: { id: 'default' } });
    await server.stop();
    await start();
  });

  it.for([
    ['a scheduler that does not exist', { 'scheduler.engine': 'nomda' }, 'PLUGIN_INVALID'],
    ['a scheduler that does not answer', { 'scheduler.engine': 'unreachable' }, 'PLUGIN_INVALID'],
    ['a plugin that is none', { 'scheduler.engine': './plugin.mjs' }, 'PLUGIN_INVALID'],
    ['a wrong setting of its scheduler', { 'scheduler.fake.script': '/no/such/file' }, 'PLUGIN_INVALID'],
  ] as const)('does not start with %s, and leaves nothing behind', async ([, flags, expected]) => {
    writeFileSync(join(directory, 'plugin.mjs'), 'export const answer = 42;\n');
    const { code, message, details } = await faultOf(start(flags));
    expect(code).toBe(expected);
    expect(`${message} ${JSON.stringify(details)}`.length).toBeGreaterThan(30);
    expectFree();
    await start();
  });

  it('does not start where its address is taken, and leaves nothing behind', async () => {
    const first = await start();
    const { message } = await faultOf(
      start({ 'server.bind_address': new URL(first.url).host, 'server.storage_path': join(directory, 'other.db') }),
    );
    expect(message).toContain(new URL(first.url).host);
    Store.open(join(directory, 'other.db')).close();
    expect(await ask(first, '/api/namespaces/default')).toMatchObject({ namespace: { id: 'default' } });
  });

  it('takes external events at an address of its own, says where, and does not start where that is taken', async () => {
    const events = { 'external_events.enable': 'true', 'external_events.bind_address': '127.0.0.1:0' };
    const first = await start(events);
    const { externalEventsUrl } = first;
    expect(externalEventsUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(lines.find((line) => line.includes('is ready at'))).toContain(externalEventsUrl);
    const post = (path: string) => fetch(`${externalEventsUrl}${path}`, { method: 'POST', body: 'event' });
    expect((await post('/events/none')).status).toBe(404);
    expect((await fetch(`${externalEventsUrl}/api/namespaces`)).status).toBe(404);
    const host = new URL(externalEventsUrl ?? '').host;
    const other = { ...events, 'external_events.bind_address': host, 'server.storage_path': join(directory, 'other.db') };
    const { code, message } = await faultOf(start(other));
    expect(code).toBe('LOCKED');
    expect(message).toContain(`external_events.bind_address: ${host} is in use by another process.`);
    expect(message).toContain('external_events.enable = false');
    await first.stop();
    await expectPortFree(externalEventsUrl ?? '');
    expect((await start()).externalEventsUrl).toBeUndefined();
  });

  it('asks for tokens where it is told to, and hands out the first one', async () => {
    const server = await start({ 'development.bypass_auth': 'false', 'secret_store.sqlite.encryption_key': 'k'.repeat(32) });
    expect(await ask(server, '/api/namespaces')).toMatchObject({ error_code: 'UNAUTHENTICATED' });
    const { secret } = await ask(server, '/api/tokens/bootstrap', { method: 'POST' });
    const headers = { authorization: `Bearer ${String(secret)}` };
    expect(await ask(server, '/api/namespaces', { headers })).toMatchObject({ namespaces: [{ id: 'default' }] });
    expect(await ask(server, '/api/tokens/bootstrap', { method: 'POST' })).toMatchObject({ error_code: 'FAILED_PRECONDITION' });
  });
});

describe('the scheduler', () => {
  it('that answers first is taken for "auto", and the others are told', async () => {
    const server = await start({ 'scheduler.engine': 'auto' });
    expect(server.engine).toBe('fake');
    const log = lines.join('');
    expect(log).toContain("the scheduler 'unreachable' cannot be used, trying 'fake'");
    expect(log).toContain('no engine answers at /nowhere.sock');
  });

  it('that none answers for "auto" ends the start with the last one’s reason', async () => {
    const { code } = await faultOf(start({ 'scheduler.engine': 'auto' }, { ...BUILT_INS, automatic: ['unreachable'] }));
    expect(code).toBe('PLUGIN_INVALID');
    expectFree();
  });

  it('of an earlier start is loaded beside the new one, and missed loudly', async () => {
    await (await start()).stop();
    const store = Store.open(storagePath());
    await store.commit(() => {
      store.pipelines.insert('p', 'default', 'old', 1);
      const run = {
        uid: 'r',
        pipelineUid: 'p',
        configVersion: 1,
        started: 1,
        initiator: { id: '', user: '' },
        variables: [],
        idempotencyKey: undefined,
        owner: '',
      };
      store.runs.insert(run);
      store.runs.complete('r', 2, 'failed', undefined);
      for (const [number, engine] of ['fake', 'unreachable', './gone.mjs'].entries()) {
        store.attempts.insert({ uid: `attempt-${number}`, runUid: 'r', taskId: 'one', number, engine, created: 1 });
        store.attempts.end(`attempt-${number}`, { ended: 2, status: 'failed', exitCode: 1, reason: undefined, log: undefined });
      }
    });
    store.close();
    await start();
    const log = lines.join('');
    for (const engine of ['unreachable', './gone.mjs']) expect(log).toContain(`started by the scheduler '${engine}' cannot be found again`);
  });
});
