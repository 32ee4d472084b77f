/**
 * The database as one moment had it, for backups and what reads them: made beside a server that goes on writing, which neither waits
 * nor notices, and read without changing anything.
 */
import { closeSync, fsyncSync, openSync, statSync } from 'node:fs';
import { GoferError } from '@gofer/contracts';
import type { LogSummary } from '@gofer/contracts/api';
import SQLite from 'better-sqlite3';
import { APPLICATION_ID, type Connection } from './database.ts';
import { MIGRATIONS } from './migrations.ts';

export interface SnapshotLog {
  /** Of an attempt, or of a start of an extension. */
  readonly uid: string;
  /** Present once an attempt has ended with its log sealed; that of an extension's start is known to the log alone. */
  readonly seal: LogSummary | undefined;
  /** Nothing is written to it any more. */
  readonly isFinished: boolean;
  /** It may be in several segments. */
  readonly isCut: boolean;
}

/** Opens a database for reading alone. Throws `NOT_FOUND`, and `CONFIG_INVALID` for one that is not of this release's schema. */
export function openForReading(path: string): Connection {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) throw new GoferError('NOT_FOUND', `There is no database at "${path}".`);
  const connection = new SQLite(path, { readonly: true });
  try {
    const version = Number(connection.pragma('user_version', { simple: true }));
    const newest = MIGRATIONS.at(-1)?.version ?? 0;
    if (connection.pragma('application_id', { simple: true }) !== APPLICATION_ID)
      throw new GoferError('CONFIG_INVALID', `"${path}" is no database of Gofer.`);
    if (version !== newest)
      throw new GoferError(
        'CONFIG_INVALID',
        `"${path}" has schema version ${version}, and this release of Gofer has ${newest}. Use the release that wrote it, or, where it is older, start a server of this release on it first.`,
      );
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** Writes what the database holds now into a file that is not there yet, through to the disk, for its owner alone. */
export function writeSnapshot(from: string, to: string): void {
  const connection = openForReading(from);
  try {
    // SQLite takes an empty file that is there, and gives one that it makes to everybody.
    closeSync(openSync(to, 'wx', 0o600));
    connection.prepare('VACUUM INTO ?').run(to);
    // It leaves that to its caller: https://www.sqlite.org/lang_vacuum.html
    const file = openSync(to, 'r+');
    fsyncSync(file);
    closeSync(file);
  } finally {
    connection.close();
  }
}

/** What a database points to in the stores and among the logs. */
export class Snapshot {
  readonly instanceId: string;
  readonly schemaVersion: number;
  readonly #connection: Connection;

  constructor(path: string) {
    this.#connection = openForReading(path);
    this.schemaVersion = Number(this.#connection.pragma('user_version', { simple: true }));
    this.instanceId = String(this.#connection.prepare('SELECT instance_id FROM system').pluck().get());
  }

  /** Body → bytes. */
  objects(): Map<string, number> {
    const rows = this.#connection.prepare<[], { body: string; size: number }>('SELECT body, size FROM objects').all();
    return new Map(rows.map(({ body, size }) => [body, size]));
  }

  /** Keys of the secret store: of secrets, of registries' passwords, of what extensions have, and of what is masked in logs that are written. */
  secrets(): Set<string> {
    const pointers = this.#connection
      .prepare<[], string>(
        `SELECT value FROM secrets UNION SELECT credentials FROM pipeline_configs WHERE credentials IS NOT NULL
         UNION SELECT given FROM attempts WHERE given IS NOT NULL
         UNION SELECT key FROM extensions UNION SELECT sealed FROM extensions WHERE sealed IS NOT NULL
         UNION SELECT given FROM extension_starts WHERE given IS NOT NULL`,
      )
      .pluck()
      .all();
    return new Set(pointers.flatMap((pointer) => pointer.split(' ')));
  }

  /** Of every attempt whose log was not removed, and of every start of an extension. */
  logs(): SnapshotLog[] {
    const rows = this.#connection
      .prepare<[], { uid: string; log: string | null; isFinished: number; isCut: number }>(
        `SELECT uid, log, log IS NOT NULL AS isFinished, 0 AS isCut FROM attempts WHERE logs_removed = 0
         UNION ALL SELECT uid, NULL, ended > 0 AND handle IS NULL AND given IS NULL, 1 FROM extension_starts`,
      )
      .all();
    return rows.map(({ uid, log, isFinished, isCut }) => ({
      uid,
      seal: log === null ? undefined : (JSON.parse(log) as LogSummary),
      isFinished: isFinished === 1,
      isCut: isCut === 1,
    }));
  }

  /** Bodies that nothing points to and that the server knows to remove. */
  loose(store: 'objects' | 'secrets'): Set<string> {
    return new Set(this.#connection.prepare<[string], string>('SELECT body FROM loose_bodies WHERE store = ?').pluck().all(store));
  }

  /** Rows of the tables that people think in. */
  counts(): Record<string, number> {
    const count = (table: string): number => Number(this.#connection.prepare(`SELECT count(*) FROM ${table}`).pluck().get());
    const tables = ['namespaces', 'pipelines', 'runs', 'attempts', 'objects', 'secrets', 'extensions', 'subscriptions', 'deliveries'];
    return Object.fromEntries(tables.map((table) => [table, count(table)]));
  }

  close(): void {
    this.#connection.close();
  }
}
