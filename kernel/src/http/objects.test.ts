/** Uploads and downloads over real sockets: what is sent whole, in part, slowly, too early or not at all. */
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startTestServer, type TestServer, VERSION } from './test-client.fixture.ts';

const OBJECTS = '/api/namespaces/default/pipelines/demo/objects';
const RUN_OBJECTS = '/api/namespaces/default/pipelines/demo/runs/1/objects';
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ request_timeout: 2 });
});
afterAll(() => server.close());
beforeEach(() => {
  server.services.calls.splice(0);
  server.services.object = Buffer.from('hello');
});

/** An upload whose body the test writes. */
function upload(
  target: string,
  headers: Record<string, string> = {},
): { sent: ClientRequest; answer: Promise<{ status: number; text: string }> } {
  const sent = request({ host: '127.0.0.1', port: server.port, method: 'POST', path: target, headers: { ...VERSION, ...headers } });
  const answer = once(sent, 'response').then(async ([response]: IncomingMessage[]) => {
    const chunks: Buffer[] = [];
    for await (const chunk of response ?? []) chunks.push(chunk as Buffer);
    return { status: response?.statusCode ?? 0, text: Buffer.concat(chunks).toString() };
  });
  answer.catch(() => undefined);
  return { sent, answer };
}

describe('an upload', () => {
  test('is taken byte for byte, whatever its media type, with and without an announced length', async () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => index % 256));
    for (const type of ['application/octet-stream', 'application/json', 'text/plain', undefined]) {
      const headers = { ...VERSION, ...(type === undefined ? {} : { 'content-type': type }) };
      const answer = await server.ask('POST', `${OBJECTS}/key?force=true`, { headers, body: bytes });
      expect([answer.status, answer.json()]).toEqual([201, { object: { key: 'key', created: 1, size: bytes.length } }]);
      expect(server.services.object.equals(bytes)).toBe(true);
    }
    const { sent, answer } = upload(`${RUN_OBJECTS}/key`);
    sent.write('in ');
    sent.write('pieces');
    sent.end();
    expect((await answer).status).toBe(201);
    expect(server.services.object.toString()).toBe('in pieces');
    expect(server.services.calls.at(-1)?.arguments[0]).toEqual({ namespaceId: 'default', pipelineId: 'demo', runId: 1 });
    expect(server.services.calls.at(-1)?.arguments[3]).toMatchObject({ force: false });
  });

  test('may be longer than a JSON body, and take longer than a request may as long as it goes on', async () => {
    const large = Buffer.alloc(300_000);
    expect((await server.ask('POST', `${OBJECTS}/key`, { headers: VERSION, body: large })).status).toBe(201);
    const { sent, answer } = upload(`${OBJECTS}/key`);
    // Longer in all than a request may take, each pause well below it.
    for (let piece = 0; piece < 4; piece += 1) {
      sent.write('x');
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
    sent.end();
    expect((await answer).status).toBe(201);
    expect(server.services.object.toString()).toBe('xxxx');
  });

  test('that stops is given up', async () => {
    const { sent, answer } = upload(`${OBJECTS}/key`, { 'content-length': '10' });
    sent.write('half');
    const { status, text } = await answer;
    expect([status, JSON.parse(text)]).toMatchObject([408, { error_code: 'DEADLINE_EXCEEDED' }]);
    sent.destroy();
    expect(server.services.object.toString()).toBe('hello');
  });

  test('that is cut half-way is not taken for a whole one', async () => {
    const { sent } = upload(`${OBJECTS}/key`, { 'content-length': '10' });
    sent.on('error', () => undefined);
    sent.write('half');
    await expect.poll(() => server.services.calls.map(({ name }) => name)).toContain('objects.put');
    sent.destroy();
    await expect.poll(() => server.logged.some((line) => line.includes('a bug'))).toBe(false);
    expect((await server.ask('GET', `${OBJECTS}/key`, { headers: VERSION })).text).toBe('hello');
  });

  test('that is refused is answered before its body is sent', async () => {
    const { sent, answer } = upload(`${OBJECTS}/taken`, { 'content-length': '1000000', expect: '100-continue' });
    let isTold = false;
    sent.on('continue', () => {
      isTold = true;
    });
    sent.flushHeaders();
    expect([(await answer).status, isTold]).toEqual([409, false]);
    sent.destroy();
    const accepted = upload(`${OBJECTS}/free`, { 'content-length': '2', expect: '100-continue' });
    accepted.sent.on('continue', () => accepted.sent.end('ok'));
    accepted.sent.flushHeaders();
    expect((await accepted.answer).status).toBe(201);
  });

  test('whose answer came early may go on for a while, and is then cut off', async () => {
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`POST ${OBJECTS}/taken HTTP/1.1\r\nhost: localhost\r\ngofer-api-version: v0\r\ncontent-length: 1000000\r\n\r\nx`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 409 /);
    socket.on('error', () => undefined);
    await once(socket, 'close');
  });

  test('that is compressed is refused', async () => {
    const answer = await server.ask('POST', `${OBJECTS}/key`, { headers: { ...VERSION, 'content-encoding': 'gzip' }, body: 'x' });
    expect([answer.status, answer.json()['error_code']]).toEqual([400, 'INVALID_ARGUMENT']);
  });
});

describe('a download', () => {
  test('is the bytes, with their length and a strong entity tag', async () => {
    const whole = await server.ask('GET', `${OBJECTS}/key`, { headers: VERSION });
    expect([whole.status, whole.text]).toEqual([200, 'hello']);
    expect(whole.headers).toMatchObject({
      'content-length': '5',
      'content-type': 'application/octet-stream',
      etag: '"v1"',
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
    });
    const head = await server.ask('HEAD', `${OBJECTS}/key`, { headers: VERSION });
    expect([head.status, head.text, head.headers['content-length'], head.headers.etag]).toEqual([200, '', '5', '"v1"']);
    const same = await server.ask('GET', `${OBJECTS}/key`, { headers: { ...VERSION, 'if-none-match': '"other", "v1"' } });
    expect([same.status, same.text]).toEqual([304, '']);
  });

  test.each([
    ['bytes=0-1', 206, 'he', 'bytes 0-1/5'],
    ['bytes=3-', 206, 'lo', 'bytes 3-4/5'],
    ['bytes=-2', 206, 'lo', 'bytes 3-4/5'],
    ['bytes=-99', 206, 'hello', 'bytes 0-4/5'],
    ['bytes=2-99', 206, 'llo', 'bytes 2-4/5'],
    ['bytes=3-1', 200, 'hello', undefined],
    ['bytes=0-0,2-2', 200, 'hello', undefined],
    ['lines=1-2', 200, 'hello', undefined],
  ])('of the range %s', async (range, status, text, contentRange) => {
    const answer = await server.ask('GET', `${OBJECTS}/key`, { headers: { ...VERSION, range } });
    expect([answer.status, answer.text, answer.headers['content-range']]).toEqual([status, text, contentRange]);
  });

  test('of a range behind the end is refused, one of another version is the whole', async () => {
    const behind = await server.ask('GET', `${OBJECTS}/key`, { headers: { ...VERSION, range: 'bytes=5-' } });
    expect([behind.status, behind.headers['content-range']]).toEqual([416, 'bytes */5']);
    const ifRange = (tag: string) => server.ask('GET', `${OBJECTS}/key`, { headers: { ...VERSION, range: 'bytes=0-1', 'if-range': tag } });
    expect([(await ifRange('"v1"')).status, (await ifRange('"v0"')).status]).toEqual([206, 200]);
  });

  test('of what cannot be read is an error, not a connection that breaks', async () => {
    server.services.objectFails = true;
    try {
      const answer = await server.ask('GET', `${OBJECTS}/key`, { headers: VERSION });
      expect([answer.status, answer.json()['error_code'], answer.headers.etag]).toEqual([500, 'DATA_LOSS', undefined]);
    } finally {
      server.services.objectFails = false;
    }
  });

  test('of nothing is empty', async () => {
    server.services.object = Buffer.alloc(0);
    const answer = await server.ask('GET', `${OBJECTS}/key`, { headers: VERSION });
    expect([answer.status, answer.text, answer.headers['content-length']]).toEqual([200, '', '0']);
  });
});

describe('a key in the path', () => {
  test.each([
    ['a%2Fb', 'a/b'],
    ['%00', '\0'],
    ['%C3%BC', 'ü'],
    ['a%20b%3F%23', 'a b?#'],
    ['%25', '%'],
  ])('%s is %j', async (written, key) => {
    await server.ask('DELETE', `${OBJECTS}/${written}`, { headers: VERSION });
    expect(server.services.calls.at(-1)).toMatchObject({ name: 'objects.delete', arguments: [expect.anything(), key] });
  });

  test.each(['..', '%2e%2e', '.', '%ff', '%c3%28', '%zz'])('%s is refused', async (written) => {
    const answer = await server.ask('GET', `${OBJECTS}/${written}`, { headers: VERSION });
    expect([answer.status, answer.json()['error_code']]).toEqual([400, 'INVALID_ARGUMENT']);
  });
});

test('secrets: values go in by bodies and come out only where they are asked for', async () => {
  const secrets = '/api/namespaces/default/pipelines/demo/secrets';
  await server.ask('POST', secrets, { headers: VERSION, body: '{"key":"k","content":"v","force":true}' });
  expect(server.services.calls.at(-1)).toMatchObject({
    name: 'secrets.put',
    arguments: [{ pipelineId: 'demo' }, { key: 'k', content: 'v', force: true }],
  });
  await server.ask('POST', '/api/secrets/global', { headers: VERSION, body: '{"key":"k","content":"v","namespaces":[".*"]}' });
  expect(server.services.calls.at(-1)).toMatchObject({
    name: 'secrets.putGlobal',
    arguments: [{ key: 'k', content: 'v', force: false }, ['.*']],
  });
  await server.ask('GET', `${secrets}/k`, { headers: VERSION });
  expect(server.services.calls.at(-1)?.arguments.slice(1)).toEqual(['k', false]);
  await server.ask('GET', `${secrets}/k?include_secret=true`, { headers: VERSION });
  expect(server.services.calls.at(-1)?.arguments.slice(1)).toEqual(['k', true]);
  const malformed = await server.ask('POST', secrets, { headers: VERSION, body: '{"key":"k","content":98765432123,"force":"yes"}' });
  expect(malformed.status).toBe(400);
  expect(malformed.text).not.toContain('98765432123');
});
