import { GoferError } from '@gofer/contracts';
import { isObjectKey, OBJECT_KEY_RULE } from '@gofer/contracts/pipeline';

/** Throws `INVALID_ARGUMENT` on what cannot be the key of an object. */
export function checkObjectKey(key: string): void {
  if (isObjectKey(key) && key !== '.' && key !== '..') return;
  const size = Buffer.byteLength(key);
  const why = size > 32 ? `one of ${size} bytes` : `"${key}"`;
  throw new GoferError('INVALID_ARGUMENT', `the key of an object is ${OBJECT_KEY_RULE} and neither . nor .., not ${why}`);
}
