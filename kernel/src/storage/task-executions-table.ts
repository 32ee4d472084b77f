import type { TaskExecution, TaskReason } from '@gofer/contracts/api';
import type SQLite from 'better-sqlite3';
import type { Actor, TaskCause, Variable } from '../domain/index.ts';
import type { Connection } from './database.ts';

export type TaskState = 'processing' | 'running' | 'complete';
export type TaskStatus = TaskExecution['status'];
export interface TaskStatusReason {
  readonly reason: TaskReason;
  readonly description: string;
  readonly cause?: TaskCause;
  readonly by?: Actor;
}

/** Who asked for the end of a task, and when (epoch milliseconds). */
export interface TaskCancellation {
  readonly cause: 'task_cancelled' | 'run_cancelled' | 'run_timeout';
  readonly description: string;
  readonly by?: Actor;
  readonly at: number;
}

/** A task that was decided: it may run, or it never will. One that still waits for its parents has no record. */
export interface TaskRecord {
  readonly runUid: string;
  readonly taskId: string;
  readonly created: number;
  readonly started: number;
  readonly ended: number;
  readonly state: TaskState;
  readonly status: TaskStatus;
  readonly statusReason: TaskStatusReason | undefined;
  readonly exitCode: number | undefined;
  readonly variables: readonly Variable[];
  /** Set once somebody asked for its end: milliseconds between SIGTERM and SIGKILL. */
  readonly cancelGraceMs: number | undefined;
  /** Of the first one who asked for its end. */
  readonly cancellation: TaskCancellation | undefined;
  /** When its next attempt is due, epoch milliseconds; 0 where none is waited for. */
  readonly retryAt: number;
  /** The run, by its number, whose result this is. */
  readonly takenFrom: number | undefined;
}
interface TaskRow {
  run_uid: string;
  task_id: string;
  created: number;
  started: number;
  ended: number;
  state: TaskState;
  status: TaskStatus;
  status_reason: string | null;
  exit_code: number | null;
  variables: string;
  cancel_grace_ms: number | null;
  cancellation: string | null;
  retry_at: number;
  taken_from: number | null;
}

export interface TaskEnd {
  readonly ended: number;
  readonly status: TaskStatus;
  readonly reason: TaskStatusReason | undefined;
  readonly exitCode: number | undefined;
}

/** Methods that change something belong inside a commit. */
export class TaskExecutionsTable {
  readonly #list: SQLite.Statement<[string], TaskRow>;
  readonly #find: SQLite.Statement<[string, string], TaskRow>;
  readonly #insert: SQLite.Statement<[string, string, number, string]>;
  readonly #insertEnded: SQLite.Statement<[string, string, number, number, string, string | null, number | null]>;
  readonly #start: SQLite.Statement<[number, string, string]>;
  readonly #end: SQLite.Statement<[number, string, string | null, number | null, string, string]>;
  readonly #setVariables: SQLite.Statement<[string, string, string]>;
  readonly #cancel: SQLite.Statement<[{ graceMs: number; cancellation: string; runUid: string; taskId: string }]>;
  readonly #retry: SQLite.Statement<[number, string, string]>;
  readonly #beginAgain: SQLite.Statement<[string, string, string]>;
  readonly #takeOver: SQLite.Statement<[string, number, string, string]>;

  constructor(connection: Connection) {
    this.#list = connection.prepare('SELECT * FROM task_executions WHERE run_uid = ? ORDER BY task_id');
    this.#find = connection.prepare('SELECT * FROM task_executions WHERE run_uid = ? AND task_id = ?');
    const columns = 'run_uid, task_id, created, started, ended, state, status, status_reason, exit_code, variables';
    this.#insert = connection.prepare(
      `INSERT INTO task_executions (${columns}) VALUES (?, ?, ?, 0, 0, 'processing', 'unknown', NULL, NULL, ?)`,
    );
    this.#insertEnded = connection.prepare(`INSERT INTO task_executions (${columns}) VALUES (?, ?, ?, 0, ?, 'complete', ?, ?, ?, '[]')`);
    this.#takeOver = connection.prepare(
      `INSERT INTO task_executions (${columns}, taken_from)
       SELECT ?, task_id, created, started, ended, state, status, status_reason, exit_code, variables, coalesce(taken_from, ?)
       FROM task_executions WHERE run_uid = ? AND task_id = ?`,
    );
    this.#retry = connection.prepare(
      "UPDATE task_executions SET state = 'processing', started = 0, retry_at = ? WHERE run_uid = ? AND task_id = ?",
    );
    this.#beginAgain = connection.prepare('UPDATE task_executions SET retry_at = 0, variables = ? WHERE run_uid = ? AND task_id = ?');
    this.#start = connection.prepare("UPDATE task_executions SET state = 'running', started = ? WHERE run_uid = ? AND task_id = ?");
    this.#end = connection.prepare(
      "UPDATE task_executions SET state = 'complete', ended = ?, status = ?, status_reason = ?, exit_code = ? WHERE run_uid = ? AND task_id = ?",
    );
    this.#setVariables = connection.prepare('UPDATE task_executions SET variables = ? WHERE run_uid = ? AND task_id = ?');
    this.#cancel = connection.prepare(`UPDATE task_executions SET
       cancel_grace_ms = min(coalesce(cancel_grace_ms, $graceMs), $graceMs), cancellation = coalesce(cancellation, $cancellation)
       WHERE run_uid = $runUid AND task_id = $taskId AND state <> 'complete'`);
  }

  /** By task id. */
  list(runUid: string): TaskRecord[] {
    return this.#list.all(runUid).map(toRecord);
  }

  find(runUid: string, taskId: string): TaskRecord | undefined {
    const row = this.#find.get(runUid, taskId);
    return row === undefined ? undefined : toRecord(row);
  }

  /** A task whose parents let it run. */
  insert(runUid: string, taskId: string, created: number, variables: readonly Variable[]): void {
    this.#insert.run(runUid, taskId, created, JSON.stringify(variables));
  }

  /** A task that ended without ever having run. */
  insertEnded(runUid: string, taskId: string, end: TaskEnd): void {
    this.#insertEnded.run(runUid, taskId, end.ended, end.ended, end.status, toJson(end.reason), end.exitCode ?? null);
  }

  start(runUid: string, taskId: string, started: number): void {
    this.#start.run(started, runUid, taskId);
  }

  end(runUid: string, taskId: string, end: TaskEnd): void {
    this.#end.run(end.ended, end.status, toJson(end.reason), end.exitCode ?? null, runUid, taskId);
  }

  setVariables(runUid: string, taskId: string, variables: readonly Variable[]): void {
    this.#setVariables.run(JSON.stringify(variables), runUid, taskId);
  }

  /** A shorter grace that was asked for before stays, and so does who asked first. */
  requestCancel(runUid: string, taskId: string, cancellation: TaskCancellation, graceMs: number): void {
    this.#cancel.run({ graceMs, cancellation: JSON.stringify(cancellation), runUid, taskId });
  }

  /** Its attempt has failed, and another one is due at `retryAt` (epoch milliseconds). */
  retry(runUid: string, taskId: string, retryAt: number): void {
    this.#retry.run(retryAt, runUid, taskId);
  }

  /** With the attempt that was waited for. */
  beginAgain(runUid: string, taskId: string, variables: readonly Variable[]): void {
    this.#beginAgain.run(JSON.stringify(variables), runUid, taskId);
  }

  /** Another run, whose number is `runId`, has this result already. */
  takeOver(runUid: string, taskId: string, from: { readonly uid: string; readonly runId: number }): void {
    this.#takeOver.run(runUid, from.runId, from.uid, taskId);
  }
}

function toJson(reason: TaskStatusReason | undefined): string | null {
  return reason === undefined ? null : JSON.stringify(reason);
}

function toRecord(row: TaskRow): TaskRecord {
  return {
    runUid: row.run_uid,
    taskId: row.task_id,
    created: row.created,
    started: row.started,
    ended: row.ended,
    state: row.state,
    status: row.status,
    statusReason: row.status_reason === null ? undefined : JSON.parse(row.status_reason),
    exitCode: row.exit_code ?? undefined,
    variables: JSON.parse(row.variables),
    cancelGraceMs: row.cancel_grace_ms ?? undefined,
    cancellation: row.cancellation === null ? undefined : JSON.parse(row.cancellation),
    retryAt: row.retry_at,
    takenFrom: row.taken_from ?? undefined,
  };
}
