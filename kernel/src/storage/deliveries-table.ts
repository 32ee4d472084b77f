import type SQLite from 'better-sqlite3';
import type { Connection } from './database.ts';

export type DeliveryState = 'pending' | 'delivered' | 'refused' | 'failed';

/** An event from outside without what it says. */
export interface DeliveryRecord {
  readonly id: string;
  /** Epoch milliseconds, as all times here. */
  readonly received: number;
  /** Bytes of the body. */
  readonly size: number;
  readonly state: DeliveryState;
  readonly attempts: number;
  /** Of one that is pending; 0: at once. */
  readonly nextAttempt: number;
  /** 0: not yet. */
  readonly finished: number;
  readonly statusCode: number | undefined;
  readonly message: string | undefined;
}

/** A run that was started because of an event. */
export interface DeliveryRun {
  readonly namespaceId: string;
  readonly pipelineId: string;
  readonly runId: number;
}

export interface DueDelivery {
  readonly seq: number;
  /** Bytes of the body. */
  readonly size: number;
}

/** What an extension is handed, and how often it was in vain. */
export interface DeliveryContent {
  readonly id: string;
  readonly received: number;
  /** How often somebody wanted it done again though it had been taken. */
  readonly again: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Attempts in vain since it became pending. */
  readonly failures: number;
}

/** What has come of an attempt. */
export interface AttemptResult {
  readonly state: DeliveryState;
  readonly nextAttempt: number;
  readonly finished: number;
  readonly statusCode: number | undefined;
  readonly message: string | undefined;
}

type Row = Omit<DeliveryRecord, 'statusCode' | 'message'> & { readonly statusCode: number | null; readonly message: string | null };
type ContentRow = Omit<DeliveryContent, 'headers'> & { readonly headers: string };

const COLUMNS =
  'id, received, length(body) AS size, state, attempts, next_attempt AS nextAttempt, finished, status_code AS statusCode, message';

/** Events from outside, under the uid of the extension that they are for. Methods that change something belong inside a commit. */
export class DeliveriesTable {
  readonly #receiver: SQLite.Statement<[string], { uid: string; enabled: number }>;
  readonly #awaited: SQLite.Statement<[], { id: string }>;
  readonly #insert: SQLite.Statement<[string, string, number, string, Uint8Array]>;
  readonly #pendingBehind: SQLite.Statement<[string, number], { seq: number }>;
  readonly #storedBytes: SQLite.Statement<[string], { bytes: number }>;
  readonly #oldestRefused: SQLite.Statement<[string], { seq: number; stored: number }>;
  readonly #oldestFinished: SQLite.Statement<[string], { seq: number; stored: number }>;
  readonly #delete: SQLite.Statement<[number]>;
  readonly #due: SQLite.Statement<[string, number, number], DueDelivery>;
  readonly #nextDue: SQLite.Statement<[string, number], { at: number }>;
  readonly #content: SQLite.Statement<[number], ContentRow>;
  readonly #record: SQLite.Statement<[DeliveryState, number, number, number | null, string | null, number]>;
  readonly #list: SQLite.Statement<[string, number, number], Row>;
  readonly #listOfState: SQLite.Statement<[string, DeliveryState, number, number], Row>;
  readonly #find: SQLite.Statement<[string, string], Row & { readonly headers: string }>;
  readonly #body: SQLite.Statement<[string, string], { body: Uint8Array }>;
  readonly #again: SQLite.Statement<[string, string]>;
  readonly #deleteOf: SQLite.Statement<[string, number]>;
  readonly #addRun: SQLite.Statement<[string, string, string]>;
  readonly #runs: SQLite.Statement<[string], DeliveryRun>;
  readonly #uidAfter: SQLite.Statement<[string], { uid: string | null }>;
  readonly #isInstalled: SQLite.Statement<[string], { uid: string }>;
  readonly #expire: SQLite.Statement<[number, number], { state: DeliveryState }>;

  constructor(connection: Connection) {
    this.#receiver = connection.prepare('SELECT uid, enabled FROM extensions WHERE id = ?');
    this.#awaited = connection.prepare(
      "SELECT id FROM extensions WHERE EXISTS (SELECT 1 FROM deliveries WHERE extension_uid = extensions.uid AND state = 'pending')",
    );
    this.#insert = connection.prepare(
      "INSERT INTO deliveries (id, extension_uid, received, headers, body, state) VALUES (?, ?, ?, ?, ?, 'pending')",
    );
    this.#pendingBehind = connection.prepare(
      "SELECT seq FROM deliveries WHERE extension_uid = ? AND state = 'pending' ORDER BY next_attempt, seq LIMIT 1 OFFSET ?",
    );
    this.#storedBytes = connection.prepare('SELECT bytes FROM delivery_sums WHERE extension_uid = ?');
    this.#oldestRefused = connection.prepare(
      "SELECT seq, stored FROM deliveries WHERE extension_uid = ? AND state = 'refused' ORDER BY seq LIMIT 1",
    );
    this.#oldestFinished = connection.prepare(
      "SELECT seq, stored FROM deliveries WHERE extension_uid = ? AND state <> 'pending' ORDER BY seq LIMIT 1",
    );
    this.#delete = connection.prepare('DELETE FROM deliveries WHERE seq = ?');
    this.#due = connection.prepare(
      "SELECT seq, length(body) AS size FROM deliveries WHERE extension_uid = ? AND state = 'pending' AND next_attempt <= ? ORDER BY next_attempt, seq LIMIT ?",
    );
    this.#nextDue = connection.prepare(
      "SELECT next_attempt AS at FROM deliveries WHERE extension_uid = ? AND state = 'pending' AND next_attempt > ? ORDER BY next_attempt LIMIT 1",
    );
    this.#content = connection.prepare(
      "SELECT id, received, again, headers, body, failures FROM deliveries WHERE seq = ? AND state = 'pending'",
    );
    this.#record = connection.prepare(
      'UPDATE deliveries SET state = ?, attempts = attempts + 1, failures = failures + 1, next_attempt = ?, finished = ?, status_code = ?, message = ? WHERE seq = ?',
    );
    this.#list = connection.prepare(`SELECT ${COLUMNS} FROM deliveries WHERE extension_uid = ? ORDER BY seq DESC LIMIT ? OFFSET ?`);
    this.#listOfState = connection.prepare(
      `SELECT ${COLUMNS} FROM deliveries WHERE extension_uid = ? AND state = ? ORDER BY seq DESC LIMIT ? OFFSET ?`,
    );
    this.#find = connection.prepare(`SELECT ${COLUMNS}, headers FROM deliveries WHERE extension_uid = ? AND id = ?`);
    this.#body = connection.prepare('SELECT body FROM deliveries WHERE extension_uid = ? AND id = ?');
    this.#again = connection.prepare(
      "UPDATE deliveries SET again = again + (state = 'delivered'), state = 'pending', failures = 0, next_attempt = 0, finished = 0 WHERE extension_uid = ? AND id = ?",
    );
    this.#deleteOf = connection.prepare(
      'DELETE FROM deliveries WHERE seq IN (SELECT seq FROM deliveries WHERE extension_uid = ? ORDER BY seq LIMIT ?)',
    );
    this.#addRun = connection.prepare(
      'INSERT OR IGNORE INTO delivery_runs SELECT id, ? FROM deliveries WHERE id = ? AND extension_uid = (SELECT uid FROM extensions WHERE id = ?)',
    );
    this.#runs = connection.prepare(
      `SELECT namespace_id AS namespaceId, pipeline_id AS pipelineId, run_id AS runId FROM delivery_runs
       JOIN runs ON runs.uid = run_uid JOIN pipelines ON pipelines.uid = pipeline_uid
       WHERE delivery_id = ? AND runs.deleted = 0 AND pipelines.deleted = 0 ORDER BY started, run_uid`,
    );
    this.#uidAfter = connection.prepare('SELECT min(extension_uid) AS uid FROM deliveries WHERE extension_uid > ?');
    this.#isInstalled = connection.prepare('SELECT uid FROM extensions WHERE uid = ?');
    this.#expire = connection.prepare(
      'DELETE FROM deliveries WHERE seq IN (SELECT seq FROM deliveries WHERE received < ? ORDER BY received LIMIT ?) RETURNING state',
    );
  }

  /** The extension that is installed under this id. */
  receiver(extensionId: string): { readonly uid: string; readonly isEnabled: boolean } | undefined {
    const row = this.#receiver.get(extensionId);
    return row === undefined ? undefined : { uid: row.uid, isEnabled: row.enabled !== 0 };
  }

  /** Ids of the extensions that something is pending for. */
  receiversOfPending(): string[] {
    return this.#awaited.all().map(({ id }) => id);
  }

  insert(extensionUid: string, event: { id: string; received: number; headers: Readonly<Record<string, string>>; body: Uint8Array }): void {
    this.#insert.run(event.id, extensionUid, event.received, JSON.stringify(event.headers), event.body);
  }

  /** True: at least so many are pending. */
  hasPending(extensionUid: string, count: number): boolean {
    return this.#pendingBehind.get(extensionUid, count - 1) !== undefined;
  }

  /**
   * Removes the oldest that are not pending, the refused ones before the others, until no more than `limit` bytes are there for the
   * extension, with headers and what each takes beside that. False where there are more though nothing of that kind is left.
   */
  shrinkTo(extensionUid: string, limit: number): boolean {
    let stored = this.#storedBytes.get(extensionUid)?.bytes ?? 0;
    while (stored > limit) {
      const oldest = this.#oldestRefused.get(extensionUid) ?? this.#oldestFinished.get(extensionUid);
      if (oldest === undefined) return false;
      this.#delete.run(oldest.seq);
      stored -= oldest.stored;
    }
    return true;
  }

  /** Those that are pending and to be handed over by then: the new ones in the order of their arrival, then those that are tried again. */
  due(extensionUid: string, by: number, limit: number): DueDelivery[] {
    return this.#due.all(extensionUid, by, limit);
  }

  /** When the next one that is to be handed over later is. */
  nextDue(extensionUid: string, after: number): number | undefined {
    return this.#nextDue.get(extensionUid, after)?.at;
  }

  /** Undefined where it is not pending any more. */
  content(seq: number): DeliveryContent | undefined {
    const row = this.#content.get(seq);
    return row === undefined ? undefined : { ...row, headers: JSON.parse(row.headers) };
  }

  /** Counts an attempt. Does nothing for one that was removed meanwhile. */
  record(seq: number, { state, nextAttempt, finished, statusCode, message }: AttemptResult): void {
    this.#record.run(state, nextAttempt, finished, statusCode ?? null, message ?? null, seq);
  }

  /** Newest first. */
  list(extensionUid: string, query: { state: DeliveryState | undefined; limit: number; offset: number }): DeliveryRecord[] {
    const { limit, offset, state } = query;
    const rows =
      state === undefined ? this.#list.all(extensionUid, limit, offset) : this.#listOfState.all(extensionUid, state, limit, offset);
    return rows.map(toRecord);
  }

  find(extensionUid: string, id: string): (DeliveryRecord & { readonly headers: Readonly<Record<string, string>> }) | undefined {
    const row = this.#find.get(extensionUid, id);
    return row === undefined ? undefined : { ...toRecord(row), headers: JSON.parse(row.headers) };
  }

  body(extensionUid: string, id: string): Uint8Array | undefined {
    return this.#body.get(extensionUid, id)?.body;
  }

  /** Does nothing for an event that is not this extension's, or is not kept any more. */
  addRun(extensionId: string, id: string, runUid: string): void {
    this.#addRun.run(runUid, id, extensionId);
  }

  /** Those that were started because of it and are there, oldest first. */
  runs(id: string): DeliveryRun[] {
    return this.#runs.all(id);
  }

  /** Makes it pending, whatever it was, to be handed over at once; what was said of it before stays until then. One that was taken is to be done again. */
  makePending(extensionUid: string, id: string): boolean {
    return this.#again.run(extensionUid, id).changes > 0;
  }

  /** The oldest of an extension, at most `limit` of them; answers with how many there were. */
  deleteOf(extensionUid: string, limit: number): number {
    return this.#deleteOf.run(extensionUid, limit).changes;
  }

  /** Uids of extensions that are not installed any more, and have left some. */
  withoutReceiver(): string[] {
    const uids: string[] = [];
    for (let uid = this.#uidAfter.get('')?.uid; typeof uid === 'string'; uid = this.#uidAfter.get(uid)?.uid)
      if (this.#isInstalled.get(uid) === undefined) uids.push(uid);
    return uids;
  }

  /** Removes those that came in before, the oldest first; `pending` of them nobody had taken. */
  expire(before: number, limit: number): { readonly deleted: number; readonly pending: number } {
    const rows = this.#expire.all(before, limit);
    return { deleted: rows.length, pending: rows.filter(({ state }) => state === 'pending').length };
  }
}

function toRecord(row: Row): DeliveryRecord {
  const { attempts, finished, id, nextAttempt, received, size, state } = row;
  return {
    id,
    received,
    size,
    state,
    attempts,
    nextAttempt,
    finished,
    statusCode: row.statusCode ?? undefined,
    message: row.message ?? undefined,
  };
}
