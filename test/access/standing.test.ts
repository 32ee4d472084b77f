/** What was begun with a right goes no further without it: open WebSockets, long polls, uploads, sessions that would renew themselves. */

import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pipelineJson } from '../e2e/gofer-server.ts';
import { AccessServer } from './access-server.ts';
import { createToken, deployWithToken, logIn } from './callers.ts';

const OWN = 'https://gofer.example';
const RUNS = '/api/namespaces/default/pipelines/slow/runs';

let server: AccessServer;
beforeAll(async () => {
  server = await AccessServer.start({ 'server.url': OWN });
});
afterAll(() => server.close());

describe('an open WebSocket', () => {
  it('is closed when its token is disabled or deleted, its session ended or its role taken away, and no other is', async () => {
    await server.ask('POST', '/api/roles', {
      id: 'follower',
      description: '',
      permissions: [{ resources: ['events'], actions: ['read'] }],
    });
    const [kept, disabled, deleted, left, lesser] = await Promise.all(
      ['user', 'user', 'user', 'user', 'follower'].map((role) => createToken(server, [role])),
    );
    const cookies = [await logIn(server, kept?.secret ?? ''), await logIn(server, left?.secret ?? '')];
    const follow = (sent: object) => server.socket('/api/events', sent);
    const stay = [await follow({ token: kept?.secret }), await follow({ cookie: cookies[0] }), await follow({ token: left?.secret })];
    const go = [
      await follow({ token: disabled?.secret }),
      await follow({ token: deleted?.secret }),
      await follow({ cookie: cookies[1] }),
      await follow({ token: lesser?.secret }),
    ];
    await server.ask('PATCH', `/api/tokens/${disabled?.id}`, { disabled: true });
    await server.ask('DELETE', `/api/tokens/${deleted?.id}`);
    await server.call('DELETE', '/api/sessions', { cookie: cookies[1] });
    await server.ask('PATCH', '/api/roles/follower', { permissions: [] });
    const closures = await Promise.all(go.map(({ closed }) => closed));
    expect(closures.map(({ code }) => code)).toEqual([1008, 1008, 1008, 1008]);
    expect(closures.map(({ reason }) => reason.split(':')[0])).toEqual([
      'UNAUTHENTICATED',
      'UNAUTHENTICATED',
      'UNAUTHENTICATED',
      'PERMISSION_DENIED',
    ]);
    for (const { socket } of stay) {
      expect(socket.readyState).toBe(socket.OPEN);
      socket.close();
    }
    expect(server.log.filter((line) => line.includes('wrong credentials'))).toEqual([]);
  }, 30_000);
});

describe('a long poll', () => {
  it('is answered with nothing to whoever is no longer let in', async () => {
    const configs = '/api/namespaces/default/pipelines/slow/configs';
    const config = pipelineJson('slow', [{ id: 'one', command: [JSON.stringify([{ sleep_ms: 3_600_000 }])] }]);
    const tasks = config.tasks.map((task) => ({ ...task, entrypoint: ['gofer-fake-steps'] }));
    await server.ask('POST', configs, { config: { ...config, tasks } });
    await server.ask('POST', `${configs}/1`);
    const { secret, id } = await createToken(server, ['user']);
    const waiting = server.call('POST', `${RUNS}?wait=2`, { token: secret, body: {} });
    // Then it was let in.
    await expect.poll(async () => (await server.call('GET', `${RUNS}/1`, { token: server.admin })).status, { timeout: 10_000 }).toBe(200);
    await server.ask('PATCH', `/api/tokens/${id}`, { disabled: true });
    expect(await waiting).toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
    await server.ask('DELETE', `${RUNS}/1`);
  });
});

describe('an upload', () => {
  it('that ends after its token was disabled is not kept', async () => {
    await deployWithToken(server, 'default', 'uploaded');
    const path = '/api/namespaces/default/pipelines/uploaded/objects/slow';
    const { secret, id } = await createToken(server, ['user']);
    const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
    const headers = { authorization: `Bearer ${secret}`, 'gofer-api-version': 'v0', expect: '100-continue' };
    const sending = request(`${server.url}${path}`, { method: 'POST', headers, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    sending.on('error', reject);
    // The server asks for the body once the request has passed everything before it.
    await new Promise<void>((asked) => {
      sending.once('continue', asked);
      sending.flushHeaders();
    });
    sending.write('half');
    await server.ask('PATCH', `/api/tokens/${id}`, { disabled: true });
    sending.end('half');
    expect(await promise).toBe(401);
    expect((await server.call('GET', path, { token: server.admin })).status).toBe(404);
    const { entries } = await server.ask<{ entries: { result: string }[] }>('GET', '/api/audit?operation=put_pipeline_object');
    expect(entries.map(({ result }) => result)).toEqual(['UNAUTHENTICATED']);
  });
});

describe('a session', () => {
  it('is begun by a token only, so that it ends when it is to', async () => {
    const cookie = await logIn(server, server.admin);
    const again = await server.call('POST', '/api/sessions', { cookie });
    expect([again.status, again.code, again.headers['set-cookie']]).toEqual([409, 'FAILED_PRECONDITION', undefined]);
    expect((await server.call('POST', '/api/sessions', { cookie, token: server.admin })).status).toBe(201);
  });

  it('that stands beside another one is none: a neighbour may have set it', async () => {
    const [own, planted] = [await logIn(server, server.admin), await logIn(server, server.admin)];
    const whoami = async (cookie: string) => (await server.call('GET', '/api/tokens/whoami', { headers: { cookie } })).code;
    expect(await whoami(`gofer_session=${planted}; gofer_session=${own}`)).toBe('UNAUTHENTICATED');
    expect(await whoami(`gofer_session=${own}; a=b; gofer_session=${own}`)).toBeUndefined();
    expect(await whoami(`not_gofer_session=${planted}; gofer_session=${own}`)).toBeUndefined();
  });
});

describe('a server that is reached by TLS', () => {
  it('takes no page in clear for its own: anybody on the way can write one', async () => {
    const tls = await AccessServer.start({ 'server.use_tls': 'true', 'development.use_included_certs': 'true' });
    try {
      const cookie = await logIn(tls, tls.admin);
      const from = async (origin: string) => (await tls.call('GET', '/api/tokens/whoami', { cookie, headers: { origin } })).code;
      const { host } = new URL(tls.url);
      expect([await from(`https://${host}`), await from(`http://${host}`)]).toEqual([undefined, 'FORBIDDEN']);
    } finally {
      await tls.close();
    }
  });
});

describe('the first token', () => {
  it('goes to no web page but those that are configured, whatever the page calls this server', async () => {
    const first = await AccessServer.start({ 'server.url': OWN }, { bootstrap: false });
    try {
      const ask = (headers: Record<string, string>) => first.call('POST', '/api/tokens/bootstrap', { headers });
      for (const headers of [
        { host: 'evil.example', origin: 'http://evil.example' },
        { host: 'evil.example', origin: 'null' },
        { origin: new URL(first.url).origin },
      ])
        expect((await ask(headers)).code).toBe('FORBIDDEN');
      expect((await ask({ origin: OWN })).status).toBe(201);
    } finally {
      await first.close();
    }
  });
});

describe('a token without rights', () => {
  it('fills the audit with no more than so many refusals and sessions in a minute', async () => {
    const strict = await AccessServer.start({ 'limits.failed_authentications': '3' });
    try {
      const { secret } = await createToken(strict, ['user']);
      const codes: (string | undefined)[] = [];
      for (let count = 0; count < 5; count += 1)
        codes.push((await strict.call('POST', '/api/namespaces', { token: secret, body: { id: 'x', name: '', description: '' } })).code);
      expect(codes).toEqual([...Array.from({ length: 3 }, () => 'PERMISSION_DENIED'), 'RESOURCE_EXHAUSTED', 'RESOURCE_EXHAUSTED']);
      const { entries } = await strict.ask<{ entries: object[] }>('GET', '/api/audit?operation=create_namespace');
      expect(entries).toHaveLength(3);
      expect((await strict.call('GET', '/api/namespaces', { token: secret })).status).toBe(200);
      expect((await strict.call('GET', '/api/audit', { token: secret })).code).toBe('PERMISSION_DENIED');
      const none = (await createToken(strict, [])).secret;
      for (let count = 0; count < 3; count += 1) await logIn(strict, none);
      for (const method of ['POST', 'DELETE'])
        expect((await strict.call(method, '/api/sessions', { token: none })).code).toBe('RESOURCE_EXHAUSTED');
    } finally {
      await strict.close();
    }
  });
});
