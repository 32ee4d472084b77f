/** What browsers add by themselves must not let a page do what its reader did not ask for: cookies, origins, and names that are bound anew. */
import { ROUTES, type RouteDefinition } from '@gofer/contracts/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RefusedUpgrade } from '../clients/open-socket.ts';
import { AccessServer, type Sent } from './access-server.ts';
import { createToken, logIn } from './callers.ts';
import { fillPath, PATHS } from './route-table.ts';

const FOREIGN = ['https://evil.example', 'null', 'http://127.0.0.1.evil.example', 'http://127.0.0.1', 'http://localhost:1', 'file://', ''];
const ALLOWED = 'https://ci.example';

let server: AccessServer;
beforeAll(async () => {
  server = await AccessServer.start({ 'server.cors_origins': ALLOWED });
});
afterAll(() => server.close());

const own = (): string => new URL(server.url).origin;

async function upgrade(sent: Sent, path = '/api/events', at = server): Promise<string> {
  try {
    (await at.socket(path, sent)).socket.close();
    return 'open';
  } catch (error) {
    if (error instanceof RefusedUpgrade) return error.body.error_code ?? '';
    throw error;
  }
}

async function whoami(sent: Sent): Promise<string> {
  return (await server.call('GET', '/api/tokens/whoami', sent)).code ?? 'ok';
}

describe('a session', () => {
  it('is a cookie that scripts, other sites and clear connections do not get', async () => {
    const { headers, status, text } = await server.call('POST', '/api/sessions', { token: server.admin });
    expect(status).toBe(201);
    const [cookie = '', ...others] = headers['set-cookie'] ?? [];
    expect(others).toEqual([]);
    const [pair = '', ...attributes] = cookie.split('; ');
    expect(pair).toMatch(/^gofer_session=[\w-]{40,}$/);
    expect(attributes.toSorted()).toEqual(['HttpOnly', 'Max-Age=43200', 'Path=/', 'SameSite=Strict']);
    const value = pair.slice(pair.indexOf('=') + 1);
    expect(value).not.toBe(server.admin);
    // Whoever reads the answer has nothing of it.
    expect(text).not.toContain(value);
  });

  it('is for encrypted connections only where it was begun over one', async () => {
    const tls = await AccessServer.start({ 'server.use_tls': 'true', 'development.use_included_certs': 'true' });
    try {
      const { headers } = await tls.call('POST', '/api/sessions', { token: tls.admin });
      expect(headers['set-cookie']?.[0]?.split('; ')).toContain('Secure');
    } finally {
      await tls.close();
    }
  });

  it('counts from our own pages, whatever is asked, and from no others', async () => {
    const { secret } = await createToken(server, ['admin']);
    const cookie = await logIn(server, secret);
    for (const [id, route] of Object.entries(ROUTES) as [keyof typeof ROUTES, RouteDefinition][]) {
      const path = fillPath(route.path, PATHS[id]);
      for (const origin of FOREIGN) {
        const sent = { cookie, headers: { origin } };
        const code = route.kind === 'websocket' ? await upgrade(sent, path) : (await server.call(route.method, path, sent)).code;
        expect(code, `${id} from ${JSON.stringify(origin)}`).toBe('FORBIDDEN');
      }
    }
    for (const headers of [{}, { origin: own() }, { origin: ALLOWED }]) {
      expect(await whoami({ cookie, headers })).toBe('ok');
      expect(await upgrade({ cookie, headers })).toBe('open');
    }
    expect(await whoami({ cookie, headers: { origin: own(), authorization: 'Bearer gofer_wrong' } })).toBe('UNAUTHENTICATED');
  });

  it('is no way for a page elsewhere to open a WebSocket, with a token of its own either', async () => {
    for (const origin of FOREIGN) {
      expect(await upgrade({ token: server.admin, headers: { origin } })).toBe('FORBIDDEN');
      expect(await upgrade({ headers: { origin } }, `/api/events?token=${server.admin}`)).toBe('FORBIDDEN');
    }
    expect(await upgrade({ headers: { origin: ALLOWED } }, `/api/events?token=${server.admin}`)).toBe('open');
  });

  it('ends when it is left, and the others of its token go on', async () => {
    const { secret } = await createToken(server, ['user']);
    const [first, second] = [await logIn(server, secret), await logIn(server, secret)];
    const left = await server.call('DELETE', '/api/sessions', { cookie: first });
    expect(left.headers['set-cookie']).toEqual(['gofer_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict']);
    expect([await whoami({ cookie: first }), await whoami({ cookie: second }), await whoami({ token: secret })]).toEqual([
      'UNAUTHENTICATED',
      'ok',
      'ok',
    ]);
    expect(await upgrade({ cookie: first })).toBe('UNAUTHENTICATED');
  });

  it('ends with its token, and comes back with one that is enabled again', async () => {
    const [kept, deleted] = [await createToken(server, ['user']), await createToken(server, ['user'])];
    const [ofKept, ofDeleted] = [await logIn(server, kept.secret), await logIn(server, deleted.secret)];
    await server.ask('PATCH', `/api/tokens/${kept.id}`, { disabled: true });
    await server.ask('DELETE', `/api/tokens/${deleted.id}`);
    for (const cookie of [ofKept, ofDeleted]) {
      expect(await whoami({ cookie })).toBe('UNAUTHENTICATED');
      expect(await upgrade({ cookie })).toBe('UNAUTHENTICATED');
    }
    await server.ask('PATCH', `/api/tokens/${kept.id}`, { disabled: false });
    expect(await whoami({ cookie: ofKept })).toBe('ok');
  });

  it('ends before its token does, and lasts no longer than that', async () => {
    const [short, long] = [await createToken(server, ['user'], 60), await createToken(server, ['user'], 1_000_000)];
    const life = async (token: string): Promise<number> => {
      const { headers } = await server.call('POST', '/api/sessions', { token });
      return Number(/Max-Age=(\d+)/.exec(headers['set-cookie']?.[0] ?? '')?.[1]);
    };
    expect(await life(short.secret)).toBeLessThanOrEqual(60);
    expect(await life(long.secret)).toBe(43_200);
  });

  it('may what its token may, and no more', async () => {
    const { secret } = await createToken(server, ['user']);
    const cookie = await logIn(server, secret);
    for (const [id, route] of Object.entries(ROUTES) as [keyof typeof ROUTES, RouteDefinition][]) {
      if (route.kind === 'websocket' || id === 'delete_session' || id === 'create_session') continue;
      const [path, body] = [fillPath(route.path, PATHS[id]), route.body === undefined ? {} : { body: Buffer.from('{') }];
      const asToken = await server.call(route.method, path, { token: secret, ...body });
      const asSession = await server.call(route.method, path, { cookie, ...body });
      expect([id, asSession.status, asSession.code]).toEqual([id, asToken.status, asToken.code]);
    }
  });

  it('of one person beside the token of another is left alone: the token counts', async () => {
    const { secret } = await createToken(server, ['user']);
    const cookie = await logIn(server, server.admin);
    expect((await server.call('GET', '/api/audit', { token: secret, cookie })).code).toBe('PERMISSION_DENIED');
  });
});

describe('answers to pages elsewhere', () => {
  it('are read by those that are configured, and never with what the browser adds', async () => {
    for (const origin of [ALLOWED, ...FOREIGN, own()]) {
      const preflight = { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' };
      for (const answer of [
        await server.call('OPTIONS', '/api/tokens', { headers: preflight }),
        await server.call('GET', '/api/tokens', { token: server.admin, headers: { origin } }),
        await server.call('GET', '/api/tokens', { headers: { origin } }),
        await server.call('GET', '/api/nowhere', { headers: { origin } }),
      ]) {
        expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
        const opened = answer.headers['access-control-allow-origin'] ?? '';
        expect(opened, `for ${JSON.stringify(origin)}`).toBe(origin === ALLOWED ? ALLOWED : '');
      }
    }
  });
});

describe('development mode', () => {
  let bare: AccessServer;
  beforeAll(async () => {
    bare = await AccessServer.start({ 'development.bypass_auth': 'true' }, { bootstrap: false });
  });
  afterAll(() => bare.close());

  it('answers under names of this machine only, so that no page reaches it under its own', async () => {
    const { port } = new URL(bare.url);
    for (const host of [
      `evil.example:${port}`,
      'evil.example',
      `127.0.0.1.evil.example:${port}`,
      `localhost.evil.example`,
      `[::ffff:7f00:1].evil:1`,
    ]) {
      expect((await bare.call('GET', '/api/namespaces', { headers: { host } })).code, `the name ${host}`).toBe('FORBIDDEN');
      expect((await bare.call('POST', '/api/tokens/bootstrap', { headers: { host } })).status).toBe(403);
      expect(await upgrade({ headers: { host } }, '/api/events', bare)).toBe('FORBIDDEN');
    }
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `gofer.localhost:${port}`]) {
      expect((await bare.call('GET', '/api/namespaces', { headers: { host } })).status).toBe(200);
      expect(await upgrade({ headers: { host } }, '/api/events', bare)).toBe('open');
    }
  });

  it('answers no page of another origin', async () => {
    for (const origin of FOREIGN) {
      for (const [method, path] of [
        ['GET', '/api/namespaces'],
        ['POST', '/api/tokens/bootstrap'],
        ['DELETE', '/api/namespaces/default'],
      ] as const)
        expect((await bare.call(method, path, { headers: { origin } })).code).toBe('FORBIDDEN');
      expect(await upgrade({ headers: { origin } }, '/api/events', bare)).toBe('FORBIDDEN');
    }
    expect(await upgrade({ headers: { origin: new URL(bare.url).origin } }, '/api/events', bare)).toBe('open');
  });
});
