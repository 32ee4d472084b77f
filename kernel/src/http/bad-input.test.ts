import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer, VERSION } from './test-client.fixture.ts';

const RUNS = '/api/namespaces/default/pipelines/demo/runs';
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ cors_origins: ['https://ci.example.com'] });
});
afterAll(() => server.close());

describe('routes', () => {
  test.each([
    '/api',
    '/api/nothing',
    '/index.html',
    '/api/namespaces/default/pipelines/demo/runs/1/tasks/one/logs/raw/more',
    '/API/namespaces',
    '/docs/assets/..%2fpackage.json',
    '/docs/assets/absolute-path.js',
  ])('GET %s is not there', async (target) => {
    const answer = await server.ask('GET', target, { headers: VERSION });
    expect([answer.status, answer.json()['error_code'], answer.json()['request_id']]).toEqual([
      404,
      'NOT_FOUND',
      answer.headers['x-request-id'],
    ]);
  });

  test.each([
    ['PUT', '/api/namespaces', 'GET, HEAD, POST'],
    ['DELETE', '/api/system', 'GET, HEAD, PATCH'],
    ['POST', '/api/events', 'GET, HEAD'],
    ['POST', '/docs', 'GET, HEAD'],
    ['OPTIONS', RUNS, 'DELETE, GET, HEAD, POST'],
    ['QUERY', RUNS, 'DELETE, GET, HEAD, POST'],
    // Not the token of this name.
    ['OPTIONS', '/api/tokens/whoami', 'GET, HEAD'],
    ['DELETE', '/api/tokens/whoami', 'GET, HEAD'],
    ['GET', '/api/tokens/bootstrap', 'POST'],
  ])('%s %s is not taken', async (method, target, allow) => {
    const answer = await server.ask(method, target, { headers: VERSION });
    expect([answer.status, answer.json()['error_code'], answer.headers.allow]).toEqual([405, 'METHOD_NOT_ALLOWED', allow]);
  });

  test.each([
    '//api///namespaces//default/',
    '/api/namespaces/default/',
    '/%61pi/namespaces/default',
    'http://localhost/api/namespaces/default',
  ])('%s is /api/namespaces/default', async (target) => {
    const answer = await server.ask('GET', target, { headers: VERSION });
    expect([answer.status, answer.json()['namespace']]).toEqual([200, expect.anything()]);
  });

  test.each([
    '/api/namespaces/..',
    '/api/./namespaces',
    '/api/namespaces/%2e%2e',
    '/api/namespaces/%2E',
    '/api/namespaces/%ff',
    '/api/namespaces/%zz',
    '/api/namespaces/%c3%28',
    '/api/namespaces/%',
  ])('%s cannot be a path', async (target) => {
    const answer = await server.ask('GET', target, { headers: VERSION });
    expect([answer.status, answer.json()['error_code']]).toEqual([400, 'INVALID_ARGUMENT']);
  });

  test('a target that begins with no slash', async () => {
    expect(await server.raw('GET api HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')).toContain('400 Bad Request');
    expect(await server.raw('OPTIONS * HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')).toContain('400 Bad Request');
  });

  test('raw bytes above ASCII', async () => {
    expect(
      await server.raw('GET /api/namespaces/\xe9 HTTP/1.1\r\nhost: localhost\r\ngofer-api-version: v0\r\nconnection: close\r\n\r\n'),
    ).toContain('400 Bad Request');
  });
});

describe('parameters', () => {
  test.each([
    [`${RUNS}/x`, 'path.run_id'],
    [`${RUNS}/-1`, 'path.run_id'],
    [`${RUNS}/1.5`, 'path.run_id'],
    [`${RUNS}/9007199254740992`, 'path.run_id'],
    [`${RUNS}/99999999999999999999`, 'path.run_id'],
    [`${RUNS}?limit=-1`, 'query.limit'],
    [`${RUNS}?limit=`, 'query.limit'],
    [`${RUNS}?limit=1&limit=2`, 'query.limit'],
    [`${RUNS}?reverse=yes`, 'query.reverse'],
    [`${RUNS}/1?wait=3601`, 'query.wait'],
    ['/api/namespaces?offset=1e3', 'query.offset'],
  ])('GET %s: %s is at fault', async (target, path) => {
    const answer = await server.ask('GET', target, { headers: VERSION });
    expect(answer.status).toBe(400);
    expect(answer.json()).toMatchObject({ error_code: 'INVALID_ARGUMENT', details: [{ path }] });
  });

  test('an idempotency key has 1 to 255 characters', async () => {
    const answer = await server.ask('POST', RUNS, { headers: { ...VERSION, 'idempotency-key': 'x'.repeat(256) }, body: '{}' });
    expect(answer.json()).toMatchObject({ error_code: 'INVALID_ARGUMENT', details: [{ path: 'header.idempotency-key' }] });
  });
});

describe('bodies', () => {
  const post = (body: string | Buffer, headers: Record<string, string> = {}) =>
    server.ask('POST', RUNS, { headers: { ...VERSION, ...headers }, body });

  test.each([
    '{',
    '[]',
    '"text"',
    'null',
    '{"variables":[]}',
    '{"variables":{"a":1}}',
    '{"variables":{"a\\n":1}}',
    '{"a":1}garbage',
    "{'a':1}",
  ])('%s is refused', async (body) => {
    const answer = await post(body);
    expect([answer.status, answer.json()['error_code']]).toEqual([400, 'INVALID_ARGUMENT']);
  });

  test('every fault is told with its path', async () => {
    const answer = await server.ask('POST', '/api/namespaces', { headers: VERSION, body: '{"id":1,"description":null}' });
    const details = answer.json()['details'] as { path: string }[];
    expect(details.map((each) => each.path).toSorted((a, b) => a.localeCompare(b))).toEqual(['$.description', '$.id', '$.name']);
  });

  test('a pipeline cannot be put into the state "unknown", nor into one that there is not', async () => {
    for (const state of ['unknown', 'sleeping']) {
      const answer = await server.ask('PATCH', '/api/namespaces/default/pipelines/demo', {
        headers: VERSION,
        body: JSON.stringify({ state }),
      });
      expect(answer.json()).toMatchObject({ error_code: 'INVALID_ARGUMENT', details: [{ path: '$.state' }] });
    }
  });

  test('a config of any shape is the service to judge, but the body is an object', async () => {
    const configs = '/api/namespaces/default/pipelines/demo/configs';
    expect((await server.ask('POST', configs, { headers: VERSION, body: '{"config":[1]}' })).status).toBe(201);
    expect(server.services.calls.at(-1)?.arguments[1]).toEqual([1]);
    expect((await server.ask('POST', configs, { headers: VERSION, body: '[1]' })).status).toBe(400);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonx'])(
    '%s is not taken',
    async (type) => {
      expect((await post('{}', { 'content-type': type })).status).toBe(400);
    },
  );

  test('a compressed body is refused, not taken for what it is not', async () => {
    const headers = { ...VERSION, 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const answer = await server.ask('POST', RUNS, { headers, body: '{}' });
    expect([answer.status, answer.json()['error_code']]).toEqual([400, 'INVALID_ARGUMENT']);
  });

  test.each(['application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON;x=y'])('%s is taken', async (type) => {
    expect((await post('{}', { 'content-type': type })).status).toBe(201);
  });

  test('what is not UTF-8 is refused, U+FFFD itself is not', async () => {
    expect((await post(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).status).toBe(400);
    expect((await post('{"variables":{"a":"\ufffd"}}')).status).toBe(201);
  });

  test('depth is bounded; brackets in strings do not count', async () => {
    expect((await post(`{"variables":${'['.repeat(50_000)}${']'.repeat(49_000)}}`)).status).toBe(400);
    expect((await post(`{"x":${'['.repeat(63)}${']'.repeat(63)}}`)).status).toBe(201);
    expect((await post(`{"x":${'['.repeat(64)}${']'.repeat(64)}}`)).status).toBe(400);
    expect((await post(`{"x":"${'\\"['.repeat(100)}"}`)).status).toBe(201);
  });

  test('size is bounded, told by content-length', async () => {
    const answer = await post(`{"x":"${'a'.repeat(100_000)}"}`);
    expect([answer.status, answer.json()['error_code']]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
  });

  test('size is bounded, told by nobody', async () => {
    const chunk = `${(50_000).toString(16)}\r\n${'a'.repeat(50_000)}\r\n`;
    const head = `POST ${RUNS} HTTP/1.1\r\nhost: localhost\r\ngofer-api-version: v0\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n`;
    expect(await server.raw(`${head}${chunk.repeat(3)}0\r\n\r\n`)).toContain('PAYLOAD_TOO_LARGE');
  });

  test('bodies but definitions are bounded in any case', async () => {
    const large = await startTestServer({ max_body_size: 32 * 1024 * 1024 });
    try {
      const body = `{"config":${JSON.stringify('x'.repeat(8 * 1024 * 1024))}}`;
      expect((await large.ask('POST', RUNS, { headers: VERSION, body })).status).toBe(413);
      expect((await large.ask('POST', '/api/namespaces/default/pipelines/demo/configs', { headers: VERSION, body })).status).toBe(201);
    } finally {
      await large.close();
    }
  });

  test.each([
    ['a half', '{"variables":{"a":"x\\ud83d"}}', 400],
    ['the other half', '{"variables":{"a":"\\uDE00x"}}', 400],
    ['halves the wrong way round', '{"variables":{"a":"\\ude00\\ud83d"}}', 400],
    ['a half in a key', '{"variables":{"\\ud83d":"a"}}', 400],
    ['a half where nothing is read', '{"other":[{"x":"\\ud83d"}]}', 400],
    ['both halves', '{"variables":{"a":"\\ud83d\\ude00"}}', 201],
    ['what only looks like one', '{"variables":{"a":"\\\\ud83d"}}', 201],
  ])('%s of a surrogate pair', async (_, body, status) => {
    expect((await post(body)).status).toBe(status);
  });

  test('of a small body every fault is told, of a large one the first, and of a key not more than a person reads', async () => {
    const faultsOf = async (count: number): Promise<number> => {
      const variables = Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index]));
      const answer = await server.ask('POST', RUNS, { headers: VERSION, body: JSON.stringify({ variables }) });
      return (answer.json()['details'] as unknown[]).length;
    };
    expect([await faultsOf(2), await faultsOf(999)]).toEqual([2, 100]);
    const long = await post(JSON.stringify({ variables: { ['k'.repeat(50_000)]: 1 } }));
    expect([long.status, long.text.length < 1000]).toEqual([400, true]);
    const wide = await startTestServer({ max_body_size: 8 * 1024 * 1024 });
    try {
      const answer = await wide.ask('POST', '/api/tokens', {
        headers: VERSION,
        body: `{"user":"x","expires":0,"roles":[${'1,'.repeat(3_000_000)}1]}`,
      });
      expect([answer.status, (answer.json()['details'] as unknown[]).length]).toEqual([400, 1]);
    } finally {
      await wide.close();
    }
  });

  test.each([
    ['/api/namespaces', { id: 'abc', name: 'x'.repeat(513), description: '' }, '$.name'],
    ['/api/namespaces', { id: 'abc', name: '', description: 'x'.repeat(16_385) }, '$.description'],
    ['/api/tokens', { user: 'u', roles: [], expires: 0, metadata: { ['k'.repeat(257)]: 'v' } }, '$.metadata'],
    ['/api/tokens', { user: 'u', roles: [], expires: 0, metadata: { k: 'v'.repeat(4097) } }, '$.metadata.k'],
    [RUNS, { variables: Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`k${index}`, 'v'])) }, '$.variables'],
  ])('nothing in them is of any length: %s', async (target, body, path) => {
    const answer = await server.ask('POST', target, { headers: VERSION, body: JSON.stringify(body) });
    expect(answer.status).toBe(400);
    expect(answer.json()).toMatchObject({
      error_code: 'INVALID_ARGUMENT',
      details: expect.arrayContaining([expect.objectContaining({ path })]),
    });
  });

  test('a client that asks first whether to send', async () => {
    const head = (length: number) =>
      `POST ${RUNS} HTTP/1.1\r\nhost: localhost\r\ngofer-api-version: v0\r\nexpect: 100-continue\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n`;
    expect(await server.raw(`${head(2)}{}`)).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 Created/);
    expect(await server.raw(head(200_000))).toMatch(/^HTTP\/1\.1 413 /);
  });
});

describe('what a client says of itself', () => {
  test.each(['identity;q=0', '*;q=0', 'gzip;q=0, deflate;q=0, identity;q=0', ';;;', 'gzip;q=', '\xff', '__proto__', 'x'.repeat(5000)])(
    'it takes the coding %j',
    async (coding) => {
      const answer = await server.ask('GET', '/api/openapi.json', { headers: { ...VERSION, 'accept-encoding': coding } });
      expect(answer.status).toBe(200);
      if (coding.includes('identity')) expect(answer.headers['content-encoding']).toBeUndefined();
    },
  );

  test.each(['200-ok', '100-continue, x', ''])('it expects %j', async (expected) => {
    for (const method of ['GET', 'POST']) {
      const answer = await server.ask(method, '/api/namespaces', { headers: { ...VERSION, expect: expected } });
      expect([answer.status, answer.json()['error_code']]).toEqual([417, 'INVALID_ARGUMENT']);
    }
  });
});

describe('a bug', () => {
  test('is a 500 that says nothing of itself, and is logged', async () => {
    const answer = await server.ask('GET', '/api/namespaces/broken', { headers: VERSION });
    expect([answer.status, answer.json()['error_code']]).toEqual([500, 'INTERNAL']);
    expect(answer.text).not.toContain('secret');
    expect(server.logged).toContain('error a request failed: this is a bug');
  });

  test('errors are readable by people', async () => {
    const answer = await server.ask('GET', '/api/namespaces/missing', { headers: VERSION });
    expect(answer.text).toBe(
      `{\n  "request_id": "${String(answer.headers['x-request-id'])}",\n  "error_code": "NOT_FOUND",\n  "message": "There is no namespace missing."\n}\n`,
    );
    expect(answer.headers['content-type']).toBe('application/json');
  });
});

describe('web pages', () => {
  const ask = (headers: Record<string, string>, method = 'GET') =>
    server.ask(method, '/api/namespaces', { headers: { ...VERSION, ...headers } });

  test.each([
    'evil.example',
    'evil.example:80',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '169.254.169.254',
    '0.0.0.0',
    'localhost@evil.example',
    '[::2]',
    '10.0.0.1:8080',
    'loc%61lhost',
  ])('Host %s is not let in', async (host) => {
    const answer = await ask({ host });
    expect([answer.status, answer.json()['error_code']]).toEqual([403, 'FORBIDDEN']);
    await expect(server.socket('/api/events', [], { ...VERSION, host })).rejects.toMatchObject({ status: 403 });
  });

  test.each(['localhost', 'LOCALHOST:8080', '127.0.0.1', '127.1.2.3:99', '[::1]:8080', 'gofer.localhost', 'localhost.'])(
    'Host %s is let in',
    async (host) => {
      expect((await ask({ host })).status).toBe(200);
    },
  );

  test('without a Host, or with the host of the target', async () => {
    expect(await server.raw('GET /api/namespaces HTTP/1.1\r\nconnection: close\r\n\r\n')).toContain('400 Bad Request');
    expect(await server.raw('GET http://evil.example/api/namespaces HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')).toContain(
      '403 Forbidden',
    );
  });

  test.each(['http://evil.example', 'null', 'http://localhost:3000', 'https://ci.example.com.evil.example'])(
    'Origin %s is not let in',
    async (origin) => {
      expect((await ask({ origin })).status).toBe(403);
      expect(
        (await ask({ origin, 'access-control-request-method': 'POST' }, 'OPTIONS')).headers['access-control-allow-origin'],
      ).toBeUndefined();
      await expect(server.socket('/api/events', [], { ...VERSION, origin })).rejects.toMatchObject({ status: 403 });
    },
  );

  test('its own origin, and a configured one', async () => {
    expect((await ask({ host: 'localhost:8080', origin: 'http://localhost:8080' })).status).toBe(200);
    const answer = await ask({ origin: 'https://ci.example.com' });
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, 'https://ci.example.com']);
    const preflight = await ask({ origin: 'https://ci.example.com', 'access-control-request-method': 'POST' }, 'OPTIONS');
    expect([preflight.status, preflight.headers['access-control-allow-headers']]).toEqual([
      204,
      expect.stringContaining('gofer-api-version'),
    ]);
    const open = await server.socket('/api/events', [], { ...VERSION, origin: 'https://ci.example.com' });
    open.socket.close();
  });
});
