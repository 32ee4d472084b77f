import type SQLite from 'better-sqlite3';
import type { Connection } from './database.ts';

/** What a key means now: a body in the object store. Other contents are another body. */
export interface ObjectRecord {
  readonly seq: number;
  readonly key: string;
  readonly body: string;
  /** Bytes. */
  readonly size: number;
  readonly created: number;
}

/** Objects of pipelines and of runs, under the uid of their owner. Methods that change something belong inside a commit. */
export class ObjectsTable {
  readonly #list: SQLite.Statement<[string, number, number], ObjectRecord>;
  readonly #find: SQLite.Statement<[string, string], ObjectRecord>;
  readonly #insert: SQLite.Statement<[string, string, string, number, number]>;
  readonly #delete: SQLite.Statement<[string, string], { body: string }>;
  readonly #beyond: SQLite.Statement<[string, number], ObjectRecord>;
  readonly #take: SQLite.Statement<[string, number], { body: string }>;

  constructor(connection: Connection) {
    this.#list = connection.prepare('SELECT * FROM objects WHERE owner_uid = ? ORDER BY seq LIMIT ? OFFSET ?');
    this.#find = connection.prepare('SELECT * FROM objects WHERE owner_uid = ? AND key = ?');
    this.#insert = connection.prepare('INSERT INTO objects (owner_uid, key, body, size, created) VALUES (?, ?, ?, ?, ?)');
    this.#delete = connection.prepare('DELETE FROM objects WHERE owner_uid = ? AND key = ? RETURNING body');
    this.#beyond = connection.prepare('SELECT * FROM objects WHERE owner_uid = ? ORDER BY seq DESC LIMIT -1 OFFSET ?');
    this.#take = connection.prepare(
      'DELETE FROM objects WHERE seq IN (SELECT seq FROM objects WHERE owner_uid = ? ORDER BY seq LIMIT ?) RETURNING body',
    );
  }

  /** Oldest first; a limit of -1 is none. */
  list(ownerUid: string, limit: number, offset: number): ObjectRecord[] {
    return this.#list.all(ownerUid, limit, offset);
  }

  find(ownerUid: string, key: string): ObjectRecord | undefined {
    return this.#find.get(ownerUid, key);
  }

  /** As the newest one. A key that is there must be deleted first. */
  insert(ownerUid: string, object: { key: string; body: string; size: number; created: number }): void {
    this.#insert.run(ownerUid, object.key, object.body, object.size, object.created);
  }

  /** Answers with the body that nothing points to any more; undefined where there was none. */
  delete(ownerUid: string, key: string): string | undefined {
    return this.#delete.get(ownerUid, key)?.body;
  }

  /** All but the newest `kept`. */
  beyond(ownerUid: string, kept: number): ObjectRecord[] {
    return this.#beyond.all(ownerUid, kept);
  }

  /** Deletes the oldest, at most `limit` of them, and answers with their bodies. */
  take(ownerUid: string, limit: number): string[] {
    return this.#take.all(ownerUid, limit).map(({ body }) => body);
  }
}
