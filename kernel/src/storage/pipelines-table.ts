import type { PipelineMetadata } from '@gofer/contracts/api';
import type SQLite from 'better-sqlite3';
import type { Connection } from './database.ts';

/** A pipeline under its uuid, which is never reused; a deleted one is hidden at once and swept once nothing of it runs. */
export interface PipelineRecord {
  readonly uid: string;
  readonly metadata: PipelineMetadata;
  /** Versions up to this one that are missing have expired. */
  readonly versionsExpired: number;
}
interface PipelineRow extends PipelineMetadata {
  uid: string;
  deleted: number;
  versions_expired: number;
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
  readonly #setExpired: SQLite.Statement<[number, string]>;
  readonly #keepRunId: SQLite.Statement<[number, string]>;
  readonly #uids: SQLite.Statement<[string, number], { uid: string }>;

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
    this.#setExpired = connection.prepare('UPDATE pipelines SET versions_expired = max(versions_expired, ?) WHERE uid = ?');
    this.#keepRunId = connection.prepare('UPDATE pipelines SET last_run_id = max(last_run_id, ?) WHERE uid = ?');
    this.#uids = connection.prepare('SELECT uid FROM pipelines WHERE uid > ? AND deleted = 0 ORDER BY uid LIMIT ?');
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

  /** Versions up to this one may be missing because they have expired. */
  setVersionsExpired(uid: string, version: number): void {
    this.#setExpired.run(version, uid);
  }

  /** So that the number is not given again once its run is deleted. */
  keepRunId(uid: string, runId: number): void {
    this.#keepRunId.run(runId, uid);
  }

  /** A page of all pipelines of all namespaces, behind one of them. */
  uidsAfter(uid: string, limit: number): string[] {
    return this.#uids.all(uid, limit).map((row) => row.uid);
  }

  /** With everything that belongs to it. */
  purge(uid: string): void {
    this.#purge.run(uid);
  }
}

function toRecord(row: PipelineRow): PipelineRecord {
  const { namespace_id, pipeline_id, created, modified, state } = row;
  return { uid: row.uid, metadata: { namespace_id, pipeline_id, created, modified, state }, versionsExpired: row.versions_expired };
}
