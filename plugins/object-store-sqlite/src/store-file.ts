/** The file of the objects: made where it is missing, checked to be ours, brought to the newest version. */
import { closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { GoferError, isGoferError } from '@gofer/contracts';
import SQLite from 'better-sqlite3';
import { isDamage } from './store-error.ts';

export type Connection = SQLite.Database;

/** Tells a file of ours from another program's (SQLite's file format, section 1.3): `GOFO`. */
const APPLICATION_ID = 0x47_4f_46_4f;

/** Large bodies are written a third faster than with 4 KiB, and small ones do not write much more than they hold. */
const PAGE_BYTES = 16 * 1024;
/** Of the write-ahead log, before it is moved into the file: what a commit waits for in the worst case, and what a full disk must allow. */
export const LOG_BYTES = 16 * 1024 * 1024;
const CACHE_KIB = 8 * 1024;
/** How long to wait for another server that writes to the same file. */
const BUSY_TIMEOUT_MS = 10_000;

/** The version is the number of migrations that a file has seen. */
const MIGRATIONS = [
  `CREATE TABLE blobs (
     id INTEGER PRIMARY KEY AUTOINCREMENT,
     key TEXT NOT NULL,
     -- writing: not whole, nobody sees it; kept: whole; deleted: nobody sees it, and its chunks are being removed
     state TEXT NOT NULL CHECK (state IN ('writing', 'kept', 'deleted')),
     -- the instance that wrote it: what it left unfinished is its own to remove
     writer TEXT NOT NULL,
     size INTEGER NOT NULL,
     chunk_size INTEGER NOT NULL
   ) STRICT;
   CREATE UNIQUE INDEX blobs_kept ON blobs (key) WHERE state = 'kept';
   CREATE INDEX blobs_not_kept ON blobs (state, writer) WHERE state <> 'kept';
   CREATE TABLE chunks (
     blob_id INTEGER NOT NULL REFERENCES blobs (id),
     n INTEGER NOT NULL,
     bytes BLOB NOT NULL,
     PRIMARY KEY (blob_id, n)
   ) STRICT;`,
] as const;

/** Opens the file. Throws `CONFIG_INVALID` where it cannot be used, and `DATA_LOSS` where it is damaged. */
export function openStoreFile(path: string): Connection {
  let connection: Connection | undefined;
  try {
    const made = makeFile(path);
    connection = new SQLite(path, { timeout: BUSY_TIMEOUT_MS });
    if (made) {
      connection.pragma(`page_size = ${PAGE_BYTES}`);
      connection.pragma('auto_vacuum = INCREMENTAL');
    }
    connection.pragma('journal_mode = WAL');
    // A commit that completes a body asks for more: see `BlobTable`.
    connection.pragma('synchronous = NORMAL');
    connection.pragma('foreign_keys = ON');
    connection.pragma(`cache_size = -${CACHE_KIB}`);
    connection.pragma(`wal_autocheckpoint = ${LOG_BYTES / Number(connection.pragma('page_size', { simple: true }))}`);
    connection.pragma(`journal_size_limit = ${LOG_BYTES}`);
    migrate(connection);
    return connection;
  } catch (error) {
    connection?.close();
    if (isGoferError(error)) throw error;
    const why = error instanceof Error ? error.message : String(error);
    if (isDamage(error)) {
      throw new GoferError(
        'DATA_LOSS',
        `object_store.sqlite.path: "${path}" is not a usable database (${why}). Restore it from a backup, or move it away to begin with an empty one.`,
        { cause: error },
      );
    }
    throw new GoferError(
      'CONFIG_INVALID',
      `object_store.sqlite.path: cannot open "${path}" (${why}). Name a file in a directory that this user may write.`,
      { cause: error },
    );
  }
}

/**
 * Checks the file, and marks what this server's last instance left unfinished as deleted. `purge`: something is to be removed. Quick,
 * whatever the file holds.
 */
export function prepareStoreFile(path: string, instanceId: string): { readonly purge: boolean } {
  const connection = openStoreFile(path);
  try {
    connection.prepare(`UPDATE blobs SET state = 'deleted' WHERE state = 'writing' AND writer = ?`).run(instanceId);
    return { purge: connection.prepare(`SELECT 1 FROM blobs WHERE state = 'deleted' LIMIT 1`).get() !== undefined };
  } finally {
    connection.close();
  }
}

/** True: it was not there, or empty. */
function makeFile(path: string): boolean {
  makeDirectory(dirname(path));
  closeSync(openSync(path, 'a', 0o600));
  if (statSync(path).size > 0) return false;
  const directory = openSync(dirname(path), 'r');
  fsyncSync(directory);
  closeSync(directory);
  return true;
}

/** Level by level, since `recursive` goes round for ever where a parent exists and answers ENOENT all the same, as under /proc. */
function makeDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const parent = dirname(path);
  if (parent !== path) makeDirectory(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
  }
}

function migrate(connection: Connection): void {
  const owner = Number(connection.pragma('application_id', { simple: true }));
  const tables = Number(connection.prepare('SELECT count(*) FROM sqlite_schema').pluck().get());
  if (owner !== APPLICATION_ID && (owner !== 0 || tables > 0)) {
    throw new GoferError(
      'CONFIG_INVALID',
      `object_store.sqlite.path: "${connection.name}" is a database of another program. Name a file of its own.`,
    );
  }
  const version = (): number => Number(connection.pragma('user_version', { simple: true }));
  if (version() > MIGRATIONS.length) {
    throw new GoferError(
      'CONFIG_INVALID',
      `object_store.sqlite.path: "${connection.name}" has version ${version()}; this release of Gofer knows up to ${MIGRATIONS.length}. Use the release that wrote it, or a newer one.`,
    );
  }
  if (version() === MIGRATIONS.length) return;
  // Immediate, and looked at again inside: another server may do the same.
  const bring = connection.transaction(() => {
    for (const migration of MIGRATIONS.slice(version())) connection.exec(migration);
    connection.pragma(`application_id = ${APPLICATION_ID}`);
    connection.pragma(`user_version = ${MIGRATIONS.length}`);
  });
  bring.immediate();
}
