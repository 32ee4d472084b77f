import type { TaskHandle } from '@gofer/contracts';
import type { LogSummary } from '@gofer/contracts/api';
import type SQLite from 'better-sqlite3';
import type { Connection } from './database.ts';
import type { TaskState, TaskStatus, TaskStatusReason } from './task-executions-table.ts';

/** What an engine said of an attempt after its end was decided. Evidence: it changes nothing. */
export interface LateResult {
  readonly exitCode?: number;
  /** For a person. */
  readonly description: string;
  /** When it was heard, epoch milliseconds. */
  readonly seen: number;
}

/** One try at one task: the intent is written before the scheduler hears of it, the handle once it has started. */
export interface AttemptRecord {
  readonly uid: string;
  readonly runUid: string;
  readonly taskId: string;
  /** From 1. */
  readonly number: number;
  /** The scheduler that it belongs to. */
  readonly engine: string;
  readonly handle: TaskHandle | undefined;
  readonly state: TaskState;
  readonly status: TaskStatus;
  readonly exitCode: number | undefined;
  readonly created: number;
  readonly started: number;
  readonly ended: number;
  readonly log: LogSummary | undefined;
  readonly logsRemoved: boolean;
  readonly logsExpired: boolean;
  /** The scheduler keeps nothing of it any more. */
  readonly removed: boolean;
  /** Under which key the secret store has the values that it was given; absent where it was given none, and once its log is sealed. */
  readonly given: string | undefined;
  readonly warnings: readonly string[];
  /** Present once it has ended, unless it succeeded. */
  readonly statusReason: TaskStatusReason | undefined;
  /** Set before it is ended for a reason of its own, which another server then knows. */
  readonly stoppedFor: 'timeout' | undefined;
  readonly late: LateResult | undefined;
}
interface AttemptRow {
  uid: string;
  run_uid: string;
  task_id: string;
  number: number;
  engine: string;
  handle: string | null;
  state: TaskState;
  status: TaskStatus;
  exit_code: number | null;
  created: number;
  started: number;
  ended: number;
  log: string | null;
  logs_removed: number;
  logs_expired: number;
  removed: number;
  given: string | null;
  warnings: string | null;
  status_reason: string | null;
  stopped_for: 'timeout' | null;
  late: string | null;
}

/** Methods that change something belong inside a commit. */
export class AttemptsTable {
  readonly #byTask: SQLite.Statement<[string, string], AttemptRow>;
  readonly #byRun: SQLite.Statement<[string], AttemptRow>;
  readonly #byUid: SQLite.Statement<[string], AttemptRow>;
  readonly #kept: SQLite.Statement<[string], AttemptRow>;
  readonly #engines: SQLite.Statement<[], { engine: string }>;
  readonly #insert: SQLite.Statement<[string, string, string, number, string, number]>;
  readonly #start: SQLite.Statement<[string, number, string]>;
  readonly #end: SQLite.Statement<[number, string, number | null, string | null, string | null, string]>;
  readonly #stop: SQLite.Statement<[string]>;
  readonly #setLate: SQLite.Statement<[string, string]>;
  readonly #unfinished: SQLite.Statement<[], { count: number }>;
  readonly #markRemoved: SQLite.Statement<[string]>;
  readonly #markLogsRemoved: SQLite.Statement<[string]>;
  readonly #markLogsExpired: SQLite.Statement<[string]>;
  readonly #setGiven: SQLite.Statement<[string | null, string | null, string]>;
  readonly #clearGiven: SQLite.Statement<[string]>;
  readonly #withGiven: SQLite.Statement<[string], { uid: string; given: string }>;

  constructor(connection: Connection) {
    this.#byTask = connection.prepare('SELECT * FROM attempts WHERE run_uid = ? AND task_id = ? ORDER BY number');
    this.#byRun = connection.prepare('SELECT * FROM attempts WHERE run_uid = ? ORDER BY task_id, number');
    this.#byUid = connection.prepare('SELECT * FROM attempts WHERE uid = ?');
    this.#kept = connection.prepare("SELECT * FROM attempts WHERE engine = ? AND removed = 0 AND state = 'complete'");
    this.#engines = connection.prepare('SELECT DISTINCT engine FROM attempts WHERE removed = 0');
    this.#insert = connection.prepare(
      "INSERT INTO attempts (uid, run_uid, task_id, number, engine, state, status, created, started, ended) VALUES (?, ?, ?, ?, ?, 'processing', 'unknown', ?, 0, 0)",
    );
    this.#start = connection.prepare("UPDATE attempts SET state = 'running', handle = ?, started = ? WHERE uid = ?");
    this.#end = connection.prepare(
      "UPDATE attempts SET state = 'complete', ended = ?, status = ?, exit_code = ?, status_reason = ?, log = ? WHERE uid = ?",
    );
    this.#stop = connection.prepare("UPDATE attempts SET stopped_for = 'timeout' WHERE uid = ?");
    this.#setLate = connection.prepare('UPDATE attempts SET late = ? WHERE uid = ? AND late IS NULL');
    this.#unfinished = connection.prepare(
      "SELECT count(*) AS count FROM attempts a JOIN runs r ON r.uid = a.run_uid WHERE a.state <> 'complete' AND r.state <> 'complete'",
    );
    this.#markRemoved = connection.prepare('UPDATE attempts SET removed = 1 WHERE uid = ?');
    this.#markLogsRemoved = connection.prepare('UPDATE attempts SET logs_removed = 1 WHERE uid = ?');
    this.#markLogsExpired = connection.prepare('UPDATE attempts SET logs_expired = 1, logs_removed = 1 WHERE run_uid = ?');
    this.#setGiven = connection.prepare('UPDATE attempts SET given = ?, warnings = ? WHERE uid = ?');
    this.#clearGiven = connection.prepare('UPDATE attempts SET given = NULL WHERE uid = ?');
    this.#withGiven = connection.prepare('SELECT uid, given FROM attempts WHERE run_uid = ? AND given IS NOT NULL');
  }

  /** First to latest. */
  listOfTask(runUid: string, taskId: string): AttemptRecord[] {
    return this.#byTask.all(runUid, taskId).map(toRecord);
  }

  listOfRun(runUid: string): AttemptRecord[] {
    return this.#byRun.all(runUid).map(toRecord);
  }

  byUid(uid: string): AttemptRecord | undefined {
    const row = this.#byUid.get(uid);
    return row === undefined ? undefined : toRecord(row);
  }

  /** Ended attempts of which the scheduler may still keep something. */
  endedButKept(engine: string): AttemptRecord[] {
    return this.#kept.all(engine).map(toRecord);
  }

  /** Every engine that may still keep something. */
  enginesInUse(): string[] {
    return this.#engines.all().map((row) => row.engine);
  }

  insert(attempt: { uid: string; runUid: string; taskId: string; number: number; engine: string; created: number }): void {
    this.#insert.run(attempt.uid, attempt.runUid, attempt.taskId, attempt.number, attempt.engine, attempt.created);
  }

  start(uid: string, handle: TaskHandle, started: number): void {
    this.#start.run(JSON.stringify(handle), started, uid);
  }

  end(
    uid: string,
    end: {
      ended: number;
      status: TaskStatus;
      exitCode: number | undefined;
      reason: TaskStatusReason | undefined;
      log: LogSummary | undefined;
    },
  ): void {
    const { reason, log } = end;
    this.#end.run(
      end.ended,
      end.status,
      end.exitCode ?? null,
      reason === undefined ? null : JSON.stringify(reason),
      log === undefined ? null : JSON.stringify(log),
      uid,
    );
  }

  /** Before it is ended for having taken too long. */
  markTimedOut(uid: string): void {
    this.#stop.run(uid);
  }

  /** The first one is kept. */
  setLate(uid: string, late: LateResult): void {
    this.#setLate.run(JSON.stringify(late), uid);
  }

  /** Attempts that have not ended, of every run that has not. */
  countUnfinished(): number {
    return this.#unfinished.get()?.count ?? 0;
  }

  markRemoved(uid: string): void {
    this.#markRemoved.run(uid);
  }

  markLogsRemoved(uid: string): void {
    this.#markLogsRemoved.run(uid);
  }

  /** Of all attempts of a run. What has expired is removed, as in v0. */
  markLogsExpired(runUid: string): void {
    this.#markLogsExpired.run(runUid);
  }

  /** What an attempt was given, before its scheduler hears of it. */
  setGiven(uid: string, given: string | undefined, warnings: readonly string[]): void {
    this.#setGiven.run(given ?? null, warnings.length === 0 ? null : JSON.stringify(warnings), uid);
  }

  clearGiven(uid: string): void {
    this.#clearGiven.run(uid);
  }

  /** The attempts of a run whose given values are still kept. */
  withGiven(runUid: string): readonly { uid: string; given: string }[] {
    return this.#withGiven.all(runUid);
  }
}

function toRecord(row: AttemptRow): AttemptRecord {
  return {
    uid: row.uid,
    runUid: row.run_uid,
    taskId: row.task_id,
    number: row.number,
    engine: row.engine,
    handle: row.handle === null ? undefined : JSON.parse(row.handle),
    state: row.state,
    status: row.status,
    exitCode: row.exit_code ?? undefined,
    created: row.created,
    started: row.started,
    ended: row.ended,
    log: row.log === null ? undefined : JSON.parse(row.log),
    logsRemoved: row.logs_removed === 1,
    logsExpired: row.logs_expired === 1,
    removed: row.removed === 1,
    given: row.given ?? undefined,
    warnings: row.warnings === null ? [] : JSON.parse(row.warnings),
    statusReason: row.status_reason === null ? undefined : JSON.parse(row.status_reason),
    stoppedFor: row.stopped_for ?? undefined,
    late: row.late === null ? undefined : JSON.parse(row.late),
  };
}
