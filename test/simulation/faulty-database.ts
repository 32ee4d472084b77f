/** A real database file whose commits may fail, and may be the last thing that their server does. */
import SQLite from 'better-sqlite3';
import { type OpenDatabase, openDatabase } from '../../kernel/src/storage/database.ts';

export interface CommitFaults {
  /** Before what was written is committed; a server that is dead afterwards has written nothing. */
  before(): 'go on' | 'disk full' | 'dead';
  /** It is on the disk, and nobody has heard of it. */
  after(): 'go on' | 'dead';
}

/** What stands in the way of a dead server. */
export class ServerIsDead extends Error {
  override readonly name = 'ServerIsDead';
}

export function openFaultyDatabase(path: string, faults: CommitFaults): OpenDatabase {
  const database = openDatabase(path);
  const { connection } = database;
  // What a power failure would leave is not what is looked for here; a process's death leaves the same either way.
  connection.pragma('synchronous = OFF');
  const faulty = new Proxy(connection, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (property === 'prepare') return (sql: string) => (sql === 'COMMIT' ? faultyCommit(target, faults) : target.prepare(sql));
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { connection: faulty, close: () => database.close() };
}

function faultyCommit(connection: SQLite.Database, faults: CommitFaults): SQLite.Statement {
  const commit = connection.prepare('COMMIT');
  const run = (): SQLite.RunResult => {
    const fate = faults.before();
    if (fate === 'dead') throw new ServerIsDead('before its commit');
    if (fate === 'disk full') throw new SQLite.SqliteError('database or disk is full', 'SQLITE_FULL');
    const result = commit.run();
    if (faults.after() === 'dead') throw new ServerIsDead('after its commit');
    return result;
  };
  return new Proxy(commit, { get: (target, property) => (property === 'run' ? run : Reflect.get(target, property, target)) });
}
