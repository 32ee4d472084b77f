/** Bytes over plain HTTP: with one range (RFC 9110 §14), conditions on an entity tag (§13) and, for HEAD, the size alone. */
import { Readable } from 'node:stream';
import type { Context } from 'koa';
import { AnsweredError } from '../error-answer.ts';

export interface ByteAnswer {
  /** Bytes of the whole, as they are now. */
  readonly size: number;
  /** Absent where the bytes may still change. */
  readonly etag: string | undefined;
  readonly mediaType: string;
  /** What they are, in the error of a range behind their end: `log`. */
  readonly what: string;
  /** `range` is within the bytes, both ends included; absent: all of them. Called once at most, and not for 0 bytes. */
  readonly open: (range: { start: number; end: number } | undefined) => Promise<AsyncIterable<Uint8Array>> | AsyncIterable<Uint8Array>;
}

/** So much is read ahead of what the client takes: reading and sending go on side by side. */
const AHEAD_BYTES = 2 * 1024 * 1024;

export async function answerBytes(context: Context, { size, etag, mediaType, what, open }: ByteAnswer): Promise<void> {
  context.set('content-type', mediaType);
  context.set('accept-ranges', 'bytes');
  context.set('cache-control', etag === undefined ? 'no-store' : 'private, no-cache');
  if (etag !== undefined) context.set('etag', etag);
  if (etag !== undefined && matches(context.get('if-none-match'), etag)) {
    context.status = 304;
    return;
  }
  const range = rangeOf(context, size, etag, what);
  if (context.method === 'HEAD' || size === 0) {
    context.status = 200;
    if (context.method === 'HEAD') context.length = size;
    else context.body = '';
    return;
  }
  const stream = await open(range);
  // What cannot be read at all is still answered as an error.
  const body = stream instanceof Readable ? stream : Readable.from(await begun(stream), { objectMode: false, highWaterMark: AHEAD_BYTES });
  // Nobody reads, or ends, the answer to a client that has gone meanwhile.
  if (context.res.destroyed) body.destroy();
  context.status = range === undefined ? 200 : 206;
  if (range !== undefined) context.set('content-range', `bytes ${range.start}-${range.end}/${size}`);
  context.body = body;
  context.length = range === undefined ? size : range.end - range.start + 1;
}

/** The same bytes, once the first of them are there. Not by a generator: one that was never asked would leave nothing when it is left. */
async function begun(stream: AsyncIterable<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const source = stream[Symbol.asyncIterator]();
  let first: IteratorResult<Uint8Array> | undefined = await source.next();
  const rest: AsyncIterator<Uint8Array> = {
    next() {
      const result = first === undefined ? source.next() : Promise.resolve(first);
      first = undefined;
      return result;
    },
    return: async () => (await source.return?.()) ?? { done: true, value: undefined },
  };
  return { [Symbol.asyncIterator]: () => rest };
}

function matches(header: string, tag: string): boolean {
  return header !== '' && header.split(',').some((each) => each.trim() === '*' || each.trim().replace(/^W\//, '') === tag);
}

/** Undefined: the whole. Several ranges, another unit and what is malformed are answered with the whole, as the RFC allows. */
function rangeOf(context: Context, size: number, tag: string | undefined, what: string): { start: number; end: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(context.get('range').trim());
  if (match === null || context.method === 'HEAD') return undefined;
  const condition = context.get('if-range');
  if (condition !== '' && condition !== tag) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (first !== '' && last !== '' && Number(last) < start) return undefined;
  if (start >= size) {
    throw new AnsweredError('INVALID_ARGUMENT', `The range begins behind the ${what}'s end: it has ${size} bytes now.`, {
      status: 416,
      headers: { 'content-range': `bytes */${size}` },
    });
  }
  return { start, end };
}
