/** What the file system says, in the words of the contract. */
import { type ErrorCode, GoferError, isGoferError } from '@gofer/contracts';

export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** There is no file of that name; a name above it may be a file. */
export function isMissing(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

export function isFull(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG';
}

/** `doing`: what failed, as in "write an object". `path`: the directory of the store. An error of the contract stays what it is. */
export function asStoreError(error: unknown, doing: string, path: string): GoferError {
  if (isGoferError(error)) return error;
  const why = error instanceof Error ? error.message : String(error);
  if (isFull(error)) {
    return new GoferError(
      'STORAGE_FULL',
      `There is no room in "${path}" to ${doing} (${why}). Make room on its disk, raise its quota, or delete objects.`,
      { cause: error },
    );
  }
  const codes: Readonly<Record<string, ErrorCode>> = { EIO: 'DATA_LOSS' };
  const code = codes[systemCode(error) ?? ''] ?? 'UNAVAILABLE';
  const cure = code === 'DATA_LOSS' ? 'Look at its disk.' : 'Look at the directory, its disk and what this user may do there.';
  return new GoferError(code, `Could not ${doing} in "${path}" (${why}). ${cure}`, { cause: error });
}

export function notFound(key: string): GoferError {
  return new GoferError('NOT_FOUND', `No object is kept under the key "${key}".`);
}

export function cancelled(): GoferError {
  return new GoferError('CANCELLED', 'The caller gave up.');
}
