import type SQLite from 'better-sqlite3';
import type { Connection } from './database.ts';

/** Extensions that are installed. Methods that change something belong inside a commit. */
export class ExtensionsTable {
  readonly #uidOf: SQLite.Statement<[string], { uid: string }>;

  constructor(connection: Connection) {
    this.#uidOf = connection.prepare('SELECT uid FROM extensions WHERE id = ?');
  }

  uidOf(id: string): string | undefined {
    return this.#uidOf.get(id)?.uid;
  }
}
