import type SQLite from 'better-sqlite3';
import type { Connection } from './database.ts';

export type BodyStore = 'objects' | 'secrets';

/**
 * Keys of a store that nothing points to: written here before a body is put, and again before the last pointer to it goes, in the same
 * commit. So nothing that a store keeps is ever forgotten, whatever dies in between. Methods that change something belong inside a commit.
 */
export class LooseBodiesTable {
  readonly #after: SQLite.Statement<[string, string, number], { body: string }>;
  readonly #find: SQLite.Statement<[string, string], { body: string }>;
  readonly #insert: SQLite.Statement<[string, string]>;
  readonly #delete: SQLite.Statement<[string, string]>;

  constructor(connection: Connection) {
    this.#after = connection.prepare('SELECT body FROM loose_bodies WHERE store = ? AND body > ? ORDER BY body LIMIT ?');
    this.#find = connection.prepare('SELECT body FROM loose_bodies WHERE store = ? AND body = ?');
    this.#insert = connection.prepare('INSERT OR IGNORE INTO loose_bodies (store, body) VALUES (?, ?)');
    this.#delete = connection.prepare('DELETE FROM loose_bodies WHERE store = ? AND body = ?');
  }

  /** In the order of their keys, behind one of them. */
  after(store: BodyStore, body: string, limit: number): string[] {
    return this.#after.all(store, body, limit).map((row) => row.body);
  }

  has(store: BodyStore, body: string): boolean {
    return this.#find.get(store, body) !== undefined;
  }

  insert(store: BodyStore, body: string): void {
    this.#insert.run(store, body);
  }

  delete(store: BodyStore, body: string): void {
    this.#delete.run(store, body);
  }
}
