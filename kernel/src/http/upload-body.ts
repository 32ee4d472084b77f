/** A request's body as a stream of bytes: read only as fast as it is taken, and given up where the client stops sending. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { GoferError } from '@gofer/contracts';
import { assertPlainEncoding } from './json-body.ts';
import { tooSlow } from './slow-client.ts';

export interface UploadBody {
  /** Bytes, where the client has announced them. */
  readonly size: number | undefined;
  /** Rejects with `CANCELLED` where the client went away before the end, with `DEADLINE_EXCEEDED` where it has stopped sending. */
  readonly pieces: AsyncIterable<Uint8Array>;
}

/** `idleMs`: how long the client may send nothing while it is waited for. Nothing is read, and the client not told to send, before it is asked. */
export function readUpload(request: IncomingMessage, response: ServerResponse, idleMs: number): UploadBody {
  assertPlainEncoding(request);
  const length = request.headers['content-length'];
  return { size: length === undefined ? undefined : Number(length), pieces: piecesOf(request, response, idleMs) };
}

async function* piecesOf(request: IncomingMessage, response: ServerResponse, idleMs: number): AsyncGenerator<Uint8Array> {
  if (request.headers.expect !== undefined) response.writeContinue();
  // The request is left to be answered, whatever becomes of its body.
  const source = request.iterator({ destroyOnReturn: false });
  try {
    for (;;) {
      const piece = await nextWithin(source, idleMs);
      if (piece.done === true) return;
      yield piece.value as Uint8Array;
    }
  } catch (error) {
    if (error instanceof GoferError) throw error;
    throw new GoferError('CANCELLED', 'The client went away before its request was complete.', { cause: error });
  }
}

async function nextWithin(source: AsyncIterator<unknown>, idleMs: number): Promise<IteratorResult<unknown>> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(tooSlow(idleMs)), idleMs);
  try {
    return await Promise.race([source.next(), late]);
  } finally {
    clearTimeout(timer);
  }
}
