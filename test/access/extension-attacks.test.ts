/** What the token of an extension opens: itself and what is subscribed to it, by no way anything else, and of one that is disabled next to nothing. */
import type SQLite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../e2e/leftovers.ts';
import { AccessServer, type Answer } from './access-server.ts';
import { createToken, deployWithToken } from './callers.ts';

const MINE = '/api/namespaces/default/pipelines/mine';
const OTHERS = '/api/namespaces/default/pipelines/others';
const SECRET = 'a-value-that-is-secret';

let server: AccessServer;
let token: string;

beforeAll(async () => {
  server = await AccessServer.start();
  for (const id of ['mine', 'others']) await deployWithToken(server, 'default', id);
  await server.ask('POST', `${MINE}/secrets`, { key: 'key', content: SECRET, force: false });
  for (const id of ['watcher', 'another'])
    await server.ask('POST', '/api/extensions?wait=0', { id, image: 'example.com/any', settings: {} });
  await server.restart((database) => {
    subscribe(database, 'watcher', 'mine', 'a', { token: 'pipeline_secret{{key}}' });
    subscribe(database, 'another', 'mine', 'b', { password: 'given as it is' });
    subscribe(database, 'another', 'others', 'c', { password: 'given as it is' });
  });
  token = await tokenOf('watcher');
});
afterAll(() => server.close());

/** As if the extension had taken it: nothing answers under the scheduler of these tests. */
function subscribe(database: SQLite.Database, extension: string, pipeline: string, id: string, settings: object): void {
  const uid = database.prepare("SELECT uid FROM pipelines WHERE namespace_id = 'default' AND pipeline_id = ?").pluck().get(pipeline);
  database
    .prepare(
      `INSERT INTO subscriptions (uid, pipeline_uid, namespace_id, pipeline_id, extension_id, subscription_id, settings, origin, created, modified)
       VALUES (?, ?, 'default', ?, ?, ?, ?, 'api', 1, 1)`,
    )
    .run(`${extension}-${id}`, uid, pipeline, extension, id, JSON.stringify(settings));
}

/** What its latest start was given. */
async function tokenOf(extension: string): Promise<string> {
  const find = () =>
    server.started.findLast(({ env }) => env['GOFER_EXTENSION_SYSTEM_ID'] === extension)?.env['GOFER_EXTENSION_SYSTEM_SECRET'];
  await until('the start of the extension', async () => find() !== undefined);
  return find() ?? '';
}

function call(method: string, path: string, body?: unknown, by = token): Promise<Answer> {
  return server.call(method, path, { token: by, ...(body === undefined ? {} : { body }) });
}

async function idsOf(path: string, by = token): Promise<string[]> {
  const { subscriptions } = await server.ask<{ subscriptions: { extension_id: string; subscription_id: string }[] }>(
    'GET',
    path,
    undefined,
    by,
  );
  return subscriptions.map(({ extension_id, subscription_id }) => `${extension_id}/${subscription_id}`);
}

describe('the token of an extension', () => {
  it('starts runs of what is subscribed to it, and none that would be given a secret', async () => {
    expect(await call('POST', `${MINE}/runs`, { variables: { A: 'b' } })).toMatchObject({ status: 201 });
    expect(await call('POST', `${OTHERS}/runs`, {})).toMatchObject({ status: 401, code: 'PERMISSION_DENIED' });
    for (const value of ['pipeline_secret{{key}}', ' PIPELINE_SECRET{{ key }} ', 'global_secret{{key}}'])
      expect(await call('POST', `${MINE}/runs`, { variables: { A: value } })).toMatchObject({ status: 401, code: 'PERMISSION_DENIED' });
    const { run } = await server.ask<{ run: { run_id: number } }>('POST', `${MINE}/runs?wait=60`, {
      variables: { A: 'pipeline_secret{{key}}' },
    });
    expect(await call('POST', `${MINE}/runs/${run.run_id}/retry`, {})).toMatchObject({ status: 401, code: 'PERMISSION_DENIED' });
  });

  it('opens neither secrets nor objects nor a running task, and changes nothing', async () => {
    const refused = [
      ['GET', `${MINE}/secrets`],
      ['GET', `${MINE}/secrets/key?include_secret=true`],
      ['GET', `${MINE}/objects`],
      ['GET', `${MINE}/runs/1/objects`],
      ['PATCH', MINE],
      ['DELETE', MINE],
      ['DELETE', `${MINE}/runs/1`],
      ['POST', `${MINE}/subscriptions`],
      ['PATCH', `${MINE}/subscriptions/watcher/a`],
      ['DELETE', `${MINE}/subscriptions/watcher/a`],
      ['PATCH', '/api/extensions/watcher'],
      ['DELETE', '/api/extensions/watcher'],
      ['GET', '/api/extensions/watcher/debug'],
      ['GET', '/api/tokens'],
      ['POST', '/api/tokens'],
      ['GET', '/api/roles'],
      ['GET', '/api/audit'],
      ['GET', '/api/secrets/global'],
    ] as const;
    for (const [method, path] of refused) {
      const { code } = await call(method, path, method === 'GET' ? undefined : {});
      expect([method, path, code]).toEqual([method, path, 'PERMISSION_DENIED']);
    }
    await expect(server.socket(`${MINE}/runs/1/tasks/one/attach`, { token })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  it('shows nothing of other extensions, and of a shared pipeline its own subscriptions only', async () => {
    for (const rest of ['', '/objects', '/subscriptions', '/deliveries', '/debug']) {
      const { code } = await call('GET', `/api/extensions/another${rest}`);
      expect([rest, code]).toEqual([rest, 'PERMISSION_DENIED']);
    }
    expect(await call('GET', `${MINE}/subscriptions/another/b`)).toMatchObject({ status: 401, code: 'PERMISSION_DENIED' });
    expect(await idsOf(`${MINE}/subscriptions`)).toEqual(['watcher/a']);
    expect(await idsOf(`${MINE}/subscriptions`, server.admin)).toEqual(['another/b', 'watcher/a']);
  });

  it('hears of its namespaces and of itself, and neither of other extensions nor of roles', async () => {
    const { closed, frames } = await server.socket('/api/events?history=true&reverse=true', { token });
    expect((await closed).code).toBe(1000);
    const told = frames.flatMap((frame) => Object.entries((JSON.parse(frame) as { kind: Record<string, { id?: string }> }).kind));
    expect(told.filter(([kind]) => kind === 'installed_extension').map(([, { id }]) => id)).toEqual(['watcher']);
    expect(told.map(([kind]) => kind)).toContain('queued_run');
    expect(told.map(([kind]) => kind)).not.toContain('created_role');
  });

  it('shows what is subscribed to it with secrets looked up, as nobody else is shown it', async () => {
    const own = await call('GET', '/api/extensions/watcher/subscriptions');
    expect(own.text).toContain(SECRET);
    const seen = await call('GET', '/api/extensions/watcher/subscriptions', undefined, server.admin);
    expect(seen.text).toContain('pipeline_secret{{key}}');
    expect(seen.text).not.toContain(SECRET);
  });

  it('has a role that is given to nobody else, under no spelling', async () => {
    for (const [given, code] of [
      ['extension_watcher', 'PERMISSION_DENIED'],
      ['extension_', 'PERMISSION_DENIED'],
      ['Extension_watcher', 'INVALID_ARGUMENT'],
      ['EXTENSION_WATCHER', 'INVALID_ARGUMENT'],
    ] as const)
      expect(await call('POST', '/api/tokens', { user: 'them', roles: [given], expires: 0 }, server.admin)).toMatchObject({ code });
    const role = { id: 'extension_mine', description: '', permissions: [{ resources: ['runs'], actions: ['read'] }] };
    expect(await call('POST', '/api/roles', role, server.admin)).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await call('DELETE', '/api/roles/extension_watcher', undefined, server.admin)).toMatchObject({ code: 'FORBIDDEN' });
  });
});

describe('whoever may read extensions', () => {
  it('is shown the subscriptions of the pipelines that they may read', async () => {
    const permissions = [{ resources: ['extensions', 'subscriptions', 'namespaces', 'pipelines:^others$'], actions: ['read'] }];
    await server.ask('POST', '/api/roles', { id: 'watches', description: '', permissions });
    await server.ask('POST', '/api/roles', {
      id: 'looks',
      description: '',
      permissions: [{ resources: ['extensions'], actions: ['read'] }],
    });
    const some = await createToken(server, ['watches']);
    expect(await idsOf('/api/extensions/another/subscriptions', some.secret)).toEqual(['another/c']);
    const none = await createToken(server, ['looks']);
    expect(await idsOf('/api/extensions/another/subscriptions', none.secret)).toEqual([]);
    expect(await idsOf('/api/extensions/another/subscriptions', server.admin)).toEqual(['another/b', 'another/c']);
  });
});

describe('the token of an extension that is disabled', () => {
  it('opens its own objects, is told no secret, and hears of nothing any more on a connection that it had', async () => {
    const { frames, closed } = await server.socket('/api/events', { token });
    await server.ask('POST', `${MINE}/runs?wait=60`, {});
    await until('an event of the pipeline', async () => frames.some((frame) => frame.includes('completed_run')));
    const before = frames.length;
    await server.ask('PATCH', '/api/extensions/watcher', { enable: false });
    const { run } = await server.ask<{ run: { run_id: number } }>('POST', `${MINE}/runs?wait=60`, {});
    expect(await closed).toMatchObject({ reason: expect.stringContaining('PERMISSION_DENIED') });
    expect(frames.slice(before).filter((frame) => frame.includes(`"run_id":${run.run_id}`))).toEqual([]);

    expect((await call('GET', '/api/extensions/watcher/objects')).status).toBe(200);
    expect(await idsOf('/api/extensions/watcher/subscriptions')).toEqual([]);
    for (const path of [`${MINE}/runs`, `${MINE}/subscriptions`])
      expect(await call('GET', path)).toMatchObject({ code: 'PERMISSION_DENIED' });
    await expect(server.socket('/api/events', { token })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  it('opens nothing once it is enabled again, or another is installed under its id', async () => {
    await server.ask('PATCH', '/api/extensions/watcher', { enable: true });
    expect(await call('GET', '/api/extensions/watcher/objects')).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
    const former = await tokenOf('another');
    await server.ask('DELETE', '/api/extensions/another');
    await server.ask('POST', '/api/extensions?wait=0', { id: 'another', image: 'example.com/any', settings: {} });
    expect(await call('GET', '/api/extensions/another/objects', undefined, former)).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
  });
});
