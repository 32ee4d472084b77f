/** A task's log as bytes over plain HTTP, with ranges (RFC 9110 §14) and, once it is sealed and never changes again, an entity tag. */
import { Readable } from 'node:stream';
import type { Context } from 'koa';
import type { LogService } from '../services/services.ts';
import { AnsweredError } from './error-answer.ts';
import { toTaskPath } from './json-handlers.ts';
import type { RawHandlers } from './route-request.ts';

type LogStat = Awaited<ReturnType<LogService['stat']>>;

export function createRawHandlers(logs: LogService): RawHandlers {
  return {
    get_logs_raw: async ({ path }, context) => {
      const task = toTaskPath(path);
      const stat = await logs.stat(task);
      const tag = stat.seal === undefined ? undefined : `"${stat.seal.sha256}"`;
      describe(context, stat, tag);
      if (tag !== undefined && matches(context.get('if-none-match'), tag)) {
        context.status = 304;
        return;
      }
      const range = rangeOf(context, stat.bytes, tag);
      if (context.method === 'HEAD') {
        context.status = 200;
        context.length = stat.bytes;
        return;
      }
      if (stat.bytes === 0) {
        context.status = 200;
        context.body = '';
        return;
      }
      const { size, start, end, stream } = await logs.raw(task, range);
      context.status = range === undefined ? 200 : 206;
      if (range !== undefined) context.set('content-range', `bytes ${start}-${end}/${size}`);
      context.body = stream instanceof Readable ? stream : Readable.from(stream, { objectMode: false });
      context.length = end - start + 1;
    },
  };
}

function describe(context: Context, stat: LogStat, tag: string | undefined): void {
  context.set('content-type', 'text/plain; charset=utf-8');
  context.set('accept-ranges', 'bytes');
  context.set('cache-control', tag === undefined ? 'no-store' : 'private, no-cache');
  context.set('gofer-log-complete', String(stat.seal?.complete ?? false));
  if (tag !== undefined) context.set('etag', tag);
}

function matches(header: string, tag: string): boolean {
  return header !== '' && header.split(',').some((each) => each.trim() === '*' || each.trim().replace(/^W\//, '') === tag);
}

/** Undefined: the whole. Several ranges, another unit and what is malformed are answered with the whole, as the RFC allows. */
function rangeOf(context: Context, size: number, tag: string | undefined): { start: number; end?: number } | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(context.get('range').trim());
  if (match === null || context.method === 'HEAD') return undefined;
  const condition = context.get('if-range');
  if (condition !== '' && condition !== tag) return undefined;
  const [, first = '', last = ''] = match;
  if (first === '' && last === '') return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? undefined : Number(last);
  if (end !== undefined && end < start) return undefined;
  if (start >= size) {
    throw new AnsweredError('INVALID_ARGUMENT', `The range begins behind the log's end: it has ${size} bytes now.`, {
      status: 416,
      headers: { 'content-range': `bytes */${size}` },
    });
  }
  return end === undefined ? { start } : { start, end };
}
