import type { TaskHandle } from '@gofer/contracts';
import type SQLite from 'better-sqlite3';
import type { Connection } from './database.ts';

/** One start of an extension. Its log is kept under its uid. */
export interface ExtensionStartRecord {
  readonly uid: string;
  readonly extensionUid: string;
  /** The scheduler that runs it, or `builtin`. */
  readonly engine: string;
  /** Undefined before it is started, and once nothing of it is left but the log. */
  readonly handle: TaskHandle | undefined;
  /** Where the secret store has what is masked in its log; undefined once that is sealed. */
  readonly given: string | undefined;
  /** The same for what would be started in the same way. */
  readonly fingerprint: string;
  readonly created: number;
  /** 0 while it runs. */
  readonly ended: number;
}
interface StartRow {
  uid: string;
  extension_uid: string;
  engine: string;
  handle: string | null;
  given: string | null;
  fingerprint: string;
  created: number;
  ended: number;
}

/** Starts of extensions. Methods that change something belong inside a commit. */
export class ExtensionStartsTable {
  readonly #insert: SQLite.Statement<[string, string, string, string | null, string, number]>;
  readonly #setHandle: SQLite.Statement<[string | null, string]>;
  readonly #setEnded: SQLite.Statement<[number, string]>;
  readonly #clearGiven: SQLite.Statement<[string]>;
  readonly #find: SQLite.Statement<[string], StartRow>;
  readonly #listOf: SQLite.Statement<[string], StartRow>;
  readonly #unfinished: SQLite.Statement<[], StartRow>;
  readonly #orphans: SQLite.Statement<[], StartRow>;
  readonly #engines: SQLite.Statement<[], { engine: string }>;
  readonly #delete: SQLite.Statement<[string]>;

  constructor(connection: Connection) {
    this.#insert = connection.prepare(
      'INSERT INTO extension_starts (uid, extension_uid, engine, given, fingerprint, created) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#setHandle = connection.prepare('UPDATE extension_starts SET handle = ? WHERE uid = ?');
    this.#setEnded = connection.prepare('UPDATE extension_starts SET ended = ? WHERE uid = ? AND ended = 0');
    this.#clearGiven = connection.prepare('UPDATE extension_starts SET given = NULL WHERE uid = ?');
    this.#find = connection.prepare('SELECT * FROM extension_starts WHERE uid = ?');
    this.#listOf = connection.prepare('SELECT * FROM extension_starts WHERE extension_uid = ? ORDER BY created, uid');
    this.#unfinished = connection.prepare(
      'SELECT * FROM extension_starts WHERE ended = 0 OR handle IS NOT NULL OR given IS NOT NULL ORDER BY created, uid',
    );
    this.#orphans = connection.prepare(
      'SELECT * FROM extension_starts WHERE extension_uid NOT IN (SELECT uid FROM extensions) ORDER BY created, uid',
    );
    this.#engines = connection.prepare('SELECT DISTINCT engine FROM extension_starts WHERE handle IS NOT NULL ORDER BY engine');
    this.#delete = connection.prepare('DELETE FROM extension_starts WHERE uid = ?');
  }

  insert(start: Pick<ExtensionStartRecord, 'uid' | 'extensionUid' | 'engine' | 'given' | 'fingerprint' | 'created'>): void {
    this.#insert.run(start.uid, start.extensionUid, start.engine, start.given ?? null, start.fingerprint, start.created);
  }

  /** Undefined: nothing of it is left with its scheduler. */
  setHandle(uid: string, handle: TaskHandle | undefined): void {
    this.#setHandle.run(handle === undefined ? null : JSON.stringify(handle), uid);
  }

  /** What has ended stays ended when it did. */
  setEnded(uid: string, at: number): void {
    this.#setEnded.run(at, uid);
  }

  clearGiven(uid: string): void {
    this.#clearGiven.run(uid);
  }

  find(uid: string): ExtensionStartRecord | undefined {
    const row = this.#find.get(uid);
    return row === undefined ? undefined : toRecord(row);
  }

  /** Oldest first. */
  listOf(extensionUid: string): ExtensionStartRecord[] {
    return this.#listOf.all(extensionUid).map(toRecord);
  }

  /** Those that run, or of which more than a log is left; oldest first. */
  unfinished(): ExtensionStartRecord[] {
    return this.#unfinished.all().map(toRecord);
  }

  /** Those of extensions that are not installed any more. */
  orphans(): ExtensionStartRecord[] {
    return this.#orphans.all().map(toRecord);
  }

  /** Schedulers that may still have a task of an extension's. */
  enginesInUse(): string[] {
    return this.#engines.all().map(({ engine }) => engine);
  }

  delete(uid: string): void {
    this.#delete.run(uid);
  }
}

function toRecord(row: StartRow): ExtensionStartRecord {
  return {
    uid: row.uid,
    extensionUid: row.extension_uid,
    engine: row.engine,
    handle: row.handle === null ? undefined : JSON.parse(row.handle),
    given: row.given ?? undefined,
    fingerprint: row.fingerprint,
    created: row.created,
    ended: row.ended,
  };
}
