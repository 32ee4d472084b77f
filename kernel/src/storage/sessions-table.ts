import type SQLite from 'better-sqlite3';
import type { Connection } from './database.ts';

/** Sessions of browsers, each by the SHA-256 of what its cookie holds. Methods that change something belong inside a commit. */
export class SessionsTable {
  readonly #find: SQLite.Statement<[string], { token_id: string; expires: number }>;
  readonly #insert: SQLite.Statement<[string, string, number]>;
  readonly #delete: SQLite.Statement<[string]>;
  readonly #deleteExpired: SQLite.Statement<[number, number]>;

  constructor(connection: Connection) {
    this.#find = connection.prepare('SELECT token_id, expires FROM sessions WHERE hash = ?');
    this.#insert = connection.prepare('INSERT INTO sessions (hash, token_id, expires) VALUES (?, ?, ?)');
    this.#delete = connection.prepare('DELETE FROM sessions WHERE hash = ?');
    this.#deleteExpired = connection.prepare('DELETE FROM sessions WHERE hash IN (SELECT hash FROM sessions WHERE expires <= ? LIMIT ?)');
  }

  find(hash: string): { readonly tokenId: string; readonly expires: number } | undefined {
    const row = this.#find.get(hash);
    return row === undefined ? undefined : { tokenId: row.token_id, expires: row.expires };
  }

  insert(hash: string, tokenId: string, expires: number): void {
    this.#insert.run(hash, tokenId, expires);
  }

  delete(hash: string): void {
    this.#delete.run(hash);
  }

  /** At most `limit`; answers with their number. */
  deleteExpired(now: number, limit: number): number {
    return this.#deleteExpired.run(now, limit).changes;
  }
}
