import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { exchange } from './exchange.ts';

const SOON = { method: 'POST', headers: {}, timeoutMs: 10_000 };

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

async function serving(listener: RequestListener): Promise<{ readonly url: string; readonly connections: readonly Socket[] }> {
  const connections: Socket[] = [];
  server = createServer(listener).on('connection', (socket: Socket) => connections.push(socket));
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/path`, connections };
}

test('sends what it is given, and answers with what came back, whatever its status', async () => {
  const { url } = await serving((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const { method, headers } = request;
      response.writeHead(429, { 'retry-after': '7' });
      response.end(JSON.stringify([method, headers['x-given'], headers['content-length'], Buffer.concat(pieces).toString()]));
    });
  });
  const { status, retryAfter, body } = await exchange({ ...SOON, url, headers: { 'x-given': 'one' }, body: 'tränen' });
  expect([status, retryAfter, JSON.parse(body.toString())]).toEqual([429, '7', ['POST', 'one', '7', 'tränen']]);
});

test('uses a connection again', async () => {
  const { url, connections } = await serving((_, response) => response.end('x'));
  for (let request = 0; request < 3; request += 1) await exchange({ ...SOON, url });
  expect(connections).toHaveLength(1);
});

test('does not follow a redirect: whoever it leads to is not shown the token', async () => {
  const asked: unknown[] = [];
  const { url } = await serving((request, response) => {
    asked.push(request.url);
    response.writeHead(307, { location: '/other' }).end();
  });
  expect(await exchange({ ...SOON, url })).toMatchObject({ status: 307 });
  expect(asked).toEqual(['/path']);
});

test('rejects an answer that breaks off, and one that does not come in time', async () => {
  const { url } = await serving((_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('begun', () => response.destroy());
  });
  await expect(exchange({ ...SOON, url })).rejects.toMatchObject({ code: 'ECONNRESET' });
  server?.close();
  const silent = await serving(() => {});
  await expect(exchange({ ...SOON, url: silent.url, timeoutMs: 20 })).rejects.toThrow('no answer within 0.02 seconds');
  server?.close();
  const slow = await serving((_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('begun');
  });
  await expect(exchange({ ...SOON, url: slow.url, timeoutMs: 200 })).rejects.toThrow('no answer within 0.2 seconds');
});

test('ends with its signal, while it waits for the answer and while that comes', async () => {
  const abort = new AbortController();
  const { url } = await serving((_, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('begun', () => abort.abort());
  });
  await expect(exchange({ ...SOON, url, signal: abort.signal })).rejects.toMatchObject({ name: 'AbortError' });
  await expect(exchange({ ...SOON, url, signal: abort.signal })).rejects.toMatchObject({ name: 'AbortError' });
});
