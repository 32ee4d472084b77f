/** Events: written inside the commit of what they tell, read by their sequence. */
import { type Event } from '@gofer/contracts/api';
import type SQLite from 'better-sqlite3';
import { uuidv7 } from 'uuidv7';
import type { Commits } from './commits.ts';
import type { Connection } from './database.ts';

/** Kinds of v0's catalogue that this server emits, with their payloads. */
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
  emit<Kind extends keyof EventKinds>(kind: Kind, payload: EventKinds[Kind], now: number): string {
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
