import { createHash, timingSafeEqual } from 'node:crypto';
import { RequestRefusal } from './request-refusal.ts';

/**
 * Tells the server from anybody else who reaches the port. Throws what v0's SDKs answer: 400 without a key, 401 with another one. How long
 * it takes says nothing of the key.
 */
export function createKeyCheck(secret: string): (authorization: string | undefined) => void {
  const expected = digest(secret);
  return (authorization) => {
    const key = /^Bearer ([\x21-\x7e]+)$/.exec(authorization ?? '')?.[1];
    if (key === undefined)
      throw new RequestRefusal(400, 'INVALID_ARGUMENT', 'The authorization header is missing or malformed: `Bearer KEY` is expected.');
    if (!timingSafeEqual(digest(key), expected))
      throw new RequestRefusal(401, 'UNAUTHENTICATED', 'The key is not the one that this extension was started with.');
  };
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
