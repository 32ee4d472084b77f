import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { type Extension, Refusal } from './extension.ts';
import { startTestKit, type TestKit } from './testing/index.ts';

const NAME = { namespace_id: 'default', pipeline_id: 'simple', pipeline_subscription_id: 'one' };
let kit: TestKit;
afterEach(async () => {
  await kit.close();
});

const QUIET: Extension = {
  info: () => ({ documentation: '# Quiet', configParams: [], subscriptionParams: [] }),
  subscribe() {},
  unsubscribe() {},
};

async function serve(extension: Partial<Extension> = {}): Promise<void> {
  kit = await startTestKit(() => ({ ...QUIET, ...extension }));
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>> | undefined;
}

async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const { url, secret } = kit.extension;
  const init = { method, headers: { authorization: `Bearer ${secret}`, ...headers } };
  const response = await fetch(
    url + path,
    body === undefined ? init : { ...init, body: typeof body === 'string' ? body : JSON.stringify(body) },
  );
  const answer = await response.text();
  return { status: response.status, body: answer === '' ? undefined : (JSON.parse(answer) as Answer['body']) };
}

describe('an extension over HTTP', () => {
  test('answers as version 0 does', async () => {
    const seen: unknown[] = [];
    await serve({
      subscribe: (subscription) => void seen.push(subscription),
      unsubscribe: (name) => void seen.push(name),
      debug: () => ({ inside: 1 }),
      externalEvent: ({ headers, body }) => void seen.push([headers, [...body]]),
    });
    expect(await ask('GET', '/api/health', undefined, { authorization: '' })).toEqual({ status: 204, body: undefined });
    expect(await ask('GET', '/api/info')).toEqual({
      status: 200,
      body: { extension_id: 'tested', documentation: { body: '# Quiet', config_params: [], pipeline_subscription_params: [] } },
    });
    expect(await ask('GET', '/api/debug')).toEqual({ status: 200, body: { info: '{"inside":1}' } });
    expect(await ask('POST', '/api/subscribe', { ...NAME, pipeline_subscription_params: { every: '5m' } })).toMatchObject({ status: 204 });
    expect(await ask('DELETE', '/api/subscribe', NAME)).toMatchObject({ status: 204 });
    expect(await ask('POST', '/api/external-event', { headers: { A: 'b' }, body: [1, 2] })).toMatchObject({ status: 204 });
    const name = { namespaceId: 'default', pipelineId: 'simple', subscriptionId: 'one' };
    expect(seen).toEqual([{ ...name, params: { every: '5m' } }, name, [{ a: 'b' }, [1, 2]]]);
  });

  test.each([
    ['', 400],
    ['Bearer', 400],
    ['bearer x', 400],
    ['Basic eDp5', 400],
    ['Bearer  two', 400],
    ['Bearer wrong', 401],
    [`Bearer ${'x'.repeat(8000)}`, 401],
  ])('lets nobody in with %j', async (authorization, status) => {
    let calls = 0;
    await serve({ debug: () => (calls += 1) });
    for (const path of ['/api/info', '/api/debug'])
      expect(await ask('GET', path, undefined, { authorization })).toMatchObject({
        status,
        body: { message: expect.any(String), request_id: expect.stringMatching(/^[\da-f-]{36}$/) },
      });
    expect(calls).toBe(0);
  });

  test('has no other paths and methods', async () => {
    await serve();
    for (const path of ['/', '/api', '/api/health/', '/api/../api/infos', '/__proto__'])
      expect(await ask('GET', path)).toMatchObject({ status: 404 });
    expect(await ask('PUT', '/api/subscribe', {})).toMatchObject({ status: 405 });
    expect(await ask('POST', '/api/health')).toMatchObject({ status: 405 });
  });

  test.each([
    '',
    'null',
    '[]',
    '{"a":',
    '"text"',
    JSON.stringify({ ...NAME, pipeline_id: 3, pipeline_subscription_params: {} }),
    JSON.stringify(NAME),
    JSON.stringify({ ...NAME, pipeline_subscription_params: { every: 5 } }),
    JSON.stringify({ ...NAME, pipeline_subscription_params: ['x'] }),
    '['.repeat(100_000),
  ])('takes no subscription like %.40j', async (body) => {
    await serve();
    expect(await ask('POST', '/api/subscribe', body)).toMatchObject({ status: 400, body: { error_code: 'INVALID_ARGUMENT' } });
    expect(await ask('GET', '/api/health')).toMatchObject({ status: 204 });
  });

  test("says a refusal's words, and of a fault nothing but where to look", async () => {
    await serve({
      subscribe() {
        throw new Refusal('every must be a duration');
      },
      unsubscribe() {
        throw new Error('the key is hunter2');
      },
    });
    expect(await ask('POST', '/api/subscribe', { ...NAME, pipeline_subscription_params: {} })).toMatchObject({
      status: 400,
      body: { message: 'every must be a duration' },
    });
    const { status, body } = await ask('DELETE', '/api/subscribe', NAME);
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain('hunter2');
    expect(kit.logs).toMatchObject([
      { level: 'error', fields: { request_id: body?.['request_id'], error: new Error('the key is hunter2') } },
    ]);
    expect(await ask('POST', '/api/external-event', { headers: {}, body: [] })).toMatchObject({ status: 400 });
  });

  test('keeps the order of what concerns one subscription, and lets others pass', async () => {
    const seen: string[] = [];
    const first = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    await serve({
      async subscribe({ subscriptionId, params }) {
        seen.push(`${subscriptionId} ${params['n']} begins`);
        begun.resolve();
        if (params['n'] === '1' && subscriptionId === 'one') await first.promise;
        seen.push(`${subscriptionId} ${params['n']} ends`);
        if (params['n'] === '2') throw new Refusal('no');
      },
      unsubscribe: ({ subscriptionId }) => void seen.push(`${subscriptionId} gone`),
    });
    const subscribe = (id: string, n: string) =>
      ask('POST', '/api/subscribe', { ...NAME, pipeline_subscription_id: id, pipeline_subscription_params: { n } });
    const one = subscribe('one', '1');
    await begun.promise;
    const two = subscribe('one', '2');
    await subscribe('other', '1');
    expect(seen).toEqual(['one 1 begins', 'other 1 begins', 'other 1 ends']);
    first.resolve();
    expect([(await one).status, (await two).status]).toEqual([204, 400]);
    await ask('DELETE', '/api/subscribe', NAME);
    expect(seen.slice(3)).toEqual(['one 1 ends', 'one 2 begins', 'one 2 ends', 'one gone']);
  });

  test('reads no more of a body than it takes', async () => {
    await serve();
    expect(await ask('POST', '/api/subscribe', `"${'x'.repeat(5 * 1024 * 1024)}"`)).toMatchObject({ status: 413 });
    const { url, secret } = kit.extension;
    // Of unknown length, and endless.
    const endless = httpRequest(`${url}/api/subscribe`, { method: 'POST', headers: { authorization: `Bearer ${secret}` } });
    const answered = once(endless, 'response');
    endless.on('error', () => {});
    const writing = setInterval(() => endless.write(Buffer.alloc(1024 * 1024, 120)), 1);
    const [response] = await answered;
    clearInterval(writing);
    expect(response.statusCode).toBe(413);
    expect(await text(response)).toContain('PAYLOAD_TOO_LARGE');
    endless.destroy();
  });

  test('serves others while clients are slow, broken or malformed', async () => {
    await serve();
    const { url, secret } = kit.extension;
    const { port, hostname } = new URL(url);
    const head = `POST /api/subscribe HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${secret}\r\ncontent-length: 100\r\n\r\n{`;
    const beginnings = [head, 'GET /api/inf', 'nonsense\r\n\r\n', head];
    const sockets = beginnings.map((beginning) =>
      connect(Number(port), hostname).on('connect', function (this: Socket) {
        this.write(beginning);
      }),
    );
    for (const socket of sockets) socket.on('error', () => {});
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    sockets[3]?.destroy();
    for (let index = 0; index < 20; index += 1) expect(await ask('GET', '/api/health')).toMatchObject({ status: 204 });
    for (const socket of sockets) socket.destroy();
  });

  test('ends when it is asked to: what is under way is answered, then it says good-bye', async () => {
    const seen: string[] = [];
    const work = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    await serve({
      async subscribe() {
        begun.resolve();
        await work.promise;
        seen.push('subscribed');
      },
      shutdown: () => void seen.push('shutdown'),
    });
    const { url } = kit.extension;
    const subscribed = ask('POST', '/api/subscribe', { ...NAME, pipeline_subscription_params: {} });
    await begun.promise;
    expect(await ask('POST', '/api/shutdown')).toMatchObject({ status: 204 });
    expect(await ask('GET', '/api/health').catch(() => 'refused')).toBe('refused');
    work.resolve();
    expect(await subscribed).toMatchObject({ status: 204 });
    await kit.close();
    expect(seen).toEqual(['subscribed', 'shutdown']);
    await expect(fetch(`${url}/api/health`)).rejects.toThrow('fetch failed');
  });
});
