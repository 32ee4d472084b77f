import type { Initiator, Run, Variable } from '@gofer/contracts/api';
import type SQLite from 'better-sqlite3';
import { mergeCancellations, type RunCancellation, type RunCause, type RunStatusReason } from '../domain/index.ts';
import type { Connection } from './database.ts';

export type RunState = 'pending' | 'running' | 'complete';
export type RunStatus = Run['status'];

export interface RunRecord {
  readonly uid: string;
  readonly pipelineUid: string;
  readonly runId: number;
  readonly configVersion: number;
  readonly started: number;
  readonly ended: number;
  readonly state: RunState;
  readonly status: RunStatus;
  readonly statusReason: RunStatusReason | undefined;
  readonly initiator: Initiator;
  readonly variables: readonly Variable[];
  /** When it was admitted; 0 before. */
  readonly begun: number;
  /** Set once its end was asked for. */
  readonly cancellation: RunCancellation | undefined;
  /** The number of the run that it repeats. */
  readonly retryOf: number | undefined;
  readonly eventId: string | undefined;
  readonly objectsExpired: boolean;
  readonly logsExpired: boolean;
  /** Of the token that a task of it was given last. */
  readonly tokenId: string | undefined;
}
interface RunRow {
  uid: string;
  pipeline_uid: string;
  run_id: number;
  config_version: number;
  started: number;
  ended: number;
  state: RunState;
  status: RunStatus;
  status_reason: string | null;
  initiator: string;
  variables: string;
  begun: number;
  cancel_reason: RunCancellation['reason'] | null;
  cancellation: string | null;
  retry_of: number | null;
  event_id: string | null;
  objects_expired: number;
  logs_expired: number;
  token_id: string | null;
}

export interface NewRun {
  readonly uid: string;
  readonly pipelineUid: string;
  readonly configVersion: number;
  readonly started: number;
  readonly initiator: Initiator;
  readonly variables: readonly Variable[];
  readonly idempotencyKey: string | undefined;
  readonly owner: string;
  readonly retryOf?: number;
}

const CAUSES_OF_CANCELLATIONS: ReadonlySet<RunCause> = new Set<RunCancellation['cause']>([
  'cancelled',
  'timeout',
  'concurrency',
  'pipeline_deleted',
]);

/** Methods that change something belong inside a commit. */
export class RunsTable {
  readonly #ascending: SQLite.Statement<[string, number, number], RunRow>;
  readonly #descending: SQLite.Statement<[string, number, number], RunRow>;
  readonly #find: SQLite.Statement<[string, number], RunRow>;
  readonly #byUid: SQLite.Statement<[string], RunRow>;
  readonly #byKey: SQLite.Statement<[string, string], RunRow>;
  readonly #nextId: SQLite.Statement<[string], { run_id: number }>;
  readonly #insert: SQLite.Statement<[string, string, number, number, number, string, string, string | null, string, number | null]>;
  readonly #setEvent: SQLite.Statement<[string, string]>;
  readonly #setToken: SQLite.Statement<[string, string]>;
  readonly #setRunning: SQLite.Statement<[number, string]>;
  readonly #complete: SQLite.Statement<[{ ended: number; status: string; reason: string | null; isCancelled: number; uid: string }]>;
  readonly #cancel: SQLite.Statement<[string, string, string]>;
  readonly #unfinishedOf: SQLite.Statement<[string], RunRow>;
  readonly #unfinished: SQLite.Statement<[], RunRow>;
  readonly #unfinishedUids: SQLite.Statement<[], { uid: string }>;
  readonly #uids: SQLite.Statement<[string], { uid: string }>;
  readonly #ofVersion: SQLite.Statement<[string, number], { uid: string }>;
  readonly #newestId: SQLite.Statement<[string], { run_id: number | null }>;
  readonly #withLogs: SQLite.Statement<[string, number, number, number], RunRow>;
  readonly #withObjects: SQLite.Statement<[string, number, number, number], RunRow>;
  readonly #setLogsExpired: SQLite.Statement<[string]>;
  readonly #setObjectsExpired: SQLite.Statement<[number, string]>;
  readonly #hide: SQLite.Statement<[number, string]>;
  readonly #hidden: SQLite.Statement<[], RunRow>;
  readonly #purge: SQLite.Statement<[string]>;

  constructor(connection: Connection) {
    this.#ascending = connection.prepare('SELECT * FROM runs WHERE pipeline_uid = ? AND deleted = 0 ORDER BY run_id LIMIT ? OFFSET ?');
    this.#descending = connection.prepare(
      'SELECT * FROM runs WHERE pipeline_uid = ? AND deleted = 0 ORDER BY run_id DESC LIMIT ? OFFSET ?',
    );
    this.#find = connection.prepare('SELECT * FROM runs WHERE pipeline_uid = ? AND run_id = ? AND deleted = 0');
    this.#byUid = connection.prepare('SELECT * FROM runs WHERE uid = ?');
    this.#byKey = connection.prepare('SELECT * FROM runs WHERE pipeline_uid = ? AND idempotency_key = ? AND deleted = 0');
    this.#nextId = connection.prepare(
      `SELECT 1 + max(coalesce((SELECT max(run_id) FROM runs WHERE pipeline_uid = pipelines.uid), 0), last_run_id) AS run_id
       FROM pipelines WHERE uid = ?`,
    );
    this.#insert = connection.prepare(
      `INSERT INTO runs (uid, pipeline_uid, run_id, config_version, started, ended, state, status, initiator, variables, idempotency_key, owner, retry_of)
       VALUES (?, ?, ?, ?, ?, 0, 'pending', 'unknown', ?, ?, ?, ?, ?)`,
    );
    this.#setEvent = connection.prepare('UPDATE runs SET event_id = ? WHERE uid = ?');
    this.#setToken = connection.prepare('UPDATE runs SET token_id = ? WHERE uid = ?');
    this.#setRunning = connection.prepare("UPDATE runs SET state = 'running', begun = ? WHERE uid = ?");
    this.#complete = connection.prepare(
      `UPDATE runs SET state = 'complete', ended = $ended, status = $status, status_reason = $reason,
       cancellation = iif($isCancelled, cancellation, NULL), cancel_reason = iif($isCancelled, cancel_reason, NULL) WHERE uid = $uid`,
    );
    this.#cancel = connection.prepare(
      "UPDATE runs SET cancel_reason = coalesce(cancel_reason, ?), cancellation = ? WHERE uid = ? AND state <> 'complete'",
    );
    this.#unfinishedOf = connection.prepare(
      "SELECT * FROM runs WHERE pipeline_uid = ? AND state <> 'complete' AND deleted = 0 ORDER BY run_id",
    );
    this.#unfinished = connection.prepare("SELECT * FROM runs WHERE state <> 'complete' ORDER BY started, uid");
    this.#unfinishedUids = connection.prepare("SELECT uid FROM runs WHERE state <> 'complete'");
    this.#uids = connection.prepare('SELECT uid FROM runs WHERE pipeline_uid = ?');
    this.#newestId = connection.prepare('SELECT max(run_id) AS run_id FROM runs WHERE pipeline_uid = ?');
    this.#withLogs = connection.prepare(
      "SELECT * FROM runs WHERE pipeline_uid = ? AND run_id > ? AND run_id <= ? AND logs_expired = 0 AND state = 'complete' AND deleted = 0 ORDER BY run_id LIMIT ?",
    );
    this.#withObjects = connection.prepare(
      "SELECT * FROM runs WHERE pipeline_uid = ? AND run_id > ? AND run_id <= ? AND objects_expired < 2 AND state = 'complete' AND deleted = 0 ORDER BY run_id LIMIT ?",
    );
    this.#setLogsExpired = connection.prepare('UPDATE runs SET logs_expired = 1 WHERE uid = ?');
    this.#setObjectsExpired = connection.prepare('UPDATE runs SET objects_expired = ? WHERE uid = ?');
    // The key of idempotency is free again with the run that it named.
    this.#hide = connection.prepare('UPDATE runs SET deleted = ?, idempotency_key = NULL WHERE uid = ?');
    this.#hidden = connection.prepare('SELECT * FROM runs WHERE deleted <> 0');
    this.#purge = connection.prepare('DELETE FROM runs WHERE uid = ?');
    this.#ofVersion = connection.prepare('SELECT uid FROM runs WHERE pipeline_uid = ? AND config_version = ? LIMIT 1');
  }

  list(pipelineUid: string, query: { limit: number; offset: number; reverse: boolean }): RunRecord[] {
    const statement = query.reverse ? this.#descending : this.#ascending;
    return statement.all(pipelineUid, query.limit, query.offset).map(toRecord);
  }

  find(pipelineUid: string, runId: number): RunRecord | undefined {
    return toOptional(this.#find.get(pipelineUid, runId));
  }

  byUid(uid: string): RunRecord | undefined {
    return toOptional(this.#byUid.get(uid));
  }

  byIdempotencyKey(pipelineUid: string, key: string): RunRecord | undefined {
    return toOptional(this.#byKey.get(pipelineUid, key));
  }

  /** Gives the next number of the pipeline, from 1. */
  insert(run: NewRun): number {
    const runId = this.#nextId.get(run.pipelineUid)?.run_id ?? 1;
    this.#insert.run(
      run.uid,
      run.pipelineUid,
      runId,
      run.configVersion,
      run.started,
      JSON.stringify(run.initiator),
      JSON.stringify(run.variables),
      run.idempotencyKey ?? null,
      run.owner,
      run.retryOf ?? null,
    );
    return runId;
  }

  setEvent(uid: string, eventId: string): void {
    this.#setEvent.run(eventId, uid);
  }

  setToken(uid: string, tokenId: string): void {
    this.#setToken.run(tokenId, uid);
  }

  setRunning(uid: string, begun: number): void {
    this.#setRunning.run(begun, uid);
  }

  /** A request to end it that came too late to bring this about is forgotten. */
  complete(uid: string, ended: number, status: RunStatus, reason: RunStatusReason | undefined): void {
    const isCancelled = reason?.cause !== undefined && CAUSES_OF_CANCELLATIONS.has(reason.cause) ? 1 : 0;
    this.#complete.run({ ended, status, reason: reason === undefined ? null : JSON.stringify(reason), isCancelled, uid });
  }

  /** The first request holds, a later one can only make it harder, and a run that has ended keeps its end. */
  requestCancel(uid: string, cancellation: RunCancellation): void {
    const earlier = this.byUid(uid)?.cancellation;
    this.#cancel.run(cancellation.reason, JSON.stringify(mergeCancellations(earlier, cancellation)), uid);
  }

  /** Of one pipeline, oldest first. */
  unfinishedOf(pipelineUid: string): RunRecord[] {
    return this.#unfinishedOf.all(pipelineUid).map(toRecord);
  }

  /** Oldest first. */
  unfinished(): RunRecord[] {
    return this.#unfinished.all().map(toRecord);
  }

  unfinishedUids(): string[] {
    return this.#unfinishedUids.all().map((row) => row.uid);
  }

  uidsOf(pipelineUid: string): string[] {
    return this.#uids.all(pipelineUid).map((row) => row.uid);
  }

  /** 0 where there is none; deleted ones count until they are purged. */
  newestId(pipelineUid: string): number {
    return this.#newestId.get(pipelineUid)?.run_id ?? 0;
  }

  /** Ended runs whose logs have not expired, behind one number up to another, oldest first. */
  withLogs(pipelineUid: string, after: number, upTo: number, limit: number): RunRecord[] {
    return this.#withLogs.all(pipelineUid, after, upTo, limit).map(toRecord);
  }

  /** Ended runs whose objects have not been taken away, behind one number up to another, oldest first. */
  withObjects(pipelineUid: string, after: number, upTo: number, limit: number): RunRecord[] {
    return this.#withObjects.all(pipelineUid, after, upTo, limit).map(toRecord);
  }

  setLogsExpired(uid: string): void {
    this.#setLogsExpired.run(uid);
  }

  /** Nobody sees them any more; they are still to be taken away. */
  setObjectsExpired(uid: string): void {
    this.#setObjectsExpired.run(1, uid);
  }

  /** After which `withObjects` does not find it any more. */
  setObjectsTaken(uid: string): void {
    this.#setObjectsExpired.run(2, uid);
  }

  /** No path leads to it any more; its rows stay until `purge`. */
  hide(uid: string, now: number): void {
    this.#hide.run(now, uid);
  }

  hidden(): RunRecord[] {
    return this.#hidden.all().map(toRecord);
  }

  /** With everything that belongs to it. */
  purge(uid: string): void {
    this.#purge.run(uid);
  }

  /** True while a run of it is kept, ended or not. */
  usesVersion(pipelineUid: string, version: number): boolean {
    return this.#ofVersion.get(pipelineUid, version) !== undefined;
  }
}

function toOptional(row: RunRow | undefined): RunRecord | undefined {
  return row === undefined ? undefined : toRecord(row);
}

function toRecord(row: RunRow): RunRecord {
  return {
    uid: row.uid,
    pipelineUid: row.pipeline_uid,
    runId: row.run_id,
    configVersion: row.config_version,
    started: row.started,
    ended: row.ended,
    state: row.state,
    status: row.status,
    statusReason: row.status_reason === null ? undefined : JSON.parse(row.status_reason),
    initiator: JSON.parse(row.initiator),
    variables: JSON.parse(row.variables),
    begun: row.begun,
    cancellation: toCancellation(row),
    retryOf: row.retry_of ?? undefined,
    eventId: row.event_id ?? undefined,
    objectsExpired: row.objects_expired > 0,
    logsExpired: row.logs_expired === 1,
    tokenId: row.token_id ?? undefined,
  };
}

/** Earlier releases wrote the reason alone. */
function toCancellation(row: RunRow): RunCancellation | undefined {
  if (row.cancellation !== null) return JSON.parse(row.cancellation);
  if (row.cancel_reason === null) return undefined;
  const description = 'cancelled before the server was restarted';
  return { cause: 'cancelled', reason: row.cancel_reason, description, at: row.started, graceMs: 0, force: false };
}
