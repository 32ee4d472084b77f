/** What SQLite says, in the words of the contract. */
import { GoferError, isGoferError } from '@gofer/contracts';

export function sqliteCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return error.code.startsWith('SQLITE_') ? error.code : undefined;
}

/** SQLite cannot make sense of the file, or of a part of it. */
export function isDamage(error: unknown): boolean {
  const code = sqliteCode(error);
  return code !== undefined && (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB' || code === 'SQLITE_IOERR_SHORT_READ');
}

/** The shared memory beside the file has to grow too. */
const FULL = new Set(['SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE']);

/** `doing`: what failed, as in "write an object". An error of the contract stays what it is. */
export function asStoreError(error: unknown, doing: string, path: string): GoferError {
  if (isGoferError(error)) return error;
  const why = error instanceof Error ? error.message : String(error);
  if (isDamage(error)) {
    return new GoferError(
      'DATA_LOSS',
      `Could not ${doing}: the file "${path}" is damaged (${why}). Restore it from a backup, or move it away to begin with an empty one.`,
      { cause: error },
    );
  }
  if (FULL.has(sqliteCode(error) ?? '')) return storageFull(path, why, error);
  return new GoferError(
    'UNAVAILABLE',
    `Could not ${doing} in "${path}" (${why}). Look at the file, its disk and what this user may do there.`,
    {
      cause: error,
    },
  );
}

export function storageFull(path: string, why: string, cause?: unknown): GoferError {
  return new GoferError(
    'STORAGE_FULL',
    `There is no room for an object on the disk of "${path}" (${why}). Make room there, or delete objects.`,
    cause === undefined ? {} : { cause },
  );
}

export function notFound(key: string): GoferError {
  return new GoferError('NOT_FOUND', `No object is kept under the key "${key}".`);
}

export function alreadyExists(key: string): GoferError {
  return new GoferError('ALREADY_EXISTS', `An object is kept under the key "${key}" already.`);
}

export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw new GoferError('CANCELLED', 'The caller gave up.');
}
