import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { exchange } from './exchange.ts';
import { createGoferApi } from './gofer-api.ts';
import { type Connection, pauseOf } from './gofer-request.ts';
import { createServerObjects } from './server-objects.ts';
import { VirtualClock } from './testing/index.ts';

const PIPELINE = { namespaceId: 'default', pipelineId: 'simple' };
const RUN = { run: { run_id: 7, state: 'pending', status: 'unknown', started: 5, ended: 0, status_reason: { description: 'because' } } };

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

/** Time that passes as soon as it is waited for. */
function hurriedClock(): VirtualClock {
  const clock = new VirtualClock(0);
  const at = clock.at.bind(clock);
  clock.at = (time, callback) => {
    const cancel = at(time, callback);
    setImmediate(() => void clock.advanceTo(time));
    return cancel;
  };
  return clock;
}

async function answering(listener: (request: IncomingMessage, response: ServerResponse) => void): Promise<Connection> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, token: 'secret', clock: hurriedClock(), exchange, WebSocket, random: () => 0.5 };
}

function answer(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

const refusal = (code: string) => ({ request_id: 'x', error_code: code, message: `It is ${code}.` });

describe('starting a run', () => {
  test('repeats the same request, by its key, until it is served', async () => {
    const asked: unknown[] = [];
    const statuses = [503, 500, 429, 0, 201];
    const connection = await answering((request, response) => {
      asked.push([
        request.method,
        request.url,
        request.headers['idempotency-key'],
        request.headers.authorization,
        request.headers['gofer-api-version'],
      ]);
      const status = statuses[asked.length - 1] ?? 0;
      if (status === 0) response.destroy();
      else answer(response, status, status === 201 ? RUN : refusal('UNAVAILABLE'), status === 429 ? { 'retry-after': '7' } : {});
    });
    expect(await createGoferApi(connection).startRun(PIPELINE, { idempotencyKey: 'once' })).toEqual({ runId: 7 });
    const one = ['POST', '/api/namespaces/default/pipelines/simple/runs', 'once', 'Bearer secret', 'v0'];
    expect(asked).toEqual([one, one, one, one, one]);
    expect(connection.clock.now()).toBeGreaterThanOrEqual(7000);
    expect(connection.clock.now()).toBeLessThan(12_000);
  });

  test.each([
    [400, 'INVALID_ARGUMENT'],
    [401, 'PERMISSION_DENIED'],
    [404, 'NOT_FOUND'],
    [409, 'FAILED_PRECONDITION'],
  ])('rejects at once with what is refused: %i', async (status, code) => {
    let asked = 0;
    const connection = await answering((_, response) => {
      asked += 1;
      answer(response, status, refusal(code));
    });
    await expect(createGoferApi(connection).startRun(PIPELINE, { idempotencyKey: 'once' })).rejects.toMatchObject({
      name: 'GoferRequestError',
      statusCode: status,
      errorCode: code,
      message: `It is ${code}.`,
    });
    expect(asked).toBe(1);
  });

  test('is patient for so long, and says what the last answer was', async () => {
    const connection = await answering((_, response) => answer(response, 503, refusal('UNAVAILABLE')));
    const started = createGoferApi(connection).startRun(PIPELINE, { idempotencyKey: 'once', patienceMs: 20_000 });
    await expect(started).rejects.toMatchObject({ statusCode: 503, errorCode: 'UNAVAILABLE' });
    expect(connection.clock.now()).toBeLessThanOrEqual(20_000);
    expect(connection.clock.now()).toBeGreaterThan(10_000);
  });

  test('says where nobody answers', async () => {
    const connection = await answering(() => {});
    await new Promise((resolve) => server?.close(resolve));
    await expect(createGoferApi(connection).startRun(PIPELINE, { idempotencyKey: 'once', patienceMs: 0 })).rejects.toMatchObject({
      statusCode: 0,
      errorCode: 'UNAVAILABLE',
      message: expect.stringContaining(connection.url),
    });
  });

  test('ends with its signal, also between two attempts', async () => {
    const abort = new AbortController();
    const connection = {
      ...(await answering((_, response) => answer(response, 503, refusal('UNAVAILABLE'), { 'retry-after': '30' }))),
      clock: new VirtualClock(0),
    };
    const started = createGoferApi(connection).startRun(PIPELINE, { idempotencyKey: 'once', signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), 20);
    await expect(started).rejects.toThrow('enough');
  });

  test.each(['', ' x', 'x ', 'ü', 'a\nb', 'x'.repeat(256)])('takes no key like %j, which a header cannot carry', async (idempotencyKey) => {
    const connection = await answering((_, response) => answer(response, 201, RUN));
    await expect(createGoferApi(connection).startRun(PIPELINE, { idempotencyKey })).rejects.toMatchObject({
      errorCode: 'INVALID_ARGUMENT',
    });
    expect(await createGoferApi(connection).startRun(PIPELINE, { idempotencyKey: 'x'.repeat(255) })).toEqual({ runId: 7 });
  });

  test('names stay within their part of the path', async () => {
    const paths: (string | undefined)[] = [];
    const connection = await answering((request, response) => {
      paths.push(request.url);
      answer(response, 200, RUN);
    });
    const api = createGoferApi(connection);
    await api.getRun({ namespaceId: 'a/../b?c', pipelineId: 'ü#' }, 1);
    expect(paths).toEqual(['/api/namespaces/a%2F..%2Fb%3Fc/pipelines/%C3%BC%23/runs/1']);
    await expect(api.getRun({ namespaceId: '..', pipelineId: 'x' }, 1)).rejects.toMatchObject({ errorCode: 'INVALID_ARGUMENT' });
  });

  test('what is no answer of Gofer is said', async () => {
    const connection = await answering(
      (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Proxy</h1>'),
    );
    await expect(createGoferApi(connection).getRun(PIPELINE, 1)).rejects.toThrow('<h1>Proxy</h1>');
  });
});

test('a run as it is told', async () => {
  const connection = await answering((_, response) => answer(response, 200, RUN));
  expect(await createGoferApi(connection).getRun(PIPELINE, 7)).toEqual({
    runId: 7,
    state: 'pending',
    status: 'unknown',
    reason: 'because',
    started: 5,
    ended: 0,
  });
});

test('a long wait is several requests', async () => {
  const waits: (string | null)[] = [];
  const connection = await answering((request, response) => {
    const wait = new URL(request.url ?? '', 'http://x').searchParams.get('wait');
    waits.push(wait);
    void (connection.clock as VirtualClock).advance(Number(wait) * 1000).then(() => answer(response, 200, RUN));
  });
  await createGoferApi(connection).getRun(PIPELINE, 7, { waitSeconds: 600 });
  expect(waits).toEqual(['240', '240', '120']);
});

test('objects: what is missing is undefined, and only that', async () => {
  const connection = await answering((request, response) => {
    if (request.url === '/api/extensions/cron/objects/none') answer(response, 404, refusal('NOT_FOUND'));
    else if (request.url === '/api/extensions/cron/objects/a%2Fb') response.writeHead(200).end('bytes');
    else if (request.url === '/api/extensions/cron/objects') answer(response, 200, { objects: [{ key: 'a/b', created: 1 }] });
    else answer(response, 401, refusal('PERMISSION_DENIED'));
  });
  const objects = createServerObjects(connection, 'cron');
  expect(await objects.get('none')).toBeUndefined();
  expect(Buffer.from((await objects.get('a/b')) ?? []).toString()).toBe('bytes');
  expect(await objects.list()).toEqual(['a/b']);
  await expect(objects.get('other')).rejects.toMatchObject({ errorCode: 'PERMISSION_DENIED' });
  await expect(objects.get('..')).rejects.toMatchObject({ errorCode: 'INVALID_ARGUMENT' });
});

test('pauses grow, stay within ten seconds, and differ', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
      const pause = pauseOf(attempt, () => random);
      expect(pause).toBeGreaterThanOrEqual(125);
      expect(pause).toBeLessThanOrEqual(10_000);
      expect(pauseOf(attempt + 1, () => random)).toBeGreaterThanOrEqual(pause);
    }),
  );
  expect(pauseOf(5, () => 0)).toBeLessThan(pauseOf(5, () => 0.9));
});
