/**
 * Names and texts as somebody chooses them who means harm: those that every JavaScript object has, those that no font shows, and those
 * that are as long as may be. Each is kept as it is or refused; none is a fault of the server's.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AccessServer } from '../access/access-server.ts';
import { pipelineJson, pipelinePath } from './gofer-server.ts';
import { until } from './leftovers.ts';

/** The first is a setter where an object is assigned to. */
const INHERITED = ['__proto__', 'constructor', 'toString', 'valueOf', 'hasOwnProperty', 'prototype'];
/** What the rule for ids lets through. */
const INHERITED_IDS = INHERITED.filter((name) => !name.includes('_'));

let server: AccessServer;
beforeAll(async () => {
  server = await AccessServer.start();
});
afterAll(async () => {
  const faults = server.log.filter((line) => /"level":(50|60)/.test(line));
  await server.close();
  expect(faults).toEqual([]);
});

const post = (path: string, body: unknown) => server.call('POST', path, { token: server.admin, body });
const get = <Body>(path: string) => server.ask<Body>('GET', path);
/** An object with this own key, whatever it is called. */
const holding = (key: string, value: unknown): Record<string, unknown> => JSON.parse(`{${JSON.stringify(key)}:${JSON.stringify(value)}}`);
/** As `expect` sees it: an object's own `__proto__` is easily taken for its prototype. */
const textOf = (value: unknown): string => JSON.stringify(value);

describe('names that every object has', () => {
  it.each(INHERITED_IDS)('%s is a namespace and a role as any other', async (id) => {
    expect((await server.call('GET', `/api/namespaces/${id}`, { token: server.admin })).status).toBe(404);
    expect((await server.call('GET', `/api/roles/${id}`, { token: server.admin })).status).toBe(404);
    await server.ask('POST', '/api/namespaces', { id, name: id, description: id });
    await server.ask('POST', '/api/roles', { id, description: id, permissions: [{ resources: [`namespaces:${id}`], actions: ['read'] }] });
    const { secret } = await server.ask<{ secret: string }>('POST', '/api/tokens', {
      user: id,
      roles: [id],
      expires: 0,
      metadata: holding(id, id),
    });
    const { token } = await server.ask<{ token: unknown }>('GET', '/api/tokens/whoami', undefined, secret);
    expect(token).toMatchObject({ user: id, roles: [id] });
    expect(textOf(token)).toContain(`"metadata":${textOf(holding(id, id))}`);
    const { namespaces } = await server.ask<{ namespaces: { id: string }[] }>('GET', '/api/namespaces', undefined, secret);
    expect(namespaces.map((namespace) => namespace.id)).toEqual([id]);
    expect((await server.call('DELETE', `/api/roles/${id}`, { token: server.admin })).status).toBe(204);
    expect((await server.call('GET', `/api/namespaces/${id}`, { token: secret })).status).toBe(401);
  });

  it('no token has the role that is called as what every object has', async () => {
    for (const role of INHERITED) {
      expect(await post('/api/tokens', { user: 'u', roles: [role], expires: 0 })).toMatchObject({ status: 400, code: 'INVALID_ARGUMENT' });
    }
    const permissions = INHERITED.map((resource) => ({ resources: [resource, { resource, target: resource }], actions: ['read'] }));
    expect((await post('/api/roles', { id: 'inherits', description: '', permissions })).status).toBe(400);
  });

  it('tasks, variables, passwords, secrets and objects are called so', async () => {
    const path = pipelinePath('inherited');
    const variables = JSON.parse(textOf(Object.fromEntries(INHERITED.map((name) => [name, `config ${name}`]))));
    const tasks = INHERITED.map((id, at) => ({
      id,
      command: ['true'],
      variables,
      depends_on: at === 0 ? {} : (holding(INHERITED[at - 1] ?? '', 'Success') as Record<string, 'Success'>),
      registry_auth: { user: 'robot', pass: `password of ${id}` },
    }));
    const config = pipelineJson('inherited', tasks);
    await server.ask('POST', `${path}/configs`, { config });
    await server.ask('POST', `${path}/configs/1`);
    const kept = await get<{ config: { tasks: Record<string, { depends_on: unknown }> } }>(`${path}/configs/1`);
    expect(Object.keys(kept.config.tasks)).toEqual(INHERITED);
    for (const [at, name] of INHERITED.slice(1).entries()) {
      expect(textOf(kept.config.tasks[name]?.depends_on)).toBe(textOf(holding(INHERITED[at] ?? '', 'success')));
    }
    for (const key of INHERITED) {
      await server.ask('POST', `${path}/secrets`, { key, content: `secret ${key}` });
      expect(await get(`${path}/secrets/${key}?include_secret=true`)).toMatchObject({ secret: `secret ${key}` });
      await server.ask('POST', `${path}/objects/${key}`, Buffer.from(key));
      expect((await server.call('GET', `${path}/objects/${key}`, { token: server.admin })).text).toBe(key);
    }
    const before = server.started.length;
    const options = holding('__proto__', 'option');
    const { run } = await server.ask<{ run: { variables: unknown[]; status: string } }>('POST', `${path}/runs?wait=60`, {
      variables: { ...options, __defineGetter__: 'pipeline_secret{{ __proto__ }}' },
    });
    expect(run.status).toBe('successful');
    const specs = server.started.slice(before);
    expect(specs.map(({ env }) => env['GOFER_TASK_ID'])).toEqual(INHERITED);
    for (const spec of specs) {
      expect(spec.registryAuth?.password).toBe(`password of ${spec.env['GOFER_TASK_ID']}`);
      for (const name of INHERITED) expect(Object.getOwnPropertyDescriptor(spec.env, name)?.value).toBe(`config ${name}`);
      expect(spec.env['__defineGetter__']).toBe('secret __proto__');
    }
  });

  it('an option of a run that no configuration has reaches the task', async () => {
    const path = pipelinePath('option');
    await server.ask('POST', `${path}/configs`, { config: pipelineJson('option', [{ id: 'one', command: ['true'] }]) });
    await server.ask('POST', `${path}/configs/1`);
    const before = server.started.length;
    await server.ask('POST', `${path}/runs?wait=60`, { variables: holding('__proto__', 'option') });
    await until('the start of the task', () => server.started.length > before);
    expect(Object.getOwnPropertyDescriptor(server.started[before]?.env, '__proto__')?.value).toBe('option');
  });

  it('queries, headers and cookies are called so', async () => {
    const query = INHERITED.map((name) => `${name}=1&${name}=2`).join('&');
    const headers = {
      ...Object.fromEntries(INHERITED.map((name) => [name, 'x'])),
      cookie: INHERITED.map((name) => `${name}=x`).join('; '),
    };
    expect((await server.call('GET', `/api/namespaces?${query}`, { token: server.admin, headers })).status).toBe(200);
    expect((await server.call('GET', '/api/audit?operation=constructor&result=__proto__', { token: server.admin })).status).toBe(200);
  });
});

describe('characters', () => {
  const STRANGE = {
    nul: 'a\0b',
    escape: '\x1b[31mred',
    newline: 'a\r\nb',
    override: '\u202egnp.exe',
    joiner: 'a\u200db',
    cyrillic: '\u0430dmin',
  };

  it.each(Object.entries(STRANGE))('%s: no id, and text as it was sent', async (_, text) => {
    for (const body of [
      { id: text, name: '', description: '' },
      { id: `${text}abc`, name: '', description: '' },
    ]) {
      expect(await post('/api/namespaces', body)).toMatchObject({ status: 400, code: 'INVALID_ARGUMENT' });
      expect(await post('/api/roles', { id: body.id, description: '', permissions: [] })).toMatchObject({ status: 400 });
    }
    expect(await post('/api/tokens', { user: 'u', roles: [text], expires: 0 })).toMatchObject({ status: 400 });
    const { token_details: token } = await server.ask<{ token_details: { id: string } }>('POST', '/api/tokens', {
      user: text,
      roles: [],
      expires: 0,
      metadata: { [text]: text },
    });
    expect(await get(`/api/tokens/${token.id}`)).toMatchObject({ token: { user: text, metadata: { [text]: text } } });
    await server.ask('PATCH', '/api/namespaces/default', { name: text, description: text });
    expect(await get('/api/namespaces/default')).toMatchObject({ namespace: { name: text, description: text } });
    for (const path of ['namespaces', 'roles', 'tokens', 'events', 'secrets/global', 'namespaces/default/pipelines']) {
      const answer = await server.call('GET', `/api/${path}/${encodeURIComponent(text)}`, { token: server.admin });
      expect(answer).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    }
    expect((await server.call('GET', `/api/audit?user=${encodeURIComponent(text)}`, { token: server.admin })).status).toBe(200);
    expect(server.log.join('\n')).not.toContain(text);
  });

  it('half a surrogate pair is no character, wherever it stands', async () => {
    const half = Buffer.from('"\\ud800"').toString();
    for (const [path, body] of [
      ['/api/namespaces', `{"id":"half","name":${half},"description":""}`],
      ['/api/tokens', `{"user":${half},"roles":[],"expires":0}`],
      ['/api/tokens', `{"user":"u","roles":[],"expires":0,"metadata":{${half}:"x"}}`],
      ['/api/roles', `{"id":"half","description":"","permissions":[{"resources":["namespaces:\\ud800"],"actions":["read"]}]}`],
      [`${pipelinePath('option')}/configs`, `{"config":{"id":"option","name":${half},"parallelism":0,"tasks":[]}}`],
      [`${pipelinePath('option')}/runs`, `{"variables":{"a":${half}}}`],
      ['/api/secrets/global', `{"key":"half","content":${half},"namespaces":[".*"]}`],
    ] as const) {
      expect(await post(path, Buffer.from(body))).toMatchObject({ status: 400, code: 'INVALID_ARGUMENT' });
    }
  });
});

describe('lengths', () => {
  const ofLength = (length: number) => 'x'.repeat(length);
  const token = (change: object) => ({ user: 'u', roles: [], expires: 0, ...change });
  const role = (id: string, change: object = {}) => ({ id, description: '', permissions: [], ...change });
  const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index));
  const entries = (count: number, key: number, value: number) =>
    Object.fromEntries(many(count, (index) => [String(index).padStart(key, '0'), ofLength(value)]));

  it.each<[what: string, path: string, at: unknown, beyond: unknown]>([
    ['id', '/api/namespaces', { id: ofLength(32), name: '', description: '' }, { id: ofLength(33), name: '', description: '' }],
    [
      'name',
      '/api/namespaces',
      { id: 'name', name: ofLength(512), description: '' },
      { id: 'name2', name: ofLength(513), description: '' },
    ],
    ['user', '/api/tokens', token({ user: ofLength(256) }), token({ user: ofLength(257) })],
    ['metadata', '/api/tokens', token({ metadata: entries(64, 256, 4096) }), token({ metadata: entries(65, 256, 1) })],
    ['life', '/api/tokens', token({ expires: 4_294_967_295 }), token({ expires: 4_294_967_296 })],
    ['roles', '/api/tokens', token({ roles: many(100, () => 'user') }), token({ roles: many(101, () => 'user') })],
    ['description', '/api/roles', role('one-role', { description: ofLength(4096) }), role('two-role', { description: ofLength(4097) })],
    [
      'permissions',
      '/api/roles',
      role('largest', { permissions: many(100, () => ({ resources: many(100, () => 'runs'), actions: ['read', 'write', 'delete'] })) }),
      role('larger', { permissions: many(101, () => ({ resources: ['runs'], actions: ['read'] })) }),
    ],
    [
      'targets',
      '/api/roles',
      role('targets', { permissions: many(2, () => ({ resources: many(100, (n) => `pipelines:p${n}.*`), actions: ['read'] })) }),
      role('more', { permissions: many(3, () => ({ resources: many(100, (n) => `pipelines:p${n}.*`), actions: ['read'] })) }),
    ],
    [
      'a pattern',
      '/api/roles',
      role('pattern', { permissions: [{ resources: [`namespaces:${ofLength(256)}`], actions: ['read'] }] }),
      role('pattern2', { permissions: [{ resources: [`namespaces:${ofLength(257)}`], actions: ['read'] }] }),
    ],
    [
      'a secret',
      '/api/secrets/global',
      { key: ofLength(63), content: ofLength(1_048_576), namespaces: many(64, () => ofLength(256)) },
      { key: ofLength(63), content: ofLength(1_048_577), namespaces: ['.*'], force: true },
    ],
    [
      'its key',
      '/api/secrets/global',
      { key: 'k', content: 'x', namespaces: ['.*'] },
      { key: ofLength(64), content: 'x', namespaces: ['.*'] },
    ],
    [
      'its namespaces',
      '/api/secrets/global',
      { key: 'l', content: 'x', namespaces: ['x'] },
      { key: 'm', content: 'x', namespaces: many(65, () => 'x') },
    ],
  ])('%s: as long as may be is kept, and one more is refused', async (_, path, at, beyond) => {
    expect((await post(path, at)).status).toBe(201);
    const refused = await post(path, beyond);
    expect(refused.status).toBe(400);
    // An answer does not grow with what was sent.
    expect(refused.text.length).toBeLessThan(4096);
  });

  it('keys of objects', async () => {
    const path = `${pipelinePath('option')}/objects`;
    for (const [key, status] of [
      [ofLength(1024), 201],
      ['ü'.repeat(512), 201],
      [ofLength(1025), 400],
      ['ü'.repeat(513), 400],
      ['\0', 201],
      ['/', 201],
    ] as const) {
      const answer = await server.call('POST', `${path}/${encodeURIComponent(key)}`, { token: server.admin, body: Buffer.from('x') });
      expect([key.slice(0, 10), answer.status]).toEqual([key.slice(0, 10), status]);
    }
  });

  it('everything that is so long is listed', async () => {
    for (const path of ['namespaces', 'tokens', 'roles', 'secrets/global', 'audit', 'namespaces/default/pipelines/option/objects'])
      expect((await server.call('GET', `/api/${path}`, { token: server.admin })).status).toBe(200);
  });
});
