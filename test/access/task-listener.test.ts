/**
 * The listener that is opened for tasks where they cannot use the main one, here since that speaks TLS with a certificate that they do
 * not know: it takes the tokens of tasks, and nothing else, whatever the main one takes.
 */
import { type OperationId, ROUTES, type RouteDefinition } from '@gofer/contracts/api';
import { afterEach, describe, expect, it } from 'vitest';
import { AccessServer, type Sent } from './access-server.ts';
import { addExtension, createToken, deployWithToken, logIn, tokenOfRun } from './callers.ts';
import { knock } from './knock.ts';
import { fillPath, LAST, verdictOf } from './route-table.ts';

const servers: AccessServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function start(flags: Readonly<Record<string, string>>, options?: { bootstrap: boolean }): Promise<AccessServer> {
  const server = await AccessServer.start({ 'server.use_tls': 'true', 'development.use_included_certs': 'true', ...flags }, options);
  servers.push(server);
  return server;
}

/** Where tasks of this start of the server are told to find it. */
async function baseOfTasks(server: AccessServer): Promise<string> {
  await tokenOfRun(server, 'default', 'demo');
  return server.started.at(-1)?.env['GOFER_API_BASE_URL'] ?? '';
}

/** Runs a task of `default/demo`; resolves with its token, and where it was told to find the server. */
async function runTask(server: AccessServer): Promise<{ token: string; base: string }> {
  await deployWithToken(server, 'default', 'demo');
  const token = await tokenOfRun(server, 'default', 'demo');
  const base = server.started.at(-1)?.env['GOFER_API_BASE_URL'] ?? '';
  expect(server.url).toMatch(/^https:/);
  expect(base).toMatch(/^http:\/\/127\.0\.0\.1:/);
  return { token, base };
}

const ROUTE_IDS = Object.keys(ROUTES) as OperationId[];

/** A route that asks for no credentials and only tells something. */
function isOpen(id: OperationId): boolean {
  const route: RouteDefinition = ROUTES[id];
  return route.permission === 'none' && route.method === 'GET';
}

async function expectOnlyTasks(server: AccessServer, base: string, strangers: readonly Sent[]): Promise<void> {
  for (const id of ROUTE_IDS) {
    for (const sent of strangers) {
      const { verdict, shown } = await knock(server, id, sent, { base });
      expect(verdict, `${id} with ${Object.keys(sent).join()}: ${shown}`).toBe(isOpen(id) ? '+' : 'U');
    }
  }
}

describe('the listener for tasks', () => {
  it('takes the tokens of extensions too, for what they may', async () => {
    const server = await start({});
    await runTask(server);
    const token = await addExtension(server, 'watcher', [['default', 'demo']]);
    const base = await baseOfTasks(server);
    const run = (pipeline: string) => server.call('POST', `/api/namespaces/default/pipelines/${pipeline}/runs`, { token, body: {} }, base);
    expect((await run('demo')).status).toBe(201);
    expect((await run('demo2')).code).toBe('PERMISSION_DENIED');
  });

  it('lets tasks do what they may, and everybody else nothing', async () => {
    const server = await start({ 'server.anonymous_read': 'true' });
    const { token, base } = await runTask(server);
    const { secret } = await createToken(server, ['user', 'admin']);
    await expectOnlyTasks(server, base, [
      {},
      { headers: { authorization: 'Bearer' } },
      { token: 'gofer_wrong' },
      { token: server.admin },
      { token: secret },
      { cookie: await logIn(server, secret) },
      { cookie: await logIn(server, server.admin), headers: { authorization: 'Bearer' } },
    ]);
    for (const id of [...ROUTE_IDS.filter((each) => !LAST.includes(each)), ...LAST]) {
      const { verdict, shown } = await knock(server, id, { token }, { base });
      // The first token is nothing for tasks, and it is made on the main listener.
      expect(verdict, `${id}: ${shown}`).toBe(id === 'create_bootstrap_token' ? 'U' : verdictOf(id, 'task'));
    }
  });

  it('makes no browser’s session, and is open to no page', async () => {
    const server = await start({ 'server.cors_origins': 'https://ci.example' });
    const { token, base } = await runTask(server);
    const session = await server.call('POST', '/api/sessions', { token }, base);
    expect([session.code, session.headers['set-cookie']]).toEqual(['FAILED_PRECONDITION', undefined]);
    const headers = { origin: 'https://ci.example' };
    expect((await server.call('GET', '/api/namespaces', { token, headers }, base)).headers).not.toHaveProperty(
      'access-control-allow-origin',
    );
    expect((await knock(server, 'stream_events', { token, headers }, { base })).verdict).toBe('F');
    expect((await server.call('GET', '/api/namespaces', { token, headers })).headers).toHaveProperty('access-control-allow-origin');
  });

  it('asks for tokens in development mode too, and leaves the first token to the main one', async () => {
    const server = await start({ 'development.bypass_auth': 'true' }, { bootstrap: false });
    const { token, base } = await runTask(server);
    await expectOnlyTasks(server, base, [{}, { headers: { authorization: 'Bearer' } }, { token: 'gofer_wrong' }]);
    expect((await server.call('GET', '/api/secrets/global')).status).toBe(200);
    expect((await server.call('POST', '/api/tokens/bootstrap', {}, base)).code).toBe('UNAUTHENTICATED');
    const first = await server.ask<{ secret: string }>('POST', '/api/tokens/bootstrap');
    await expectOnlyTasks(server, base, [{ token: first.secret }]);
    expect((await server.call('GET', fillPath(ROUTES.get_pipeline.path), { token }, base)).status).toBe(200);
    const elsewhere = fillPath(ROUTES.get_pipeline.path, { pipeline_id: 'demo2' });
    expect((await server.call('GET', elsewhere, { token }, base)).code).toBe('PERMISSION_DENIED');
    expect((await server.call('GET', '/api/secrets/global', { token }, base)).code).toBe('PERMISSION_DENIED');
  });
});
