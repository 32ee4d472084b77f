import type { PipelineMetadata } from '@gofer/contracts/api';
import type SQLite from 'better-sqlite3';
import type { Connection } from './database.ts';

/** A pipeline under its uuid, which is never reused; a deleted one is hidden at once and swept once nothing of it runs. */
export interface PipelineRecord {
  readonly uid: string;
  readonly metadata: PipelineMetadata;
}
interface PipelineRow extends PipelineMetadata {
  uid: string;
  deleted: number;
}

/** Methods that change something belong inside a commit. */
export class PipelinesTable {
  readonly #list: SQLite.Statement<[string, number, number], PipelineRow>;
  readonly #find: SQLite.Statement<[string, string], PipelineRow>;
  readonly #byUid: SQLite.Statement<[string], PipelineRow>;
  readonly #insert: SQLite.Statement<[string, string, string, number]>;
  readonly #setState: SQLite.Statement<[string, number, string]>;
  readonly #hide: SQLite.Statement<[number, string]>;
  readonly #hidden: SQLite.Statement<[], PipelineRow>;
  readonly #purge: SQLite.Statement<[string]>;

  constructor(connection: Connection) {
    this.#list = connection.prepare('SELECT * FROM pipelines WHERE namespace_id = ? AND deleted = 0 ORDER BY pipeline_id LIMIT ? OFFSET ?');
    this.#find = connection.prepare('SELECT * FROM pipelines WHERE namespace_id = ? AND pipeline_id = ? AND deleted = 0');
    this.#byUid = connection.prepare('SELECT * FROM pipelines WHERE uid = ?');
    this.#insert = connection.prepare(
      "INSERT INTO pipelines (uid, namespace_id, pipeline_id, created, modified, state) VALUES (?, ?, ?, ?, 0, 'active')",
    );
    this.#setState = connection.prepare('UPDATE pipelines SET state = ?, modified = ? WHERE uid = ?');
    this.#hide = connection.prepare('UPDATE pipelines SET deleted = ? WHERE uid = ?');
    this.#hidden = connection.prepare('SELECT * FROM pipelines WHERE deleted <> 0');
    this.#purge = connection.prepare('DELETE FROM pipelines WHERE uid = ?');
  }

  /** By id; a limit of -1 is none. */
  list(namespaceId: string, limit: number, offset: number): PipelineRecord[] {
    return this.#list.all(namespaceId, limit, offset).map(toRecord);
  }

  find(namespaceId: string, pipelineId: string): PipelineRecord | undefined {
    const row = this.#find.get(namespaceId, pipelineId);
    return row === undefined ? undefined : toRecord(row);
  }

  /** Deleted ones too, until they are purged. */
  byUid(uid: string): PipelineRecord | undefined {
    const row = this.#byUid.get(uid);
    return row === undefined ? undefined : toRecord(row);
  }

  insert(uid: string, namespaceId: string, pipelineId: string, now: number): void {
    this.#insert.run(uid, namespaceId, pipelineId, now);
  }

  setState(uid: string, state: 'active' | 'disabled', now: number): void {
    this.#setState.run(state, now, uid);
  }

  /** Its id is free again at once; its rows stay until `purge`. */
  hide(uid: string, now: number): void {
    this.#hide.run(now, uid);
  }

  hidden(): PipelineRecord[] {
    return this.#hidden.all().map(toRecord);
  }

  /** With everything that belongs to it. */
  purge(uid: string): void {
    this.#purge.run(uid);
  }
}

function toRecord(row: PipelineRow): PipelineRecord {
  const { namespace_id, pipeline_id, created, modified, state } = row;
  return { uid: row.uid, metadata: { namespace_id, pipeline_id, created, modified, state } };
}
