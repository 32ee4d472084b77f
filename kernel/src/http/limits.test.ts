import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { HttpLimits } from './request/request-limits.ts';
import { LIMITS, startTestServer, TASK, type TestServer, VERSION } from './test-client.fixture.ts';

const SOON = { timeout: 20_000 };
const RUNS = '/api/namespaces/default/pipelines/demo/runs';
let server: TestServer;
afterEach(() => server.close());
const start = async (limits: Partial<HttpLimits>, config: Parameters<typeof startTestServer>[0] = {}): Promise<void> => {
  server = await startTestServer(config, { limits: { ...LIMITS, ...limits } });
};
const headers = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, 'y']));

describe('a request', () => {
  test('has so many bytes of headers, its target included', async () => {
    await start({ max_header_size: 4096 });
    const ask = (size: number) =>
      server.raw(
        `GET /api/namespaces HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ngofer-api-version: v0\r\nx: ${'a'.repeat(size)}\r\n\r\n`,
      );
    expect(await ask(3900)).toMatch(/^HTTP\/1\.1 200 /);
    const answer = await ask(5000);
    expect(answer).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large/);
    expect(answer).toContain('larger than 4096 bytes (limits.max_header_size)');
  });

  test('has so many headers', async () => {
    await start({ max_headers: 20 });
    // Host, connection and the version come with them.
    expect((await server.ask('GET', '/api/namespaces', { headers: { ...VERSION, ...headers(17) } })).status).toBe(200);
    for (const count of [18, 19, 200]) {
      const answer = await server.ask('GET', '/api/namespaces', { headers: { ...VERSION, ...headers(count) } });
      expect([answer.status, answer.json()]).toMatchObject([
        431,
        { error_code: 'INVALID_ARGUMENT', message: expect.stringContaining('more than 20 headers (limits.max_headers)') },
      ]);
    }
    await expect(server.socket('/api/events', [], { ...VERSION, ...headers(40) })).rejects.toMatchObject({ status: 431 });
  });

  test('has a target of so many bytes', async () => {
    await start({ max_url_length: 1024 });
    const path = '/api/namespaces?x=';
    expect((await server.ask('GET', path.padEnd(1024, 'a'), { headers: VERSION })).status).toBe(200);
    const answer = await server.ask('GET', path.padEnd(1025, 'a'), { headers: VERSION });
    expect([answer.status, answer.json()]).toMatchObject([
      414,
      { error_code: 'INVALID_ARGUMENT', message: expect.stringContaining('at most 1024 are taken (limits.max_url_length)') },
    ]);
  });

  test('nests so many objects and arrays', async () => {
    await start({ max_json_depth: 8 });
    const ask = (depth: number) =>
      server.ask('POST', RUNS, { headers: VERSION, body: `{"x":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}` });
    expect((await ask(8)).status).toBe(201);
    const answer = await ask(9);
    expect([answer.status, answer.json()['message']]).toEqual([
      400,
      expect.stringContaining('more than 8 objects and arrays inside each other (limits.max_json_depth)'),
    ]);
  });

  test('has its size told by the name of the setting', async () => {
    await start({}, { max_body_size: 1024 });
    const answer = await server.ask('POST', RUNS, { headers: VERSION, body: `{"x":"${'a'.repeat(2000)}"}` });
    expect([answer.status, answer.json()['message']]).toEqual([413, expect.stringContaining('server.max_body_size')]);
  });

  test('sends its headers in time', async () => {
    await start({ header_timeout: 1 });
    const answer = await server.raw('GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: ');
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('limits.header_timeout');
    // Who sends nothing at all is not waited for either.
    const socket = connect(server.port, '127.0.0.1');
    socket.resume();
    await once(socket, 'close');
  });
});

describe('connections', () => {
  test('beyond those that are allowed are closed, and that is logged', async () => {
    await start({ max_connections: 2 });
    const sockets: Socket[] = [];
    for (let index = 0; index < 2; index += 1) {
      const socket = connect(server.port, '127.0.0.1');
      sockets.push(socket);
      await once(socket, 'connect');
    }
    const third = connect(server.port, '127.0.0.1');
    third.on('error', () => undefined);
    third.resume();
    await once(third, 'close');
    expect(server.logged.filter((line) => line.includes('limits.max_connections'))).toHaveLength(1);
    for (const socket of sockets) socket.destroy();
    await expect
      .poll(() => server.ask('GET', '/api/namespaces', { headers: VERSION }).then(({ status }) => status, String), SOON)
      .toBe(200);
  });
});

describe('WebSockets', () => {
  test('beyond those that are allowed are refused before the upgrade, until one has gone', async () => {
    await start({ max_web_sockets: 2 });
    const [first, second] = [await server.socket('/api/events'), await server.socket('/api/events')];
    const refused = server.socket('/api/events');
    await expect(refused).rejects.toMatchObject({
      status: 429,
      code: 'RESOURCE_EXHAUSTED',
      body: { message: expect.stringContaining('limits.max_web_sockets') },
    });
    const plain = await server.raw(
      'GET /api/events HTTP/1.1\r\nhost: localhost\r\ngofer-api-version: v0\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    expect(plain).toMatch(/^HTTP\/1\.1 429 Too Many Requests\r\n[^]*retry-after: 5\r\n/i);
    first.socket.terminate();
    await expect.poll(() => server.socket('/api/events').then(() => 'open', String), SOON).toBe('open');
    expect(second.socket.readyState).toBe(second.socket.OPEN);
  });

  test('that are refused for another reason, or end by themselves, take no place', async () => {
    await start({ max_web_sockets: 1 });
    for (let index = 0; index < 3; index += 1) {
      await expect(server.socket('/api/namespaces/default/pipelines/demo/runs/1/tasks/missing/logs')).rejects.toMatchObject({
        status: 404,
      });
      expect(await (await server.socket(`${TASK}/logs?follow=false`)).closed).toMatchObject({ code: 1000 });
    }
  });
});

describe('an answer', () => {
  const ask = async (): Promise<Socket> => {
    server.services.description = 'x'.repeat(30_000_000);
    const socket = connect(server.port, '127.0.0.1');
    socket.write('GET /api/namespaces HTTP/1.1\r\nhost: localhost\r\ngofer-api-version: v0\r\n\r\n');
    await once(socket, 'readable');
    return socket;
  };
  const rest = async (socket: Socket): Promise<number> => {
    let size = 0;
    socket.on('data', (chunk: Buffer) => {
      size += chunk.length;
    });
    socket.on('error', () => undefined);
    await once(socket, 'close');
    return size;
  };

  test('that is not read is given up', async () => {
    await start({ header_timeout: 1 }, { request_timeout: 1 });
    const socket = await ask();
    const began = performance.now();
    await server.close(60_000);
    expect(performance.now() - began).toBeLessThan(30_000);
    expect(await rest(socket)).toBeLessThan(30_000_000);
  });

  test('that is read is sent to its end, though the server is stopping', async () => {
    await start({});
    const socket = await ask();
    const closed = server.close(60_000);
    expect(await rest(socket)).toBeGreaterThan(30_000_000);
    await closed;
  });
});

describe('what browsers are told', () => {
  const SAFE = {
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  };

  test.each([
    ['GET', '/api/namespaces', 200],
    ['GET', '/api/namespaces/missing', 404],
    ['GET', '/api/namespaces/broken', 500],
    ['GET', '/nothing', 404],
    ['PUT', '/api/namespaces', 405],
    ['GET', '/api/%', 400],
  ])('%s %s is no page, and not kept', async (method, target, status) => {
    await start({});
    const answer = await server.ask(method, target, { headers: VERSION });
    expect([answer.status, answer.headers]).toMatchObject([status, SAFE]);
    expect(Object.keys(answer.headers)).not.toEqual(expect.arrayContaining(['x-powered-by']));
    for (const banner of ['x-powered-by', 'server', 'strict-transport-security']) expect(answer.headers[banner]).toBeUndefined();
    expect(answer.text).not.toMatch(/node_modules|\.ts\b|\bat \w+ \(/);
  });

  test('bytes are no page either, the documents are one', async () => {
    await start({});
    server.services.sealed = true;
    const log = await server.ask('GET', `${TASK}/logs/raw`, { headers: VERSION });
    expect(log.headers).toMatchObject({ ...SAFE, 'cache-control': 'private, no-cache' });
    const page = await server.ask('GET', '/docs/api_reference.html');
    expect(page.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    });
    expect(page.headers['content-security-policy']).toMatch(/script-src 'self';.*frame-ancestors 'none'/);
  });

  test('TLS is promised by the word of a trusted proxy only', async () => {
    await start({}, { trusted_proxies: ['127.0.0.1'] });
    const hsts = async (proto: string) =>
      (await server.ask('GET', '/api/namespaces', { headers: { ...VERSION, 'x-forwarded-proto': proto } })).headers[
        'strict-transport-security'
      ];
    expect([await hsts('https'), await hsts('http')]).toEqual(['max-age=31536000', undefined]);
  });
});
