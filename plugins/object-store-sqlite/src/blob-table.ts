/**
 * The statements on the file. Each is a transaction of its own, so bodies that are written at the same time do not wait for each other.
 * Only the one that completes a body waits for the disk, which makes everything before it durable too.
 */
import { type Connection, LOG_BYTES } from './store-file.ts';

export interface KeptBlob {
  readonly id: number;
  readonly size: number;
  readonly chunkSize: number;
}

export interface ListedBlob {
  readonly key: string;
  readonly size: number;
}

/** Free room inside the file that stays there for the next bodies. */
const SPARE_BYTES = 16 * 1024 * 1024;
const VACUUM_BYTES = 4 * 1024 * 1024;
/** Behind every key that begins with what is before it: keys are ASCII. */
const LAST = '\u{10ffff}';

export class BlobTable {
  readonly #connection: Connection;
  readonly #pageBytes: number;
  readonly #statements: ReturnType<typeof prepare>;
  readonly #complete: (
    id: number | undefined,
    blob: ListedBlob & { writer: string; chunkSize: number },
    n: number,
    last: Uint8Array,
  ) => boolean;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#pageBytes = Number(connection.pragma('page_size', { simple: true }));
    this.#statements = prepare(connection);
    const { keep } = this.#statements;
    this.#complete = connection.transaction((id, { key, size, writer, chunkSize }, n, last) => {
      const blob = id ?? this.begin(key, writer, chunkSize);
      if (last.byteLength > 0) this.append(blob, n, last);
      return keep.run(size, blob).changes === 1;
    });
  }

  find(key: string): KeptBlob | undefined {
    return this.#statements.find.get(key) as KeptBlob | undefined;
  }

  isKept(id: number): boolean {
    return this.#statements.isKept.get(id) !== undefined;
  }

  chunk(id: number, n: number): Buffer | undefined {
    return this.#statements.chunk.get(id, n) as Buffer | undefined;
  }

  /** At most `limit` keys that begin with `prefix` and come after `after`. */
  page(prefix: string, after: string, limit: number): readonly ListedBlob[] {
    return this.#statements.page.all(prefix, after, `${prefix}${LAST}`, limit) as ListedBlob[];
  }

  /** Resolves with the id of a body that nobody sees yet. */
  begin(key: string, writer: string, chunkSize: number): number {
    return Number(this.#statements.begin.run(key, writer, chunkSize).lastInsertRowid);
  }

  append(id: number, n: number, bytes: Uint8Array): void {
    this.#statements.append.run(id, n, bytes);
  }

  /**
   * Appends what is left of a body (begun, or begun here) and lets it be seen, durably. False: another instance has taken it for a
   * leftover. Throws `SQLITE_CONSTRAINT_UNIQUE` where the key is kept.
   */
  complete(id: number | undefined, blob: ListedBlob & { writer: string; chunkSize: number }, n: number, last: Uint8Array): boolean {
    this.#connection.pragma('synchronous = FULL');
    try {
      return this.#complete(id, blob, n, last);
    } finally {
      this.#connection.pragma('synchronous = NORMAL');
    }
  }

  /** Nobody sees it from now on; `purgeSome` removes it. */
  forget(key: string): boolean {
    return this.#statements.forget.run(key).changes > 0;
  }

  /** As `forget`, for a body that is not complete. */
  abandon(id: number): void {
    this.#statements.abandon.run(id);
  }

  /** Removes a bounded part of what is deleted; false where there is none. The last chunks first: so the file can be cut off soonest. */
  purgeSome(): boolean {
    const { deleted, purge, remove } = this.#statements;
    const id = deleted.get() as number | undefined;
    if (id === undefined) return false;
    if (purge.run(id).changes === 0) remove.run(id);
    return true;
  }

  /** Gives a bounded part of the free room back to the disk; false where there is no more than is worth keeping. */
  vacuumSome(): boolean {
    const free = Number(this.#connection.pragma('freelist_count', { simple: true })) * this.#pageBytes;
    if (free <= SPARE_BYTES) return false;
    this.#connection.pragma(`incremental_vacuum(${Math.ceil(Math.min(VACUUM_BYTES, free - SPARE_BYTES) / this.#pageBytes)})`);
    return true;
  }

  /** Moves the write-ahead log into the file, which becomes shorter only by this. */
  checkpoint(): void {
    this.#connection.pragma('wal_checkpoint(PASSIVE)');
  }

  /** Throws where the file cannot be written. */
  tryOut(): void {
    this.#connection.exec('BEGIN IMMEDIATE; ROLLBACK');
  }

  close(): void {
    this.#connection.close();
  }
}

/** What has to be free on the disk before anything is added: the log grows, and is moved into the file, also to remove something. */
export const ROOM_BYTES = 2 * LOG_BYTES;

const PURGED_AT_ONCE = 16;

function prepare(connection: Connection) {
  return {
    find: connection.prepare(`SELECT id, size, chunk_size AS chunkSize FROM blobs WHERE key = ? AND state = 'kept'`),
    isKept: connection.prepare(`SELECT 1 FROM blobs WHERE id = ? AND state = 'kept'`),
    chunk: connection.prepare('SELECT bytes FROM chunks WHERE blob_id = ? AND n = ?').pluck(),
    page: connection.prepare(`SELECT key, size FROM blobs WHERE state = 'kept' AND key >= ? AND key > ? AND key < ? ORDER BY key LIMIT ?`),
    begin: connection.prepare(`INSERT INTO blobs (key, state, writer, size, chunk_size) VALUES (?, 'writing', ?, 0, ?)`),
    append: connection.prepare('INSERT INTO chunks (blob_id, n, bytes) VALUES (?, ?, ?)'),
    keep: connection.prepare(`UPDATE blobs SET state = 'kept', size = ? WHERE id = ? AND state = 'writing'`),
    forget: connection.prepare(`UPDATE blobs SET state = 'deleted' WHERE key = ? AND state = 'kept'`),
    abandon: connection.prepare(`UPDATE blobs SET state = 'deleted' WHERE id = ? AND state = 'writing'`),
    deleted: connection.prepare(`SELECT id FROM blobs WHERE state = 'deleted' LIMIT 1`).pluck(),
    purge: connection.prepare(
      `DELETE FROM chunks WHERE rowid IN (SELECT rowid FROM chunks WHERE blob_id = ? ORDER BY n DESC LIMIT ${PURGED_AT_ONCE})`,
    ),
    remove: connection.prepare(`DELETE FROM blobs WHERE id = ? AND state = 'deleted'`),
  };
}
