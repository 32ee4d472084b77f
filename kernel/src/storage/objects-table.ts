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
  readonly #isUsed: SQLite.Statement<[string], { seq: number }>;
  readonly #copy: SQLite.Statement<[string, string]>;
  readonly #take: SQLite.Statement<[string, number], { body: string }>;

  constructor(connection: Connection) {
    this.#list = connection.prepare('SELECT * FROM objects WHERE owner_uid = ? ORDER BY seq LIMIT ? OFFSET ?');
    this.#find = connection.prepare('SELECT * FROM objects WHERE owner_uid = ? AND key = ?');
    this.#insert = connection.prepare('INSERT INTO objects (owner_uid, key, body, size, created) VALUES (?, ?, ?, ?, ?)');
    this.#delete = connection.prepare('DELETE FROM objects WHERE owner_uid = ? AND key = ? RETURNING body');
    this.#beyond = connection.prepare('SELECT * FROM objects WHERE owner_uid = ? ORDER BY seq DESC LIMIT -1 OFFSET ?');
    this.#isUsed = connection.prepare('SELECT seq FROM objects WHERE body = ? LIMIT 1');
    this.#copy = connection.prepare(
      'INSERT INTO objects (owner_uid, key, body, size, created) SELECT ?, key, body, size, created FROM objects WHERE owner_uid = ? ORDER BY seq',
    );
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

  /** Answers with the body that nothing points to any more; undefined where there is none. */
  delete(ownerUid: string, key: string): string | undefined {
    const body = this.#delete.get(ownerUid, key)?.body;
    return body === undefined || this.#isUsed.get(body) !== undefined ? undefined : body;
  }

  /** What one owner has, another one has too: the same bodies. */
  copy(fromUid: string, toUid: string): void {
    this.#copy.run(toUid, fromUid);
  }

  /** All but the newest `kept`. */
  beyond(ownerUid: string, kept: number): ObjectRecord[] {
    return this.#beyond.all(ownerUid, kept);
  }

  /** Deletes the oldest, at most `limit` of them; `loose` are the bodies that nothing points to any more. */
  take(ownerUid: string, limit: number): { readonly deleted: number; readonly loose: readonly string[] } {
    const taken = this.#take.all(ownerUid, limit);
    return { deleted: taken.length, loose: taken.map(({ body }) => body).filter((body) => this.#isUsed.get(body) === undefined) };
  }
}
