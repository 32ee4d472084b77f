import type { IncomingMessage } from 'node:http';
import type WebSocket from 'ws';
import { toAnswerError } from './answer-error.ts';
import { toConnectionError } from './http-exchange.ts';
import type { ServerTrust } from './server-trust.ts';

export interface SocketRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly protocol: string | undefined;
  /** Ends the connection, also once it is open. */
  readonly signal: AbortSignal;
  readonly trust: ServerTrust;
}

/**
 * Opens a WebSocket; `receive` is given it before anything can have come. Resolves with what `receive` made of it once it is open; rejects
 * with the server's error where it refuses, with `UNAVAILABLE` where it cannot be reached.
 */
export async function openSocket<Receiver>(
  { url, headers, protocol, signal, trust }: SocketRequest,
  largestFrame: number,
  receive: (socket: WebSocket) => Receiver,
): Promise<Receiver> {
  const { WebSocket: Socket } = await import('ws');
  signal.throwIfAborted();
  const socket = new Socket(url, protocol === undefined ? [] : [protocol], {
    headers,
    perMessageDeflate: false,
    maxPayload: largestFrame,
    handshakeTimeout: 30_000,
    ...(url.protocol === 'wss:' ? trust.socketOptions : {}),
  });
  // What is wrong arrives as the rejection of opening, or as the close that follows; unheard it would end the process.
  socket.on('error', () => undefined);
  const abort = (): void => socket.terminate();
  signal.addEventListener('abort', abort, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', abort));
  const receiver = receive(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', (error) => reject(toConnectionError(error, url)));
    socket.once('unexpected-response', (request: { destroy(): void }, answer: IncomingMessage) => {
      toAnswerError(answer, `WebSocket ${url.href}`)
        .then(reject, reject)
        .finally(() => request.destroy());
    });
  });
  return receiver;
}
