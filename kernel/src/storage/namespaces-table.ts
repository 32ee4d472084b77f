import type { Namespace } from '@gofer/contracts/api';
import type SQLite from 'better-sqlite3';
import type { Connection } from './database.ts';

/** Methods that change something belong inside a commit (`Commits.commit`). */
export class NamespacesTable {
  readonly #list: SQLite.Statement<[number, number], Namespace>;
  readonly #find: SQLite.Statement<[string], Namespace>;
  readonly #insert: SQLite.Statement<[string, string, string, number]>;
  readonly #update: SQLite.Statement<[string, string, number, string]>;
  readonly #delete: SQLite.Statement<[string]>;

  constructor(connection: Connection) {
    this.#list = connection.prepare('SELECT * FROM namespaces ORDER BY created, id LIMIT ? OFFSET ?');
    this.#find = connection.prepare('SELECT * FROM namespaces WHERE id = ?');
    this.#insert = connection.prepare('INSERT INTO namespaces (id, name, description, created, modified) VALUES (?, ?, ?, ?, 0)');
    this.#update = connection.prepare('UPDATE namespaces SET name = ?, description = ?, modified = ? WHERE id = ?');
    this.#delete = connection.prepare('DELETE FROM namespaces WHERE id = ?');
  }

  /** Oldest first; a limit of -1 is none. */
  list(limit: number, offset: number): Namespace[] {
    return this.#list.all(limit, offset);
  }

  find(id: string): Namespace | undefined {
    return this.#find.get(id);
  }

  insert(namespace: { id: string; name: string; description: string }, now: number): void {
    this.#insert.run(namespace.id, namespace.name, namespace.description, now);
  }

  update(namespace: { id: string; name: string; description: string }, now: number): void {
    this.#update.run(namespace.name, namespace.description, now, namespace.id);
  }

  delete(id: string): boolean {
    return this.#delete.run(id).changes > 0;
  }
}
