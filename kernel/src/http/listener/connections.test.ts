import { connect } from 'node:net';
import { describe, expect, test } from 'vitest';
import { createHttpServer } from '../index.ts';
import { LIMITS, startTestServer, TASK, VERSION } from '../test-client.fixture.ts';

describe('limits of a connection', () => {
  test('headers that are too large, requests that are no HTTP', async () => {
    const server = await startTestServer();
    const large = await server.raw(`GET / HTTP/1.1\r\nhost: localhost\r\nx-large: ${'a'.repeat(20_000)}\r\n\r\n`);
    expect(large).toMatch(/^HTTP\/1\.1 431 /);
    expect(large).toContain('"error_code": "INVALID_ARGUMENT"');
    expect(await server.raw('hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await server.raw('GET / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400 /,
    );
    await server.close();
  });

  test('a request that trickles in is cut off', async () => {
    const server = await startTestServer({ request_timeout: 1 });
    const answer = await server.raw('GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: ');
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    const body = await server.raw(
      'POST /api/namespaces HTTP/1.1\r\nhost: localhost\r\ngofer-api-version: v0\r\ncontent-length: 10\r\n\r\n{',
    );
    expect(body).toMatch(/^HTTP\/1\.1 408 /);
    await server.close();
  });

  test('what streams or waits is not cut off, however short the time for requests', async () => {
    const server = await startTestServer({ request_timeout: 1 });
    const events = await server.socket('/api/events');
    const waiting = server.ask('GET', '/api/namespaces/default/pipelines/demo/runs/1?wait=600', { headers: VERSION });
    // Two slow requests after each other outlast what the first two would have had.
    for (let round = 0; round < 2; round++) expect(await server.raw('GET / HTTP/1.1\r\n')).toMatch(/^HTTP\/1\.1 408 /);
    server.services.emit({ id: 'late', kind: { created_role: { role_id: 'devops' } }, emitted: 4 });
    server.services.finishRun();
    expect((await waiting).status).toBe(200);
    await expect.poll(() => events.frames.length).toBe(1);
    await server.close();
  });

  test('a body that was refused is answered once, however slowly the rest of it comes', async () => {
    const server = await startTestServer({ request_timeout: 1 });
    const head = 'POST /api/namespaces HTTP/1.1\r\nhost: localhost\r\ngofer-api-version: v0\r\ncontent-length: 500000\r\n\r\n{';
    const answer = await server.raw(head);
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413']);
    await server.close();
  });

  test('an offer of HTTP/2 in passing is not taken up', async () => {
    const server = await startTestServer();
    const answer = await server.raw(
      'GET /api/namespaces HTTP/1.1\r\nhost: localhost\r\ngofer-api-version: v0\r\nconnection: upgrade, http2-settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    await server.close();
  });
});

describe('the address', () => {
  test('a port that is taken is said to be', async () => {
    const server = await startTestServer();
    await expect(startTestServer({ bind_address: `127.0.0.1:${server.port}` })).rejects.toMatchObject({ code: 'LOCKED' });
    await server.close();
  });

  test.each(['nonsense', '127.0.0.1', '127.0.0.1:65536', 'a:b:1'])('%s is no address', async (bind_address) => {
    await expect(startTestServer({ bind_address })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test('an address of another machine cannot be bound', async () => {
    await expect(startTestServer({ bind_address: '192.0.2.1:0' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  });

  test('a server that never listened closes', async () => {
    const server = await startTestServer();
    const config = { bind_address: 'localhost:0', cors_origins: [], request_timeout: 30, max_body_size: 1000 };
    const other = createHttpServer({
      config,
      limits: LIMITS,
      services: server.services,
      stopTimeout: 1,
      version: '1',
      log: () => undefined,
    });
    expect(other.address).toBeUndefined();
    await other.close(1000);
    await server.close();
  });
});

describe('closing', () => {
  test('waiting requests are answered, WebSockets told to leave, idle connections closed', async () => {
    const server = await startTestServer();
    const idle = connect(server.port, '127.0.0.1');
    const idleClosed = new Promise((resolve) => {
      idle.once('close', resolve);
      idle.resume();
    });
    const events = await server.socket('/api/events');
    const waiting = server.ask('GET', '/api/namespaces/default/pipelines/demo/runs/1?wait=600', { headers: VERSION });
    await expect.poll(() => server.services.calls.map((call) => call.name)).toContain('runs.wait');
    await server.close(20_000);
    expect((await waiting).status).toBe(200);
    expect((await waiting).headers.connection).toBe('close');
    expect(await events.closed).toEqual({ code: 1012, reason: 'the server is stopping; reconnect' });
    await idleClosed;
    await server.close();
  });

  test('who does not leave is cut off', async () => {
    const server = await startTestServer();
    server.services.lines = Array.from({ length: 4000 }, () => 'x'.repeat(10_000));
    const log = await server.socket(`${TASK}/logs`);
    log.socket.pause();
    await server.close(50);
    log.socket.resume();
    expect((await log.closed).code).toBe(1006);
  });
});
