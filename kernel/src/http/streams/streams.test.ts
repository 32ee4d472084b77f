import { LOGS_PROTOCOL, type LogMessage } from '@gofer/contracts/api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startTestServer, TASK, type TestServer, VERSION } from '../test-client.fixture.ts';

const LOGS = `${TASK}/logs`;
let server: TestServer;
beforeEach(async () => {
  server = await startTestServer();
});
afterEach(() => server.close(0));

describe('a log as v0 has it', () => {
  test('one Text frame a line, with its line feed, then a normal closure', async () => {
    const { frames, closed, socket } = await server.socket(LOGS);
    expect(await closed).toEqual({ code: 1000, reason: 'end of log' });
    expect([frames, socket.protocol]).toEqual([['hello\n', 'wörld\n', '\n'], '']);
  });

  test('lines of every size of frame header', async () => {
    server.services.lines = [125, 126, 65_534, 65_535, 1_000_000].map((length) => 'x'.repeat(length - 1));
    const { frames, closed } = await server.socket(LOGS);
    await closed;
    expect(frames.map((frame) => frame.length)).toEqual([125, 126, 65_534, 65_535, 1_000_000]);
  });

  test('what the client says is not listened to, and may not be large', async () => {
    server.services.lines = [];
    const events = await server.socket('/api/events');
    events.socket.send('hello');
    events.socket.send('x'.repeat(70_000));
    expect((await events.closed).code).toBe(1009);
  });
});

describe('a log in batches', () => {
  test('each frame is a message, and its cursor resumes behind it', async () => {
    const { frames, closed, socket } = await server.socket(LOGS, ['other.protocol', LOGS_PROTOCOL]);
    expect((await closed).code).toBe(1000);
    const messages = frames.map((frame) => JSON.parse(frame) as LogMessage);
    expect(socket.protocol).toBe(LOGS_PROTOCOL);
    expect(messages.map((message) => message.lines.map((line) => line.text))).toEqual([['hello', 'wörld'], ['']]);
    const resumed = await server.socket(`${LOGS}?after=${messages[0]?.cursor}&follow=false`, [LOGS_PROTOCOL]);
    await resumed.closed;
    expect(resumed.frames).toEqual(frames.slice(1));
    expect(server.services.calls.at(-1)?.arguments[1]).toMatchObject({ after: '2', follow: false, format: 'json' });
  });
});

describe('what is refused before the upgrade', () => {
  test.each([
    [LOGS.replace('/one/', '/two/'), 404, 'NOT_FOUND'],
    [LOGS.replace('/one/', '/gone/'), 410, 'GONE'],
    [LOGS.replace('/demo/', '/other/'), 404, 'NOT_FOUND'],
    [LOGS.replace('/runs/1/', '/runs/one/'), 400, 'INVALID_ARGUMENT'],
    [`${LOGS}?after=nonsense`, 400, 'INVALID_ARGUMENT'],
    [`${LOGS}?follow=maybe`, 400, 'INVALID_ARGUMENT'],
    ['/api/events?history=1', 400, 'INVALID_ARGUMENT'],
    ['/api/nothing', 404, 'NOT_FOUND'],
  ])('%s', async (target, status, code) => {
    await expect(server.socket(target)).rejects.toMatchObject({ status, code });
  });

  test.each([
    'sec-websocket-key: short\r\nsec-websocket-version: 13',
    'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-version: 7',
    'x: y',
    ...['', ',', 'a,,b', 'a, a', 'a b', 'a,', 'ä', 'a"'].map(
      (list) => `sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-version: 13\r\nsec-websocket-protocol: ${list}`,
    ),
  ])('a handshake with %j', async (headers) => {
    const head = `GET ${LOGS} HTTP/1.1\r\nhost: localhost\r\ngofer-api-version: v0\r\nconnection: Upgrade\r\nupgrade: websocket\r\n`;
    const answer = await server.raw(`${head}${headers}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request/);
    expect(answer).toContain('"error_code": "INVALID_ARGUMENT"');
  });

  test('a route that is no WebSocket answers as ever', async () => {
    await expect(server.socket('/api/namespaces')).rejects.toMatchObject({ status: 200 });
  });
});

describe('a follower that stops reading', () => {
  test.each([
    ['', []],
    ['in batches', [LOGS_PROTOCOL]],
  ])('holds back its own log only %s', async (_, protocols) => {
    server.services.lines = Array.from({ length: 3000 }, (_, line) => `${line} ${'x'.repeat(10_000)}`);
    server.services.batchSize = 20;
    const slow = await server.socket(LOGS, protocols);
    slow.socket.pause();
    await expect.poll(() => server.services.batchesRead()).toBeGreaterThan(2);
    const quick = await server.socket(LOGS, protocols);
    expect((await quick.closed).code).toBe(1000);
    expect(server.services.batchesRead()).toBeLessThan(300);
    slow.socket.resume();
    expect((await slow.closed).code).toBe(1000);
    expect(slow.frames).toEqual(quick.frames);
  });

  test('and then goes away is let go', async () => {
    server.services.lines = Array.from({ length: 3000 }, () => 'x'.repeat(10_000));
    const { socket } = await server.socket(LOGS);
    socket.pause();
    await expect.poll(() => server.services.batchesRead()).toBeGreaterThan(2);
    const request = server.services.calls.findLast((call) => call.name === 'logs.read')?.arguments[1];
    const { signal } = request as { signal: AbortSignal };
    socket.terminate();
    await expect.poll(() => signal.aborted).toBe(true);
    expect(server.logged.filter((line) => line.startsWith('error'))).toEqual([]);
  });
});

describe('events', () => {
  test('what is stored, then what happens', async () => {
    const { frames, socket, closed } = await server.socket('/api/events?history=true');
    await expect.poll(() => frames.length).toBe(1);
    server.services.emit({ id: 'live', kind: { created_role: { role_id: 'devops' } }, emitted: 4 });
    await expect.poll(() => frames.length).toBe(2);
    expect(frames[1]).toBe('{"id":"live","kind":{"created_role":{"role_id":"devops"}},"emitted":4}');
    socket.close();
    await closed;
    const query = server.services.calls.find((call) => call.name === 'events.stream')?.arguments[0] as { signal: AbortSignal };
    await expect.poll(() => query.signal.aborted).toBe(true);
  });

  test('in reverse they come to an end', async () => {
    const { frames, closed } = await server.socket('/api/events?history=true&reverse=true');
    expect(await closed).toEqual({ code: 1000, reason: 'out of events' });
    expect(frames).toHaveLength(1);
  });
});

describe('a log as bytes', () => {
  const raw = (headers: Record<string, string> = {}, method = 'GET') =>
    server.ask(method, `${LOGS}/raw`, { headers: { ...VERSION, ...headers } });
  const tag = `"${'f'.repeat(64)}"`;

  test('whole, with its size, tag and completeness', async () => {
    const answer = await raw();
    expect([answer.status, answer.text]).toEqual([200, 'hello\nwörld\n\n']);
    expect(answer.headers).toMatchObject({ 'content-length': '14', etag: tag, 'accept-ranges': 'bytes', 'gofer-log-complete': 'true' });
    const head = await raw({}, 'HEAD');
    expect([head.status, head.headers['content-length'], head.headers.etag, head.text]).toEqual([200, '14', tag, '']);
  });

  test.each([
    ['bytes=0-4', 'hello', 'bytes 0-4/14'],
    ['bytes=6-', 'wörld\n\n', 'bytes 6-13/14'],
    ['bytes=-1', '\n', 'bytes 13-13/14'],
    ['bytes=-100', 'hello\nwörld\n\n', 'bytes 0-13/14'],
    ['bytes=12-100', '\n\n', 'bytes 12-13/14'],
  ])('%s', async (range, text, told) => {
    const answer = await raw({ range });
    expect([answer.status, answer.text, answer.headers['content-range']]).toEqual([206, text, told]);
  });

  test.each(['bytes=4-2', 'lines=1-2', 'bytes=0-1,3-4', 'bytes=-', 'nonsense'])('%s is answered with the whole', async (range) => {
    expect((await raw({ range })).status).toBe(200);
  });

  test('a range behind the end', async () => {
    const answer = await raw({ range: 'bytes=14-' });
    expect([answer.status, answer.headers['content-range'], answer.json()['error_code']]).toEqual([416, 'bytes */14', 'INVALID_ARGUMENT']);
  });

  test('conditions', async () => {
    expect([(await raw({ 'if-none-match': tag })).status, (await raw({ 'if-none-match': '"other"' })).status]).toEqual([304, 200]);
    expect([
      (await raw({ range: 'bytes=0-1', 'if-range': tag })).status,
      (await raw({ range: 'bytes=0-1', 'if-range': '"old"' })).status,
    ]).toEqual([206, 200]);
  });

  test('a log that still grows has no tag; one that is empty has no bytes', async () => {
    server.services.sealed = false;
    expect((await raw()).headers.etag).toBeUndefined();
    server.services.lines = [];
    expect([(await raw()).status, (await raw()).text, (await raw()).headers['content-length']]).toEqual([200, '', '0']);
  });

  test('a client that goes away in the middle is no error of the server', async () => {
    server.services.lines = Array.from({ length: 5000 }, () => 'x'.repeat(10_000));
    const controller = new AbortController();
    const answer = await fetch(`http://127.0.0.1:${server.port}${LOGS}/raw`, { headers: VERSION, signal: controller.signal });
    controller.abort();
    await expect(answer.text()).rejects.toMatchObject({ name: 'AbortError' });
    await expect.poll(() => server.logged).toContain('debug a client went away in the middle of an answer');
    expect(server.logged.filter((line) => line.startsWith('error'))).toEqual([]);
  });

  test('is never compressed', async () => {
    server.services.lines = Array.from({ length: 2000 }, () => 'the same');
    expect((await raw({ 'accept-encoding': 'gzip' })).headers['content-encoding']).toBeUndefined();
  });
});
