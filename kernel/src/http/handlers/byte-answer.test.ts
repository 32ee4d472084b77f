import { Readable } from 'node:stream';
import type { Context } from 'koa';
import { expect, it } from 'vitest';
import { answerBytes } from './byte-answer.ts';

it.each([
  ['before anything is sent', true],
  ['while the first bytes are fetched', false],
])('a source that has begun is left, also where the client goes %s', async (_, isThere) => {
  let left = false;
  const open = async function* () {
    try {
      for (;;) yield Buffer.from('piece');
    } finally {
      left = true;
    }
  };
  const context = { method: 'GET', res: { destroyed: !isThere }, get: () => '', set: () => undefined, body: undefined as unknown };
  await answerBytes(context as unknown as Context, { size: 1000, etag: undefined, mediaType: 'text/plain', what: 'object', open });
  const { body } = context;
  if (!(body instanceof Readable)) throw new Error('no stream was answered');
  if (isThere) body.destroy();
  await expect.poll(() => left).toBe(true);
});
