import type SQLite from 'better-sqlite3';
import type { Connection } from './database.ts';

/** The owner of secrets that belong to no pipeline. */
export const GLOBAL = 'global';

/** What a key means now: a value in the secret store. Another value is another one there. */
export interface SecretRecord {
  readonly key: string;
  /** Under which key the secret store has it. */
  readonly value: string;
  /** Patterns of the namespaces that may use it; empty for a pipeline's own. */
  readonly namespaces: readonly string[];
  readonly created: number;
}
interface SecretRow {
  key: string;
  value: string;
  namespaces: string;
  created: number;
}

/** Secrets of pipelines (under their uid) and global ones. Methods that change something belong inside a commit. */
export class SecretsTable {
  readonly #list: SQLite.Statement<[string, number, number], SecretRow>;
  readonly #find: SQLite.Statement<[string, string], SecretRow>;
  readonly #put: SQLite.Statement<[string, string, string, string, number]>;
  readonly #delete: SQLite.Statement<[string, string], { value: string }>;
  readonly #take: SQLite.Statement<[string, string, number], { value: string }>;

  constructor(connection: Connection) {
    this.#list = connection.prepare('SELECT * FROM secrets WHERE owner = ? ORDER BY key LIMIT ? OFFSET ?');
    this.#find = connection.prepare('SELECT * FROM secrets WHERE owner = ? AND key = ?');
    this.#put = connection.prepare('INSERT OR REPLACE INTO secrets (owner, key, value, namespaces, created) VALUES (?, ?, ?, ?, ?)');
    this.#delete = connection.prepare('DELETE FROM secrets WHERE owner = ? AND key = ? RETURNING value');
    this.#take = connection.prepare(
      'DELETE FROM secrets WHERE owner = ? AND key IN (SELECT key FROM secrets WHERE owner = ? LIMIT ?) RETURNING value',
    );
  }

  /** By key; a limit of -1 is none. */
  list(owner: string, limit: number, offset: number): SecretRecord[] {
    return this.#list.all(owner, limit, offset).map(toRecord);
  }

  find(owner: string, key: string): SecretRecord | undefined {
    const row = this.#find.get(owner, key);
    return row === undefined ? undefined : toRecord(row);
  }

  put(owner: string, secret: SecretRecord): void {
    this.#put.run(owner, secret.key, secret.value, JSON.stringify(secret.namespaces), secret.created);
  }

  /** Answers with the value that nothing points to any more; undefined where there was none. */
  delete(owner: string, key: string): string | undefined {
    return this.#delete.get(owner, key)?.value;
  }

  /** Deletes at most `limit` of an owner's and answers with their values. */
  take(owner: string, limit: number): string[] {
    return this.#take.all(owner, owner, limit).map(({ value }) => value);
  }
}

function toRecord(row: SecretRow): SecretRecord {
  return { key: row.key, value: row.value, namespaces: JSON.parse(row.namespaces), created: row.created };
}
