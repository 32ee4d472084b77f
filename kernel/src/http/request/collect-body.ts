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

/** So many pieces at most are kept one by one: a buffer takes hundreds of bytes beside what is in it, and a piece may have one. */
const LOOSE_PIECES = 1024;

/**
 * The whole body. By events, not by iteration: this stands on the path of every run that is started. Rejects with `CANCELLED` where the client
 * goes away, with `DEADLINE_EXCEEDED` where it is too slow; nothing of what has come is kept then, and the rest is let go by.
 */
export function collectBody(request: IncomingMessage, { size: limit, timeMs, tooLarge, refusal }: BodyBounds): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  let chunks: Buffer[] = [];
  let blocks: Buffer[] = [];
  let size = 0;
  let isRefused = false;
  const refuse = (error: GoferError): void => {
    isRefused = true;
    chunks = [];
    blocks = [];
    reject(error);
  };
  const gone = (cause?: unknown) => refuse(new GoferError('CANCELLED', 'The client went away before its request was complete.', { cause }));
  if (request.destroyed) gone();
  request.on('data', (chunk: Buffer) => {
    if (isRefused) return;
    size += chunk.length;
    const reason = size > limit ? tooLarge() : refusal?.(chunk.length);
    if (reason !== undefined) return refuse(reason);
    if (chunks.push(chunk) < LOOSE_PIECES) return;
    blocks.push(Buffer.concat(chunks));
    chunks = [];
  });
  request.once('end', () => {
    const pieces = [...blocks, ...chunks];
    resolve(pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces));
  });
  request.once('error', gone);
  // Most bodies have come with their head: only the others cost a timer.
  if (request.complete || request.readableEnded) return promise;
  const timer = setTimeout(() => refuse(tooSlow(timeMs)), timeMs);
  return promise.finally(() => clearTimeout(timer));
}
