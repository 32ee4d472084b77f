/**
 * Opens the one file: made readable by its owner alone, known as ours, sound, and opened by the configured keys, in that order and
 * before anything is written to what was there. WAL with `synchronous=FULL`: what is committed survives the death of the machine.
 * `secure_delete`: what is deleted is overwritten in the file.
 */
import { chmodSync, closeSync, fsyncSync, openSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { GoferError } from '@gofer/contracts';
import SQLite from 'better-sqlite3';
import { makePrivateDirectory } from './private-directory.ts';
import { toFailure } from './sqlite-failure.ts';

export type Connection = SQLite.Database;

export interface SecretFile {
  /** Absolute. */
  readonly path: string;
  readonly connection: Connection;
  /** Of the file as it was opened: another one may come to stand at its path. */
  readonly inode: bigint;
}

/** Tells a file of ours from another program's (SQLite's file format, section 1.3): `GOFS`. */
const APPLICATION_ID = 0x47_4f_46_53;
const VERSION = 1;

/** How long another program may hold the file; the thread waits. */
const BUSY_MS = 2000;

/** A row of `secrets` is an encrypted value; `keys` are those that encrypt them, each known by a text encrypted under it. */
const SCHEMA = `
  CREATE TABLE keys (
    id      TEXT NOT NULL PRIMARY KEY,
    salt    BLOB NOT NULL,
    nonce   BLOB NOT NULL CHECK (length(nonce) = 12),
    sealed  BLOB NOT NULL,
    created INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE secrets (
    row    INTEGER PRIMARY KEY,
    name   TEXT NOT NULL UNIQUE,
    key_id TEXT NOT NULL REFERENCES keys (id),
    nonce  BLOB NOT NULL CHECK (length(nonce) = 12),
    sealed BLOB NOT NULL,
    UNIQUE (key_id, nonce)
  ) STRICT;
`;

/** `admit` reads a file that was there, or is new, and throws where it must not be used; what it gives comes back with the file. */
export function openSecretFile<Admitted>(
  configuredPath: string,
  admit: (connection: Connection, path: string) => Admitted,
): { readonly file: SecretFile; readonly admitted: Admitted } {
  const path = resolve(configuredPath);
  let connection: Connection | undefined;
  try {
    makePrivateDirectory(dirname(path));
    makePrivateFile(path);
    const size = statSync(path).size;
    const hasJournal = (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
    // A journal that a crash has left is written into the file by whoever may write and closes it: first see that it may be used at all.
    if (hasJournal) {
      connection = new SQLite(path, { readonly: true, timeout: BUSY_MS });
      if (!isNew(connection, path)) {
        assertSound(connection, path);
        admit(connection, path);
      }
      connection.close();
    }
    connection = new SQLite(path, { timeout: BUSY_MS });
    // Of the connection, not of the file: nothing is written by them.
    connection.pragma('synchronous = FULL');
    connection.pragma('secure_delete = ON');
    connection.pragma('foreign_keys = ON');
    connection.pragma('temp_store = MEMORY');
    connection.pragma('journal_size_limit = 4194304');
    if (isNew(connection, path)) createSchema(connection);
    else {
      if (!hasJournal) assertWhole(connection, path, size);
      assertSound(connection, path);
    }
    const admitted = admit(connection, path);
    connection.pragma('journal_mode = WAL');
    chmodSync(path, 0o600);
    return { file: { path, connection, inode: statSync(path, { bigint: true }).ino }, admitted };
  } catch (error) {
    connection?.close();
    throw toFailure(error, path);
  }
}

/** SQLite would make it readable by all, and gives the mode of the file to those beside it. */
function makePrivateFile(path: string): void {
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return;
  closeSync(openSync(path, 'a', 0o600));
  const directory = openSync(dirname(path), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function isNew(connection: Connection, path: string): boolean {
  const owner = Number(connection.pragma('application_id', { simple: true }));
  const version = Number(connection.pragma('user_version', { simple: true }));
  const tables = Number(connection.prepare('SELECT count(*) FROM sqlite_schema').pluck().get());
  if (owner === 0 && version === 0 && tables === 0) return true;
  if (owner !== APPLICATION_ID) {
    throw new GoferError('CONFIG_INVALID', `secret_store.sqlite.path: "${path}" is a database of another program. Name a file of its own.`);
  }
  if (version > VERSION) {
    throw new GoferError(
      'CONFIG_INVALID',
      `secret_store.sqlite.path: "${path}" has version ${version}; this release of Gofer knows up to ${VERSION}. Use the release that wrote it, or a newer one.`,
    );
  }
  return false;
}

function createSchema(connection: Connection): void {
  connection.pragma('journal_mode = WAL');
  connection
    .transaction(() => {
      connection.exec(SCHEMA);
      connection.pragma(`application_id = ${APPLICATION_ID}`);
      connection.pragma(`user_version = ${VERSION}`);
    })
    .immediate();
}

/** SQLite reads a last page that was cut as if it ended in zeros. */
function assertWhole(connection: Connection, path: string, size: number): void {
  const pages = Number(connection.pragma('page_count', { simple: true }));
  const expected = pages * Number(connection.pragma('page_size', { simple: true }));
  if (size < expected) throw damaged(path, `it has ${size} bytes of ${expected}`);
}

/** Damage is told at the start, not when the secret is needed. */
function assertSound(connection: Connection, path: string): void {
  const found = String(connection.pragma('quick_check(1)', { simple: true }));
  if (found !== 'ok') throw damaged(path, found);
}

function damaged(path: string, what: string): GoferError {
  return new GoferError('DATA_LOSS', `secret_store.sqlite.path: "${path}" is damaged (${what}). Restore it from a backup.`);
}
