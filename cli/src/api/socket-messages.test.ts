/** Why a server has closed a stream, as the command is told it. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { ServerTrust } from './server-trust.ts';
import { openMessages } from './socket-messages.ts';

let server: WebSocketServer;
let url: URL;
beforeAll(async () => {
  server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  // It says at once what it is asked to say, as `?CODE-REASON`.
  server.on('connection', (socket, { url: target = '' }) => {
    const [, code, reason] = /\?(\d+)-(.*)$/u.exec(decodeURIComponent(target)) ?? [];
    socket.close(Number(code), reason);
  });
  await once(server, 'listening');
  url = new URL(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});
afterAll(() => server.close());

it.each([
  [1008, 'UNAUTHENTICATED: the token is disabled', { code: 'UNAUTHENTICATED', message: 'the token is disabled' }],
  [1008, 'PERMISSION_DENIED: not any more', { code: 'PERMISSION_DENIED', message: 'not any more' }],
  [1008, 'GONE: the log has expired', { code: 'FAILED_PRECONDITION', message: 'GONE: the log has expired' }],
  [1008, '', { code: 'FAILED_PRECONDITION', message: 'the server closed the stream (code 1008)' }],
  [1011, 'UNAUTHENTICATED: ', { code: 'UNAVAILABLE' }],
])('%i with %j', async (code, reason, expected) => {
  const signal = new AbortController().signal;
  const target = new URL(`?${code}-${encodeURIComponent(reason)}`, url);
  const messages = await openMessages({ url: target, headers: {}, protocol: undefined, signal, trust: new ServerTrust({ verify: true }) });
  await expect(messages[Symbol.asyncIterator]().next()).rejects.toMatchObject(expected);
});
