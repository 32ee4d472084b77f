/** What went wrong with the file, with a code. SQLite's own errors hold names of tables and numbers, never a row's content. */
import { GoferError, isGoferError } from '@gofer/contracts';
import SQLite from 'better-sqlite3';

/** True where there was no room for what SQLite had to write. */
export function isFull(error: unknown): boolean {
  // The index of the WAL is a file of its own, made at its full size: where there is no room SQLite calls that an I/O error.
  return error instanceof SQLite.SqliteError && (error.code === 'SQLITE_FULL' || error.code === 'SQLITE_IOERR_SHMSIZE');
}

export function toFailure(error: unknown, path: string): Error {
  if (isGoferError(error)) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const text = error instanceof Error ? error.message : String(error);
  if (isFull(error) || code === 'ENOSPC' || code === 'EDQUOT')
    return new GoferError('STORAGE_FULL', `there is no room for secrets beside "${path}": free some space there (${text})`, {
      cause: error,
    });
  // SQLITE_ERROR: a table that every file of ours has is not there.
  if (/^SQLITE_(NOTADB|CORRUPT|ERROR)/.test(code)) {
    const remedy = 'Restore it from a backup, or move it away to begin with an empty one.';
    return new GoferError('DATA_LOSS', `secret_store.sqlite.path: "${path}" is damaged, or no database (${text}). ${remedy}`, {
      cause: error,
    });
  }
  if (/^SQLITE_(BUSY|LOCKED)/.test(code))
    return new GoferError('UNAVAILABLE', `"${path}" is held by another program (${text}); try again when it is done`, { cause: error });
  if (/^(SQLITE_(CANTOPEN|READONLY|PERM|AUTH)|E[A-Z]+$)/.test(code)) {
    const remedy = 'Set it to a file that this user may read and write.';
    return new GoferError('CONFIG_INVALID', `secret_store.sqlite.path: "${path}" cannot be used (${text}). ${remedy}`, { cause: error });
  }
  if (code.startsWith('SQLITE_IOERR'))
    return new GoferError('UNAVAILABLE', `"${path}" cannot be read or written (${text}): look at its disk`, { cause: error });
  return error instanceof Error ? error : new GoferError('INTERNAL', text);
}
