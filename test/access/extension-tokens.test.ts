/** An extension reaches what is subscribed to it and itself, on every listener, and harms nobody else. */
import { type OperationId, ROUTES, type RouteDefinition } from '@gofer/contracts/api';
import { afterEach, describe, expect, it } from 'vitest';
import { AccessServer } from './access-server.ts';
import { addExtension, createToken, deployWithToken } from './callers.ts';
import { knock } from './knock.ts';
import { fillPath } from './route-table.ts';

const servers: AccessServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

const OWN = ['default', 'demo'] as const;
/** A neighbour in the namespace, and one that is nowhere near. */
const OTHERS = [
  ['default', 'demo2'],
  ['other', 'demo'],
] as const;
const runsOf = ([namespace, pipeline]: readonly [string, string]): string => `/api/namespaces/${namespace}/pipelines/${pipeline}/runs`;

/** With three pipelines, one of which is subscribed to the extension `watcher`. */
async function start(
  flags: Readonly<Record<string, string>> = {},
  { additionalRoles = [], bootstrap = true }: { readonly additionalRoles?: readonly string[]; readonly bootstrap?: boolean } = {},
): Promise<{ readonly server: AccessServer; readonly token: string }> {
  const server = await AccessServer.start(flags, { bootstrap });
  servers.push(server);
  await server.ask('POST', '/api/namespaces', { id: 'other', name: 'other', description: '' });
  for (const [namespace, pipeline] of [OWN, ...OTHERS]) await deployWithToken(server, namespace, pipeline);
  return { server, token: await addExtension(server, 'watcher', [OWN], additionalRoles) };
}

describe("an extension's token", () => {
  it('neither sees nor touches what is not subscribed to it, nor other extensions, by any route', async () => {
    const { server, token } = await start();
    for (const id of Object.keys(ROUTES) as OperationId[]) {
      const { path }: RouteDefinition = ROUTES[id];
      for (const [namespace_id, pipeline_id] of OTHERS) {
        const isElsewhere = path.includes('{pipeline_id}') || (path.includes('{namespace_id}') && namespace_id === 'other');
        const isOfAnother = path.includes('{extension_id}');
        if (!isElsewhere && !isOfAnother) continue;
        const other = fillPath(path, { namespace_id, pipeline_id, extension_id: 'another' });
        const { verdict, shown } = await knock(server, id, { token }, { path: other });
        expect(verdict, `${id} of ${other}: ${shown}`).toBe('-');
      }
    }
    const list = async (path: string) => (await server.call('GET', path, { token })).text;
    expect(await list('/api/namespaces')).not.toContain('"other"');
    expect(await list('/api/namespaces/default/pipelines')).not.toContain('"demo2"');
    expect(await list('/api/extensions')).toContain('watcher');
  });

  it('is in the audit with what it does, but for what it keeps for itself', async () => {
    const { server, token } = await start();
    const put = await server.call('POST', '/api/extensions/watcher/objects/position?force=true', { token, body: { at: 1 } });
    expect(put.status).toBe(201);
    expect((await server.call('POST', runsOf(OWN), { token, body: {} })).status).toBe(201);
    const { entries } = await server.ask<{ entries: { operation: string; actor: { user: string } }[] }>('GET', '/api/audit?limit=100');
    const own = entries.filter(({ actor }) => actor.user === 'watcher (extension)').map(({ operation }) => operation);
    expect(own).toEqual(['start_run']);
  });

  it('is told of what happens in the namespaces of its pipelines', async () => {
    const { server, token } = await start();
    const stream = await server.socket('/api/events?history=true&reverse=true', { token });
    await stream.closed;
    const told = stream.frames.flatMap((frame) => Object.values((JSON.parse(frame) as { kind: Record<string, object> }).kind));
    const places = new Set(told.map((about) => ('namespace_id' in about ? about.namespace_id : undefined)));
    expect([...places]).toEqual(['default']);
    expect(JSON.stringify(told)).toContain('demo2');
  });

  it('has what its additional roles give it everywhere', async () => {
    const { server, token } = await start({}, { additionalRoles: ['user'] });
    expect((await server.call('POST', runsOf(['default', 'demo2']), { token, body: {} })).status).toBe(201);
    expect((await server.call('POST', runsOf(['other', 'demo']), { token, body: {} })).code).toBe('PERMISSION_DENIED');
  });

  it('starts nothing where the subscription or the extension is disabled, and nothing at all once it is uninstalled', async () => {
    const { server, token } = await start();
    const run = async () => (await server.call('POST', runsOf(OWN), { token, body: {} })).code;
    expect(await run()).toBeUndefined();
    const subscription = '/api/namespaces/default/pipelines/demo/subscriptions/watcher/one';
    await server.ask('PATCH', subscription, { status: 'disabled' });
    expect(await run()).toBe('PERMISSION_DENIED');
    await server.restart((database) => void database.prepare('UPDATE subscriptions SET enabled = 1').run());
    expect(await run()).toBeUndefined();
    await server.ask('PATCH', '/api/extensions/watcher', { enable: false });
    expect(await run()).toBe('PERMISSION_DENIED');
    expect((await server.call('GET', '/api/extensions/watcher/objects', { token })).status).toBe(200);
    await server.ask('DELETE', '/api/extensions/watcher');
    expect(await run()).toBe('UNAUTHENTICATED');
  });

  it('is given to no person: neither its role nor a session', async () => {
    const { server, token } = await start();
    expect((await server.call('POST', '/api/sessions', { token })).code).toBe('FAILED_PRECONDITION');
    const body = { user: 'me', roles: ['extension_watcher'], expires: 0 };
    expect((await server.call('POST', '/api/tokens', { token: server.admin, body })).code).toBe('PERMISSION_DENIED');
    const { role } = await server.ask<{ role: object }>('GET', '/api/roles/extension_watcher');
    expect(role).toMatchObject({ id: 'extension_watcher', system_role: true });
    expect((await server.call('PATCH', '/api/roles/extension_watcher', { token: server.admin, body: {} })).code).toBe('FORBIDDEN');
  });

  it('starts so many runs in a minute, and holds back nobody else', async () => {
    const { server, token } = await start({ 'extensions.runs_per_minute': '2' });
    const codes: (string | undefined)[] = [];
    for (let count = 0; count < 3; count += 1) codes.push((await server.call('POST', runsOf(OWN), { token, body: {} })).code);
    expect(codes).toEqual([undefined, undefined, 'RESOURCE_EXHAUSTED']);
    const refused = await server.call('POST', runsOf(OWN), { token, body: {} });
    expect([refused.status, Number(refused.headers['retry-after']) > 0]).toEqual([429, true]);
    expect((await server.call('GET', runsOf(OWN), { token })).status).toBe(200);
    const { secret } = await createToken(server, ['user']);
    for (let count = 0; count < 4; count += 1)
      expect((await server.call('POST', runsOf(OWN), { token: secret, body: {} })).status).toBe(201);
  });

  it('is known where nobody else needs one', async () => {
    const { server, token } = await start({ 'development.bypass_auth': 'true' }, { bootstrap: false });
    const { run } = await server.ask<{ run: object }>('POST', runsOf(OWN), {}, token);
    expect(run).toMatchObject({ initiator: { user: 'watcher (extension)' } });
    expect((await server.call('POST', runsOf(['default', 'demo2']), { token, body: {} })).code).toBe('PERMISSION_DENIED');
    for (const sent of [{}, { token: 'gofer_wrong' }])
      expect((await server.call('POST', runsOf(['default', 'demo2']), { ...sent, body: {} })).status).toBe(201);
  });
});
