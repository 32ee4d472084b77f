/**
 * Opens the one SQLite file: locked against a second server, durable (WAL, `synchronous=FULL`), migrated. The lock is a second, empty
 * SQLite file held in an exclusive transaction: the operating system drops it with the process, however that ends, and backups and
 * inspections of the database itself stay possible.
 */
import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import { GoferError } from '@gofer/contracts';
import SQLite from 'better-sqlite3';
import { MIGRATIONS, type Migration } from './migrations.ts';
import { makePrivateDirectory } from './private-directory.ts';

export type Connection = SQLite.Database;

export interface OpenDatabase {
  readonly connection: Connection;
  close(): void;
}

function asStorageError(path: string, error: unknown): GoferError {
  const code = error instanceof SQLite.SqliteError ? error.code : undefined;
  const text = error instanceof Error ? error.message : String(error);
  if (code === 'SQLITE_NOTADB' || code === 'SQLITE_CORRUPT') {
    return new GoferError(
      'CONFIG_INVALID',
      `server.storage_path: "${path}" is not a usable database (${text}). Restore it from a backup, or move it away to begin with an empty one.`,
      { cause: error },
    );
  }
  return new GoferError('CONFIG_INVALID', `server.storage_path: cannot open "${path}": ${text}`, { cause: error });
}

/** Keeps servers away from a database until it is closed. Throws `LOCKED` while one runs. */
export function lockDatabase(path: string): { close(): void } {
  const file = `${path}.lock`;
  const holder = new SQLite(file, { timeout: 0 });
  try {
    // Whoever may read it could hold the lock as well.
    chmodSync(file, 0o600);
    holder.pragma('journal_mode = DELETE');
    holder.exec('BEGIN EXCLUSIVE');
    return holder;
  } catch (error) {
    holder.close();
    if (error instanceof SQLite.SqliteError && error.code.startsWith('SQLITE_BUSY')) {
      throw new GoferError(
        'LOCKED',
        `Another Gofer server is using "${path}". Stop it first, or give this one a server.storage_path of its own.`,
        { cause: error },
      );
    }
    throw error;
  }
}

/** Tells a database of ours from another program's (SQLite's file format, section 1.3): `GOFR`. */
export const APPLICATION_ID = 0x47_4f_46_52;

/** Brings a database to the newest version; refuses one from a newer release. */
export function migrate(connection: Connection, migrations: readonly Migration[] = MIGRATIONS): void {
  const owner = Number(connection.pragma('application_id', { simple: true }));
  const tables = Number(connection.prepare('SELECT count(*) FROM sqlite_schema').pluck().get());
  if (owner !== APPLICATION_ID && tables > 0) {
    throw new GoferError('CONFIG_INVALID', 'server.storage_path: the file is a database of another program. Name a file of its own.');
  }
  connection.pragma(`application_id = ${APPLICATION_ID}`);
  const current = Number(connection.pragma('user_version', { simple: true }));
  const newest = migrations.at(-1)?.version ?? 0;
  if (current > newest) {
    throw new GoferError(
      'CONFIG_INVALID',
      `The database has schema version ${current}; this release of Gofer knows up to ${newest}. Use the release that wrote it, or a newer one.`,
    );
  }
  for (const migration of migrations) {
    if (migration.version <= current) continue;
    connection.transaction(() => {
      connection.exec(migration.sql);
      connection.pragma(`user_version = ${migration.version}`);
    })();
  }
}

export function openDatabase(path: string): OpenDatabase {
  let holder: { close(): void } | undefined;
  let connection: Connection | undefined;
  try {
    makePrivateDirectory(dirname(path));
    holder = lockDatabase(path);
    const opened = new SQLite(path);
    connection = opened;
    chmodSync(path, 0o600);
    opened.pragma('journal_mode = WAL');
    opened.pragma('synchronous = FULL');
    opened.pragma('foreign_keys = ON');
    opened.pragma('temp_store = MEMORY');
    opened.pragma('journal_size_limit = 67108864');
    migrate(opened);
    const held = holder;
    return {
      connection: opened,
      close() {
        opened.close();
        held.close();
      },
    };
  } catch (error) {
    connection?.close();
    holder?.close();
    if (error instanceof GoferError) throw error;
    throw asStorageError(path, error);
  }
}
