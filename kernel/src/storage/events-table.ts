/** Events: written inside the commit of what they tell, read by their sequence. */
import type { Event, EventKind } from '@gofer/contracts/api';
import type SQLite from 'better-sqlite3';
import { uuidv7 } from 'uuidv7';
import type { Commits } from './commits.ts';
import type { Connection } from './database.ts';

/** The payload of each kind: `emit` takes no other kind than those of the catalogue, and all of them. */
export interface EventKinds {
  created_namespace: { namespace_id: string };
  deleted_namespace: { namespace_id: string };
  created_pipeline: { namespace_id: string; pipeline_id: string };
  deleted_pipeline: { namespace_id: string; pipeline_id: string };
  enabled_pipeline: { namespace_id: string; pipeline_id: string };
  disabled_pipeline: { namespace_id: string; pipeline_id: string };
  started_deployment: { namespace_id: string; pipeline_id: string; start_version: number; end_version: number };
  completed_deployment: { namespace_id: string; pipeline_id: string; start_version: number; end_version: number };
  queued_run: { namespace_id: string; pipeline_id: string; run_id: number };
  started_run: { namespace_id: string; pipeline_id: string; run_id: number };
  completed_run: { namespace_id: string; pipeline_id: string; run_id: number; status: string };
  started_run_cancellation: { namespace_id: string; pipeline_id: string; run_id: number };
  created_task_execution: { namespace_id: string; pipeline_id: string; run_id: number; task_execution_id: string };
  started_task_execution: { namespace_id: string; pipeline_id: string; run_id: number; task_execution_id: string };
  completed_task_execution: { namespace_id: string; pipeline_id: string; run_id: number; task_execution_id: string; status: string };
  started_task_execution_cancellation: {
    namespace_id: string;
    pipeline_id: string;
    run_id: number;
    task_execution_id: string;
    timeout: number;
  };
  installed_extension: { id: string; image: string };
  uninstalled_extension: { id: string; image: string };
  enabled_extension: { id: string; image: string };
  disabled_extension: { id: string; image: string };
  pipeline_extension_subscription_registered: SubscriptionNames;
  pipeline_extension_subscription_unregistered: SubscriptionNames;
  created_role: { role_id: string };
  deleted_role: { role_id: string };
}

interface SubscriptionNames {
  namespace_id: string;
  pipeline_id: string;
  extension_id: string;
  subscription_id: string;
}

export interface StoredEvent {
  readonly seq: number;
  readonly event: Event;
}
/** What one look has found, and where the next one begins. */
export interface EventPage {
  readonly events: readonly StoredEvent[];
  readonly next: number;
}

/** Sequence numbers that one look for something passes over: some milliseconds. */
const LOOK = 5000;

interface EventRow {
  seq: number;
  id: string;
  kind: string;
  payload: string;
  emitted: number;
}

export class EventsTable {
  readonly #insert: SQLite.Statement<[string, string, string, number]>;
  readonly #after: SQLite.Statement<[number, number], EventRow>;
  readonly #before: SQLite.Statement<[number, number], EventRow>;
  readonly #afterOf: SQLite.Statement<[number, number, string, number], EventRow>;
  readonly #beforeOf: SQLite.Statement<[number, number, string, number], EventRow>;
  readonly #firstSince: SQLite.Statement<[number, number, number], { seq: number }>;
  readonly #byId: SQLite.Statement<[string], EventRow>;
  readonly #delete: SQLite.Statement<[string]>;
  readonly #last: SQLite.Statement<[], { seq: number | null }>;
  readonly #oldest: SQLite.Statement<[number, number], { seq: number; emitted: number }>;
  readonly #deleteSeq: SQLite.Statement<[number]>;
  readonly #listeners = new Set<() => void>();
  #emitted = false;

  constructor(connection: Connection, commits: Commits) {
    this.#insert = connection.prepare('INSERT INTO events (id, kind, payload, emitted) VALUES (?, ?, ?, ?)');
    this.#after = connection.prepare('SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?');
    this.#before = connection.prepare('SELECT * FROM events WHERE seq < ? ORDER BY seq DESC LIMIT ?');
    const isOf = 'kind IN (SELECT value FROM json_each(?))';
    this.#afterOf = connection.prepare(`SELECT * FROM events WHERE seq > ? AND seq <= ? AND ${isOf} ORDER BY seq LIMIT ?`);
    this.#beforeOf = connection.prepare(`SELECT * FROM events WHERE seq < ? AND seq >= ? AND ${isOf} ORDER BY seq DESC LIMIT ?`);
    this.#firstSince = connection.prepare('SELECT seq FROM events WHERE seq > ? AND seq <= ? AND emitted >= ? ORDER BY seq LIMIT 1');
    this.#byId = connection.prepare('SELECT * FROM events WHERE id = ?');
    this.#delete = connection.prepare('DELETE FROM events WHERE id = ?');
    this.#last = connection.prepare('SELECT max(seq) AS seq FROM events');
    this.#oldest = connection.prepare('SELECT seq, emitted FROM events WHERE seq > ? ORDER BY seq LIMIT ?');
    this.#deleteSeq = connection.prepare('DELETE FROM events WHERE seq = ?');
    commits.onCommit(() => {
      if (!this.#emitted) return;
      this.#emitted = false;
      for (const listener of this.#listeners) listener();
    });
  }

  /** Inside a commit only. Answers with the event's id. */
  emit<Kind extends EventKind>(kind: Kind, payload: EventKinds[Kind], now: number): string {
    const id = uuidv7();
    this.#insert.run(id, kind, JSON.stringify(payload), now);
    this.#emitted = true;
    return id;
  }

  /** Calls `listener` after each commit that made events, until the returned function is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  lastSeq(): number {
    return this.#last.get()?.seq ?? 0;
  }

  after(seq: number, limit: number): StoredEvent[] {
    return this.#after.all(seq, limit).map(toStored);
  }

  /** Newest first. */
  before(seq: number, limit: number): StoredEvent[] {
    return this.#before.all(seq, limit).map(toStored);
  }

  /**
   * The same for some kinds only. Looks at so many sequence numbers at a time that nobody else waits long: `next` is where the following
   * look begins, `seq` itself where there is nothing more.
   */
  afterOf(kinds: readonly EventKind[], seq: number, limit: number): EventPage {
    const until = Math.max(Math.min(seq + LOOK, this.lastSeq()), seq);
    const events = this.#afterOf.all(seq, until, JSON.stringify(kinds), limit).map(toStored);
    return { events, next: events.length < limit ? until : (events.at(-1)?.seq ?? until) };
  }

  /** Newest first; `next` is 0 where there is nothing more. */
  beforeOf(kinds: readonly EventKind[], seq: number, limit: number): EventPage {
    const top = Math.min(seq, this.lastSeq() + 1);
    const until = Math.max(top - LOOK, 0);
    const events = this.#beforeOf.all(top, until, JSON.stringify(kinds), limit).map(toStored);
    return { events, next: events.length < limit ? until : (events.at(-1)?.seq ?? until) };
  }

  /**
   * The first behind `seq` that was emitted at that time or later, looked for as far as one look goes. Times go backwards here and there:
   * a task's start is told when it is heard of, and clocks are set.
   */
  firstSince(since: number, seq: number): { readonly found: number | undefined; readonly next: number } {
    const next = Math.max(Math.min(seq + LOOK, this.lastSeq()), seq);
    return { found: this.#firstSince.get(seq, next, since)?.seq, next };
  }

  find(id: string): StoredEvent | undefined {
    const row = this.#byId.get(id);
    return row === undefined ? undefined : toStored(row);
  }

  /**
   * Deletes those of a page behind `seq` that are older than `before` (epoch milliseconds). Inside a commit only. `next` is where the
   * following page begins; absent where this page has none that is old, or is the last one.
   */
  prune(seq: number, before: number, limit: number): { readonly deleted: number; readonly next?: number } {
    const page = this.#oldest.all(seq, limit);
    const old = page.filter((event) => event.emitted < before);
    for (const event of old) this.#deleteSeq.run(event.seq);
    const last = page.at(-1);
    return old.length === 0 || page.length < limit || last === undefined
      ? { deleted: old.length }
      : { deleted: old.length, next: last.seq };
  }

  /** Inside a commit only. */
  delete(id: string): boolean {
    return this.#delete.run(id).changes > 0;
  }
}

function toStored(row: EventRow): StoredEvent {
  return { seq: row.seq, event: { id: row.id, kind: { [row.kind]: JSON.parse(row.payload) }, emitted: row.emitted } };
}
