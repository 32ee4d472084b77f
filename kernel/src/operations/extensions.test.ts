/** What operations on a server's files make of its extensions: their values, objects, subscriptions, events and logs. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LoadedServerConfig, loadServerConfig } from '@gofer/config';
import type { PluginInstance, Scheduler } from '@gofer/contracts';
import type { Delivery, Extension, Subscription } from '@gofer/contracts/api';
import { plugin as fake } from '@gofer/scheduler-fake';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { BuiltInPlugins } from '../boot/load-scheduler.ts';
import { type RunningServer, startServer } from '../boot/start-server.ts';
import { IMAGE, TestExtension } from '../extensions/extension-stage.fixture.ts';
import { Snapshot } from '../storage/snapshot.ts';
import { Store } from '../storage/store.ts';
import { logPaths } from '../workers/logs/log-files.ts';
import { listSegments } from '../workers/logs/log-segments.ts';
import { backUp } from './back-up.ts';
import { checkServer } from './check.ts';
import { restore } from './restore.ts';

const KEY = 'the key of this backup, 32 letters';
const VALUE = 'a value that nobody may read';
const SOON = { timeout: 20_000, interval: 50 };
const SUBSCRIPTIONS = '/api/namespaces/default/pipelines/watched/subscriptions';

let root: string;
let extension: TestExtension;
/** One engine for all servers of a test, which outlives them. */
let engine: Scheduler & PluginInstance;
const servers = new Set<RunningServer>();
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'gofer-operations-'));
  extension = new TestExtension();
  await extension.listen();
  // Not at once, so that it is more than one segment.
  const much = Array.from({ length: 12 }, () => [{ print: 'one line of many\n'.repeat(3000) }, { sleep_ms: 20 }]).flat();
  const script = [{ steps: [{ print: 'hello\n' }, ...much, { sleep_ms: 3_600_000 }], endpoints: { '8082': extension.url } }];
  engine = await fake.create({ script }, { instanceId: 'shared', dataDirectory: root, log: () => {} });
});
afterEach(async () => {
  for (const server of servers) await server.stop();
  servers.clear();
  await engine.close();
  await extension.close();
  rmSync(root, { recursive: true, force: true });
});

const builtIns = (): BuiltInPlugins => ({
  scheduler: { fake: () => Promise.resolve({ plugin: { ...fake, create: () => Promise.resolve(lent(engine)) } }) },
  object_store: { filesystem: () => import('@gofer/object-store-filesystem') },
  secret_store: { sqlite: () => import('@gofer/secret-store-sqlite') },
  auth: { token: () => import('@gofer/auth-token') },
  automatic: ['fake'],
});

function lent(scheduler: Scheduler & PluginInstance): Scheduler & PluginInstance {
  return new Proxy(scheduler, {
    get(target, name) {
      if (name === 'close') return async () => {};
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}

function load(home: string, flags: Readonly<Record<string, string>> = {}): Promise<LoadedServerConfig> {
  const place = join(root, home);
  return loadServerConfig({
    environment: { XDG_STATE_HOME: place },
    systemConfigPath: join(root, 'none.toml'),
    homeDirectory: place,
    flags: {
      'server.bind_address': '127.0.0.1:0',
      'server.extension_address': '127.0.0.1:8080',
      'server.storage_path': join(place, 'gofer.db'),
      'server.shutdown_timeout': '1s',
      'api.task_execution_logs_dir': join(place, 'logs'),
      'external_events.bind_address': '127.0.0.1:0',
      'extensions.health_interval': '1s',
      'extensions.stop_timeout': '1s',
      'scheduler.engine': 'fake',
      'object_store.engine': 'filesystem',
      ...flags,
    },
  });
}

async function operate(home: string, flags: Readonly<Record<string, string>> = {}) {
  return { loaded: await load(home, flags), builtIns: builtIns(), version: '1.2.3', log: () => {} };
}

async function start(home: string, flags: Readonly<Record<string, string>> = {}): Promise<RunningServer> {
  const server = await startServer({
    loaded: await load(home, flags),
    builtIns: builtIns(),
    metadata: { semver: '1.2.3', commit: 'abc' },
    write: () => {},
  });
  servers.add(server);
  return server;
}

async function stop(server: RunningServer): Promise<void> {
  servers.delete(server);
  await server.stop();
}

async function ask<Body>(server: RunningServer, method: string, path: string, body?: object | string): Promise<Body> {
  const content = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
  const type = typeof body === 'string' ? 'application/octet-stream' : 'application/json';
  const headers = { 'gofer-api-version': 'v0', 'content-type': type };
  const answer = await fetch(`${server.url}${path}`, { method, headers, ...content });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return (text.startsWith('{') ? JSON.parse(text) : text) as Body;
}

const stateOf = async (server: RunningServer) =>
  (await ask<{ extension: Extension }>(server, 'GET', '/api/extensions/watcher')).extension.state;
const deliveriesOf = async (server: RunningServer) =>
  (await ask<{ deliveries: Delivery[] }>(server, 'GET', '/api/extensions/watcher/deliveries')).deliveries.map(({ state }) => state);
const given = () => extension.asked.filter(({ call }) => call === 'POST /api/subscribe').length;
const keyOf = () => extension.asked.findLast(({ authorization }) => authorization !== undefined)?.authorization;
const containers = async () => (await engine.list({})).length;

async function sendEvent(server: RunningServer): Promise<void> {
  const answer = await fetch(`${server.externalEventsUrl ?? ''}/events/watcher`, { method: 'POST', body: 'something happened' });
  expect(answer.status).toBe(204);
}

/** A server with an extension that has something of everything; an event waits for it, as it is not well. */
async function fill(server: RunningServer): Promise<void> {
  const [task] = [{ id: 'one', image: 'any', command: ['true'], depends_on: {}, variables: {} }];
  const config = { id: 'watched', name: 'watched', description: '', parallelism: 0, tasks: [task] };
  const configs = '/api/namespaces/default/pipelines/watched/configs';
  await ask(server, 'POST', configs, { config });
  await ask(server, 'POST', `${configs}/1`);
  const registration = { id: 'watcher', image: IMAGE, settings: { password: VALUE }, registry_auth: { user: 'me', pass: VALUE } };
  await ask(server, 'POST', '/api/extensions?wait=30', registration);
  await ask(server, 'POST', '/api/extensions/watcher/objects/thing?force=false', 'contents');
  await ask(server, 'POST', SUBSCRIPTIONS, { extension_id: 'watcher', subscription_id: 'test', settings: { every: '5m' } });
  await sendEvent(server);
  await expect.poll(() => deliveriesOf(server), SOON).toEqual(['delivered']);
  extension.isHealthy = false;
  await expect
    .poll(async () => (await ask<{ extension: Extension }>(server, 'GET', '/api/extensions/watcher')).extension.health, SOON)
    .toBe('unhealthy');
  await sendEvent(server);
}

/** Everything that `fill` has made is there, and works. */
async function expectWhole(server: RunningServer): Promise<void> {
  await expect.poll(() => stateOf(server), SOON).toBe('running');
  const { subscriptions } = await ask<{ subscriptions: Subscription[] }>(server, 'GET', SUBSCRIPTIONS);
  expect(subscriptions).toMatchObject([{ subscription_id: 'test', settings: { every: '5m' }, status: 'active' }]);
  expect(await ask(server, 'GET', '/api/extensions/watcher/objects/thing')).toBe('contents');
}

it('a backup holds all of them, no value in clear, and another place goes on from it', { timeout: 60_000 }, async () => {
  const first = await start('first');
  await fill(first);
  const key = keyOf();
  const manifest = await backUp(await operate('first'), join(root, 'backup'), KEY);
  expect(manifest.missing).toEqual([]);
  expect(manifest.counts).toMatchObject({ extensions: 1, subscriptions: 1, deliveries: 2, objects: 1 });
  expect(manifest.files.map(({ path }) => path.split('/')[0])).toEqual(expect.arrayContaining(['objects', 'secrets', 'logs']));
  for (const { path } of manifest.files) expect([path, readFileSync(join(root, 'backup', path)).includes(VALUE)]).toEqual([path, false]);
  // What the extension is told from here on the backup knows nothing of.
  extension.isHealthy = true;
  await expect.poll(() => deliveriesOf(first), SOON).toEqual(['delivered', 'delivered']);
  await ask(first, 'DELETE', `${SUBSCRIPTIONS}/watcher/test`);
  await expect.poll(() => extension.calls().filter((call) => call === 'DELETE /api/subscribe').length, SOON).toBe(1);
  const [left] = await engine.list({});
  await restore({ ...(await operate('second')), key: KEY, force: false, newInstance: false }, join(root, 'backup'));
  expect(await checkServer(await operate('second'), true)).toEqual([]);
  expect(await checkServer(await operate('second'), false)).toEqual([]);

  const before = given();
  const second = await start('second');
  await expectWhole(second);
  expect(keyOf()).toBe(key);
  await expect.poll(() => deliveriesOf(second), SOON).toEqual(['delivered', 'delivered']);
  // The one that runs may have other subscriptions than the backup knows: another one has taken its place.
  expect(given()).toBe(before + 1);
  expect((await engine.list({})).map(({ handle }) => handle)).not.toContainEqual(left?.handle);
  await stop(second);
});

it('the log of a start is backed up and checked in all its segments', { timeout: 60_000 }, async () => {
  const flags = { 'extensions.max_log_size': '1048576' };
  const logs = (home: string): string => join(root, home, 'logs');
  const read = (home: string, id: string): string => readFileSync(logPaths(logs(home), id).data, 'utf8');
  const first = await start('first', flags);
  await fill(first);
  const snapshot = new Snapshot(join(root, 'first', 'gofer.db'));
  const [uid = ''] = snapshot.logs().map((each) => each.uid);
  snapshot.close();
  const idsIn = (home: string) => listSegments(logs(home), uid).map(({ id }) => id);
  const all = (home: string): string => idsIn(home).reduce((text, id) => text + read(home, id), '');
  await expect.poll(() => all('first').length, SOON).toBe(6 + 12 * 3000 * 17);
  expect(idsIn('first').length).toBeGreaterThan(2);
  expect((await backUp(await operate('first', flags), join(root, 'backup'), KEY)).missing).toEqual([]);
  await restore({ ...(await operate('second', flags)), key: KEY, force: false, newInstance: false }, join(root, 'backup'));
  expect(idsIn('second')).toEqual(idsIn('first'));
  expect(all('second')).toBe(all('first'));

  // The one that is started there puts an end to the former.
  const second = await start('second', flags);
  extension.isHealthy = true;
  await expect.poll(() => stateOf(second), SOON).toBe('running');
  await stop(second);
  expect(await checkServer(await operate('second', flags), false)).toEqual([]);
  const [oldest = '', middle = '', next = ''] = idsIn('second');
  const newest = idsIn('second').at(-1) ?? '';
  rmSync(logPaths(logs('second'), newest).index);
  rmSync(logPaths(logs('second'), middle).data);
  rmSync(logPaths(logs('second'), middle).index);
  writeFileSync(logPaths(logs('second'), oldest).data, read('second', oldest).replace('hello', 'hullo'));
  expect(await checkServer(await operate('second', flags), true)).toEqual([
    { part: 'logs', subject: oldest, problem: expect.stringContaining('the hash differs') },
    { part: 'logs', subject: next, problem: expect.stringMatching(/^lines \d+ to \d+ of the log, before it, are missing$/) },
    { part: 'logs', subject: newest, problem: expect.stringContaining('the index is missing') },
  ]);
});

it('another instance leaves alone what the first one runs, and hands over nothing that waits for the first', {
  timeout: 60_000,
}, async () => {
  const first = await start('first');
  await fill(first);
  await backUp(await operate('first'), join(root, 'backup'), KEY);
  extension.isHealthy = true;
  await expect.poll(() => deliveriesOf(first), SOON).toEqual(['delivered', 'delivered']);
  const [own] = await engine.list({});
  await restore({ ...(await operate('other')), key: KEY, force: false, newInstance: true }, join(root, 'backup'));
  expect(await checkServer(await operate('other'), true)).toEqual([]);

  const other = await start('other');
  await expectWhole(other);
  expect(await containers()).toBe(2);
  expect(await deliveriesOf(other)).toEqual(['failed', 'delivered']);
  await ask(other, 'DELETE', '/api/extensions/watcher');
  await stop(other);
  expect((await engine.list({})).map(({ handle }) => handle)).toEqual([own?.handle]);
  await expectWhole(first);
  // Of another instance's values the stores of this one lose nothing.
  await stop(first);
  expect(await checkServer(await operate('first'), true)).toEqual([]);
});

it('a check repairs nothing of what they need, and finds what is wrong with them', { timeout: 60_000 }, async () => {
  const server = await start('first');
  await fill(server);
  await stop(server);
  expect(await checkServer(await operate('first'), true)).toEqual([]);
  const path = join(root, 'first', 'gofer.db');
  const store = Store.open(path);
  const [start1] = store.extensionStarts.listOf(store.extensions.uidOf('watcher') ?? '');
  const record = store.extensions.find('watcher');
  const [subscription] = store.subscriptions.ofExtension('watcher');
  await store.commit(() => {
    store.tokens.delete(record?.tokenId ?? '');
    store.subscriptions.insert({ ...someone('gone'), pipelineUid: subscription?.pipelineUid ?? '' }, 1);
    store.subscriptions.insert({ ...someone('watcher'), pipelineUid: 'gone' }, 1);
  });
  store.close();
  const logs = join(root, 'first', 'logs');
  rmSync(logPaths(logs, start1?.uid ?? '').data);
  const found = (await checkServer(await operate('first'), false)).map(({ part, problem }) => `${part}: ${problem}`);
  expect(found).toEqual([
    'database: an extension has no token',
    'database: a subscription is to an extension that is not installed',
    'database: a subscription belongs to no pipeline',
    expect.stringMatching(/^logs: /),
  ]);
  const repaired = (await checkServer(await operate('first'), true)).map(({ repaired: done }) => done);
  expect(repaired).toEqual([undefined, 'the subscription was removed', 'the subscription has ended', undefined]);
  expect(await checkServer(await operate('first'), false)).toHaveLength(2);
});

it('the key of the secret store is changed without a word to them', { timeout: 60_000 }, async () => {
  const [former, present] = ['f'.repeat(32), 'p'.repeat(32)];
  const first = await start('first', { 'secret_store.sqlite.encryption_key': former });
  await fill(first);
  await stop(first);
  extension.isHealthy = true;
  const both = { 'secret_store.sqlite.encryption_key': present, 'secret_store.sqlite.previous_encryption_keys': former };
  const second = await start('first', both);
  await expectWhole(second);
  const { encrypted } = await ask<{ encrypted: number }>(second, 'POST', '/api/secrets/rotation');
  // Its key, what it was given, and what is masked in the log of its start.
  expect(encrypted).toBe(3);
  await stop(second);
  const key = keyOf();
  const third = await start('first', { 'secret_store.sqlite.encryption_key': present });
  await expectWhole(third);
  expect(keyOf()).toBe(key);
});

function someone(extensionId: string) {
  const names = { namespaceId: 'default', pipelineId: 'watched', subscriptionId: 'another' };
  return { ...names, extensionId, uid: `of ${extensionId}`, settings: {}, origin: 'api', givenTo: undefined } as const;
}
