import type { IncomingMessage } from 'node:http';
import { GoferError } from '@gofer/contracts';
import { tooSlow } from './slow-client.ts';

export interface BodyBounds {
  /** Bytes. */
  readonly size: number;
  /** Milliseconds from now to the end of the body. */
  readonly timeMs: number;
  readonly tooLarge: () => GoferError;
  /** Asked before each piece is kept; what it answers with refuses the body. */
  readonly refusal?: (bytes: number) => GoferError | undefined;
}

/**
 * The whole body. By events, not by iteration: this stands on the path of every run that is started. Rejects with `CANCELLED` where the client
 * goes away, with `DEADLINE_EXCEEDED` where it is too slow; nothing of what has come is kept then, and the rest is let go by.
 */
export function collectBody(request: IncomingMessage, { size: limit, timeMs, tooLarge, refusal }: BodyBounds): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  let chunks: Buffer[] = [];
  let size = 0;
  let isRefused = false;
  const refuse = (error: GoferError): void => {
    isRefused = true;
    chunks = [];
    reject(error);
  };
  const gone = (cause?: unknown) => refuse(new GoferError('CANCELLED', 'The client went away before its request was complete.', { cause }));
  if (request.destroyed) gone();
  request.on('data', (chunk: Buffer) => {
    if (isRefused) return;
    size += chunk.length;
    const reason = size > limit ? tooLarge() : refusal?.(chunk.length);
    if (reason === undefined) chunks.push(chunk);
    else refuse(reason);
  });
  request.once('end', () => resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)));
  request.once('error', gone);
  // Most bodies have come with their head: only the others cost a timer.
  if (request.complete || request.readableEnded) return promise;
  const timer = setTimeout(() => refuse(tooSlow(timeMs)), timeMs);
  return promise.finally(() => clearTimeout(timer));
}
