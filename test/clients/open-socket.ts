/** A WebSocket with what came over it, and the plain answer where the server refuses the upgrade. */
import { WebSocket } from 'ws';

export interface Socket {
  readonly socket: WebSocket;
  /** Frames as text, in order. */
  readonly frames: string[];
  /** The bytes of all Binary frames so far. */
  readonly bytes: () => Buffer;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

export class RefusedUpgrade extends Error {
  readonly status: number;
  readonly code: unknown;
  readonly body: { readonly error_code?: string; readonly message?: string };

  constructor(status: number, text: string) {
    super(`refused with ${status}: ${text}`);
    this.status = status;
    this.body = JSON.parse(text);
    this.code = this.body.error_code;
  }
}

/** `ca`: the certificate authority (PEM) that alone is trusted. */
export function openSocket(
  url: string,
  protocols: readonly string[],
  headers: Readonly<Record<string, string>>,
  trust: { readonly ca?: string } = {},
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = new WebSocket(url, [...protocols], { headers, perMessageDeflate: false, ...trust });
  const frames: string[] = [];
  const closed = Promise.withResolvers<{ code: number; reason: string }>();
  const binary: Buffer[] = [];
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    frames.push(data.toString('utf8'));
    if (isBinary) binary.push(data);
  });
  socket.once('close', (code, reason) => closed.resolve({ code, reason: reason.toString('utf8') }));
  socket.once('open', () => resolve({ socket, frames, bytes: () => Buffer.concat(binary), closed: closed.promise }));
  // A connection that breaks closes with 1006, which `closed` tells.
  socket.on('error', reject);
  socket.once('unexpected-response', (_, response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.once('end', () => reject(new RefusedUpgrade(response.statusCode ?? 0, Buffer.concat(chunks).toString('utf8'))));
  });
  return promise;
}
