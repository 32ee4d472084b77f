/** The statements about rows, prepared once. */
import type { Statement } from 'better-sqlite3';
import type { Sealed } from './cipher.ts';
import type { Connection } from './secret-file.ts';

export interface SecretRow extends Sealed {
  readonly name: string;
  readonly key_id: string;
}

export class RowStatements {
  readonly #has: Statement<[string]>;
  readonly #find: Statement<[string], SecretRow>;
  readonly #insert: Statement<[SecretRow]>;
  readonly #replace: Statement<[SecretRow]>;
  readonly #delete: Statement<[string]>;
  readonly #namesFrom: Statement<[string, number], string>;
  readonly #namesBehind: Statement<[string, number], string>;
  readonly #behind: Statement<[string, string, number], SecretRow>;
  readonly #count: Statement<[string], { readonly total: number; readonly others: number }>;

  constructor(connection: Connection) {
    this.#has = connection.prepare('SELECT 1 FROM secrets WHERE name = ?');
    this.#find = connection.prepare('SELECT name, key_id, nonce, sealed FROM secrets WHERE name = ?');
    this.#insert = connection.prepare('INSERT INTO secrets (name, key_id, nonce, sealed) VALUES (@name, @key_id, @nonce, @sealed)');
    this.#replace = connection.prepare('UPDATE secrets SET key_id = @key_id, nonce = @nonce, sealed = @sealed WHERE name = @name');
    this.#delete = connection.prepare('DELETE FROM secrets WHERE name = ?');
    this.#namesFrom = connection
      .prepare<[string, number], string>('SELECT name FROM secrets WHERE name >= ? ORDER BY name LIMIT ?')
      .pluck();
    this.#namesBehind = connection
      .prepare<[string, number], string>('SELECT name FROM secrets WHERE name > ? ORDER BY name LIMIT ?')
      .pluck();
    this.#behind = connection.prepare(
      'SELECT name, key_id, nonce, sealed FROM secrets WHERE name > ? AND key_id <> ? ORDER BY name LIMIT ?',
    );
    this.#count = connection.prepare('SELECT count(*) AS total, coalesce(sum(key_id <> ?), 0) AS others FROM secrets');
  }

  has(name: string): boolean {
    return this.#has.get(name) !== undefined;
  }

  find(name: string): SecretRow | undefined {
    return this.#find.get(name);
  }

  insert(row: SecretRow): void {
    this.#insert.run(row);
  }

  /** Does nothing where the name is not kept. */
  replace(row: SecretRow): void {
    this.#replace.run(row);
  }

  delete(name: string): void {
    this.#delete.run(name);
  }

  namesFrom(first: string, limit: number): readonly string[] {
    return this.#namesFrom.all(first, limit);
  }

  namesBehind(last: string, limit: number): readonly string[] {
    return this.#namesBehind.all(last, limit);
  }

  /** Rows of other keys than `keyId`, by name: at most `most`, and none more once `bytes` are read. */
  batchBehind(name: string, keyId: string, most: number, bytes: number): readonly SecretRow[] {
    const batch: SecretRow[] = [];
    let read = 0;
    for (const row of this.#behind.iterate(name, keyId, most)) {
      batch.push(row);
      read += row.sealed.byteLength;
      if (read >= bytes) break;
    }
    return batch;
  }

  count(keyId: string): { readonly total: number; readonly others: number } {
    return this.#count.get(keyId) ?? { total: 0, others: 0 };
  }
}
