import { GoferError } from '@gofer/contracts';
import { type OperationId, type Permission, ROUTES, type RouteDefinition } from '@gofer/contracts/api';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toJsonSchema } from './json-schema.ts';
import { startTestServer, type TestServer, VERSION } from './test-client.fixture.ts';

const routes = (Object.entries(ROUTES) as [OperationId, RouteDefinition][]).map(([id, route]) => Object.assign({ id }, route));
const values: Readonly<Record<string, string>> = {
  namespace_id: 'default',
  pipeline_id: 'demo',
  version: '1',
  deployment_id: '1',
  run_id: '1',
  task_id: 'one',
  event_id: 'an-event',
  key: 'a-key',
  id: 'a-token',
  role_id: 'a-role',
  extension_id: 'an-extension',
  subscription_id: 'a-subscription',
  delivery_id: 'a-delivery',
};
const target = (path: string) => path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? name);
const bodies: Partial<Record<OperationId, unknown>> = {
  create_namespace: { id: 'new', name: 'New', description: '' },
  register_config: { config: { id: 'demo' } },
  create_token: { user: 'somebody', roles: ['user'], expires: 0 },
  create_role: { id: 'a-role', description: '', permissions: [{ resources: ['runs'], actions: ['read'] }] },
  create_subscription: { extension_id: 'an-extension', subscription_id: 'a-subscription', settings: {} },
  install_extension: { id: 'an-extension', image: 'busybox', settings: {} },
  put_pipeline_secret: { key: 'a-key', content: 'value' },
  put_global_secret: { key: 'a-key', content: 'value', namespaces: ['.*'] },
};
const bodyOf = (id: OperationId) => JSON.stringify(bodies[id] ?? {});
const plain = routes.filter((route) => route.kind !== 'websocket');
const sockets = routes.filter((route) => route.kind === 'websocket');
const versioned = plain.filter((route) => route.unversioned !== true);

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

describe('every route', () => {
  test.each(plain)(
    '$id answers with the status and the shape that the table tells',
    async ({ id, method, path, status, response, kind, mediaType = 'text/plain; charset=utf-8' }) => {
      const sends = method === 'POST' || method === 'PATCH';
      const answer = await server.ask(method, target(path), { headers: VERSION, ...(sends ? { body: bodyOf(id) } : {}) });
      expect([answer.status, answer.headers['content-type']]).toEqual([
        status,
        status === 204 ? undefined : kind === 'raw' ? mediaType : 'application/json',
      ]);
      expect(answer.headers['x-request-id']).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-/);
      const validate = new Ajv2020({ allowUnionTypes: true }).compile(toJsonSchema(response ?? true, (_, schema) => schema));
      validate(response === undefined ? {} : answer.json());
      expect(validate.errors).toBeNull();
    },
  );

  test.each(routes.filter(({ body }) => body !== undefined))('$id has a schema of its body that is one', ({ body }) => {
    const ajv = new Ajv2020({ allowUnionTypes: true });
    expect(ajv.validateSchema(toJsonSchema(body, (_, schema) => schema)) ? [] : ajv.errors).toEqual([]);
  });

  test.each(versioned)('$id asks for the version', async ({ id, method, path }) => {
    const without = await server.ask(method, target(path), { body: method === 'POST' ? bodyOf(id) : '' });
    expect([without.status, without.json()['error_code']]).toEqual([400, 'UNSUPPORTED_VERSION']);
    const other = await server.ask(method, target(path), { headers: { 'gofer-api-version': 'v1' } });
    expect([other.status, other.json()['error_code']]).toEqual([400, 'UNSUPPORTED_VERSION']);
  });

  test.each(sockets)('$id upgrades, and refuses before it', async ({ path }) => {
    const open = await server.socket(target(path));
    open.socket.close();
    await open.closed;
    const inQuery = await server.socket(`${target(path)}?gofer-api-version=v0`, [], {});
    inQuery.socket.close();
    await inQuery.closed;
    await expect(server.socket(target(path), [], {})).rejects.toMatchObject({ status: 400, code: 'UNSUPPORTED_VERSION' });
    const asHttp = await server.ask('GET', target(path), { headers: VERSION });
    expect([asHttp.status, asHttp.json()['error_code']]).toEqual([400, 'INVALID_ARGUMENT']);
  });

  test.each(plain.filter((route) => route.path.includes('_id}')))('$id decodes its path', async ({ method, path, id }) => {
    const before = server.services.calls.length;
    await server.ask(
      method,
      `/${target(path).replace('/default', '/%64efault').replace('/an-event', '/an%2Fevent').replace('/a-role', '/a%2Drole')}/`,
      {
        headers: VERSION,
        body: method === 'POST' ? bodyOf(id) : '',
      },
    );
    const given = JSON.stringify(server.services.calls.slice(before));
    const first = /\{(\w+)\}/.exec(path)?.[1] ?? '';
    const decoded = first === 'event_id' ? 'an/event' : values[first];
    expect(given).toContain(JSON.stringify(decoded));
  });
});

test('a query parameter that is one of some words is refused as any other', async () => {
  const answer = await server.ask('GET', '/api/extensions/cron/deliveries?state=lost', { headers: VERSION });
  expect(answer.status).toBe(400);
  expect(answer.json()['details']).toEqual([{ path: 'query.state', message: 'must be one of pending, delivered, refused, failed' }]);
});

describe('permissions', () => {
  const asked: { permission: Permission; path: Readonly<Record<string, string>> }[] = [];
  let guarded: TestServer;
  beforeAll(async () => {
    guarded = await startTestServer(
      {},
      {
        authority: {
          bypassed: false,
          authenticate: (presented, { permission }) => {
            const isGood = presented.kind === 'token' && presented.token === 'good';
            if (permission !== 'none' && !isGood) throw new GoferError('UNAUTHENTICATED', 'No token.');
            return { id: 'token', user: 'alice', roles: [] };
          },
          confirm: () => ({ id: 'token', user: 'alice', roles: [] }),
          authorize: (_, permission, path) => {
            asked.push({ permission, path });
            return permission === 'none';
          },
        },
      },
    );
  });
  afterAll(() => guarded.close());

  test.each(plain)(
    '$id checks credentials, then the version, then its permission, then the rest',
    async ({ id, method, path, permission, status }) => {
      const open = permission === 'none';
      const nobody = await guarded.ask(method, target(path));
      expect(nobody.status).toBe(open ? (id === 'get_system_health' ? 204 : 400) : 401);
      const unversioned = await guarded.ask(method, target(path), { headers: { authorization: 'Bearer good' } });
      expect(unversioned.status).toBe(id === 'get_system_health' ? 204 : 400);
      const denied = await guarded.ask(method, `${target(path)}?limit=x&wait=x`, {
        headers: { ...VERSION, authorization: 'Bearer good' },
        body: method === 'POST' ? '{' : '',
      });
      expect(denied.status).toBe(open ? status : 401);
      expect(asked.at(-1)?.permission).toEqual(permission);
      expect(Object.keys(asked.at(-1)?.path ?? {})).toEqual([...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]));
    },
  );

  test.each(sockets)('$id checks them before the upgrade', async ({ path }) => {
    await expect(guarded.socket(target(path))).rejects.toMatchObject({ status: 401, code: 'UNAUTHENTICATED' });
    await expect(guarded.socket(target(path), [], { ...VERSION, authorization: 'Bearer good' })).rejects.toMatchObject({
      status: 401,
      code: 'PERMISSION_DENIED',
    });
  });
});

describe('what reaches a service', () => {
  test('a run: variables, initiator, idempotency key', async () => {
    const headers = { ...VERSION, 'idempotency-key': 'once' };
    await server.ask('POST', '/api/namespaces/default/pipelines/demo/runs', { headers, body: '{"variables":{"a":"1"},"unknown":1}' });
    const path = { namespaceId: 'default', pipelineId: 'demo' };
    const request = { variables: { a: '1' }, initiator: { id: '0', user: 'Anonymous' }, idempotencyKey: 'once' };
    expect(server.services.calls.at(-1)).toMatchObject({ name: 'runs.start', arguments: [path, request] });
  });

  test('an empty body counts as an empty object', async () => {
    const answer = await server.ask('POST', '/api/namespaces/default/pipelines/demo/runs', { headers: VERSION });
    expect(answer.status).toBe(201);
  });

  test('a run that is waited for is answered when it has ended', async () => {
    const answer = server.ask('POST', '/api/namespaces/default/pipelines/demo/runs?wait=60', { headers: VERSION, body: '{}' });
    await expect.poll(() => server.services.calls.at(-1)?.name).toBe('runs.wait');
    server.services.finishRun();
    const { run } = (await answer).json() as { run: { state: string } };
    expect([(await answer).status, run.state]).toEqual([201, 'complete']);
  });

  test('a client that goes away wakes the wait', async () => {
    const controller = new AbortController();
    const answer = fetch(`http://127.0.0.1:${server.port}/api/namespaces/default/pipelines/demo/runs/1?wait=60`, {
      headers: VERSION,
      signal: controller.signal,
    });
    await expect.poll(() => server.services.calls.at(-1)?.arguments[1]).toBe(60);
    const signal = server.services.calls.at(-1)?.arguments[2] as AbortSignal;
    controller.abort();
    await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
    await expect.poll(() => signal.aborted).toBe(true);
  });

  test.each([
    ['runs', { limit: 50, offset: 0, reverse: false }],
    ['runs?limit=2&offset=3&reverse=true&other=1', { limit: 2, offset: 3, reverse: true }],
    ['deployments', {}],
    ['deployments?limit=0', { limit: 0 }],
  ])('the page of %s', async (list, page) => {
    await server.ask('GET', `/api/namespaces/default/pipelines/demo/${list}`, { headers: VERSION });
    expect(server.services.calls.at(-1)?.arguments[1]).toEqual(page);
  });

  test.each([
    ['', 300],
    ['?wait_for=0', 0],
  ])('a cancelled task has its time to end: %s', async (query, seconds) => {
    await server.ask('DELETE', `/api/namespaces/default/pipelines/demo/runs/1/tasks/one${query}`, { headers: VERSION });
    expect(server.services.calls.at(-1)?.arguments.slice(1)).toEqual([{ id: '0', user: 'Anonymous' }, seconds]);
  });

  test.each([
    ['', { force: false }],
    ['?force=true&wait_for=5', { force: true, graceSeconds: 5 }],
  ])('runs are cancelled by whoever asks, one or all of a pipeline: %s', async (query, request) => {
    for (const path of ['runs/1', 'runs']) {
      const answer = await server.ask('DELETE', `/api/namespaces/default/pipelines/demo/${path}${query}`, { headers: VERSION });
      expect(answer.status).toBe(path === 'runs' ? 200 : 204);
      expect(server.services.calls.at(-1)?.arguments[1]).toEqual({ by: { id: '0', user: 'Anonymous' }, ...request });
    }
  });

  test.each([
    ['{}', { version: 'same', fromFailed: false }],
    ['{"version":"live","from_failed":true}', { version: 'live', fromFailed: true }],
    ['{"version":7}', { version: 7, fromFailed: false }],
  ])('a run is repeated as asked: %s', async (body, request) => {
    const answer = await server.ask('POST', '/api/namespaces/default/pipelines/demo/runs/1/retry', { headers: VERSION, body });
    expect(answer.status).toBe(201);
    expect(server.services.calls.at(-1)?.arguments[1]).toMatchObject({ ...request, initiator: { id: '0', user: 'Anonymous' } });
  });

  test('a PATCH that changes nothing changes nothing', async () => {
    const answer = await server.ask('PATCH', '/api/namespaces/default/pipelines/demo', { headers: VERSION, body: '{"state":null}' });
    expect([answer.status, server.services.calls.at(-1)?.name]).toEqual([204, 'pipelines.get']);
  });
});

describe('answers', () => {
  const post = (description: string) => {
    const body = JSON.stringify({ id: 'new', name: 'New', description });
    return server.ask('POST', '/api/namespaces', { headers: { ...VERSION, 'accept-encoding': 'gzip' }, body });
  };

  test('are compressed where they are large and only read', async () => {
    const get = (encoding: string) => server.ask('GET', '/api/namespaces', { headers: { ...VERSION, 'accept-encoding': encoding } });
    expect((await get('gzip')).headers['content-encoding']).toBeUndefined();
    server.services.description = 'long '.repeat(2000);
    expect((await get('gzip')).headers['content-encoding']).toBe('gzip');
    expect((await get('identity')).headers['content-encoding']).toBeUndefined();
    expect((await post('long '.repeat(2000))).headers['content-encoding']).toBeUndefined();
    server.services.description = '';
  });

  test('HEAD has the headers of GET and no body', async () => {
    const head = await server.ask('HEAD', '/api/namespaces', { headers: VERSION });
    const get = await server.ask('GET', '/api/namespaces', { headers: VERSION });
    expect([head.status, head.text, head.headers['content-length']]).toEqual([200, '', get.headers['content-length']]);
  });
});
