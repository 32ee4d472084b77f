/**
 * One writer, one commit a tick: everything that is asked for in the same turn of the event loop is written in one transaction and
 * paid for with one fsync. A unit that throws is rolled back alone; a commit that fails fails all of its units. Nobody hears of a
 * change, and no event is published, before it is on the disk.
 */
import { GoferError } from '@gofer/contracts';
import SQLite from 'better-sqlite3';
import type { Connection } from './database.ts';

interface Unit {
  readonly work: () => unknown;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}
type Outcome = { unit: Unit; value: unknown } | { unit: Unit; error: unknown };

function asCommitError(error: unknown): unknown {
  if (error instanceof SQLite.SqliteError && error.code === 'SQLITE_FULL') {
    return new GoferError(
      'STORAGE_FULL',
      'The disk that holds server.storage_path is full: nothing was changed. Free some space and try again.',
      { cause: error },
    );
  }
  if (error instanceof SQLite.SqliteError && error.code.startsWith('SQLITE_IOERR')) {
    return new GoferError('UNAVAILABLE', `The database could not be written (${error.code}): nothing was changed.`, { cause: error });
  }
  return error;
}

export class Commits {
  readonly #connection: Connection;
  readonly #afterCommit: (() => void)[] = [];
  #units: Unit[] = [];
  #scheduled = false;
  #closed = false;
  readonly #begin: SQLite.Statement;
  readonly #commit: SQLite.Statement;
  readonly #rollback: SQLite.Statement;
  readonly #save: SQLite.Statement;
  readonly #release: SQLite.Statement;
  readonly #undo: SQLite.Statement;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#begin = connection.prepare('BEGIN IMMEDIATE');
    this.#commit = connection.prepare('COMMIT');
    this.#rollback = connection.prepare('ROLLBACK');
    this.#save = connection.prepare('SAVEPOINT unit');
    this.#release = connection.prepare('RELEASE unit');
    this.#undo = connection.prepare('ROLLBACK TO unit');
  }

  /** Calls `listener` after every commit that succeeded. Those who asked for the commit go on before those whom a listener wakes. */
  onCommit(listener: () => void): void {
    this.#afterCommit.push(listener);
  }

  /** Runs `work` (synchronous; it may read and write) in this tick's transaction; resolves with its result once that is durable. */
  commit<T>(work: () => T): Promise<T> {
    if (this.#closed) return Promise.reject(new GoferError('UNAVAILABLE', 'The server is stopping.'));
    return new Promise<T>((resolve, reject) => {
      this.#units.push({ work, resolve, reject });
      if (this.#scheduled) return;
      this.#scheduled = true;
      setImmediate(() => this.#flush());
    });
  }

  /** Commits what is waiting and takes nothing more. */
  close(): void {
    if (this.#units.length > 0) this.#flush();
    this.#closed = true;
  }

  #flush(): void {
    this.#scheduled = false;
    const units = this.#units;
    this.#units = [];
    if (units.length === 0) return;
    const outcomes: Outcome[] = [];
    try {
      this.#begin.run();
      for (const unit of units) outcomes.push(this.#perform(unit));
      this.#commit.run();
    } catch (error) {
      if (this.#connection.inTransaction) this.#rollback.run();
      const reason = asCommitError(error);
      for (const unit of units) unit.reject(reason);
      return;
    }
    for (const outcome of outcomes) {
      if ('error' in outcome) outcome.unit.reject(outcome.error);
      else outcome.unit.resolve(outcome.value as never);
    }
    for (const listener of this.#afterCommit) listener();
  }

  /** A full or failing disk ends the whole transaction, so it is not this unit's own error. */
  #perform(unit: Unit): Outcome {
    this.#save.run();
    try {
      const value = unit.work();
      this.#release.run();
      return { unit, value };
    } catch (error) {
      if (!this.#connection.inTransaction) throw error;
      this.#undo.run();
      this.#release.run();
      return { unit, error: asCommitError(error) };
    }
  }
}
