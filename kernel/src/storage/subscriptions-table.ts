import type SQLite from 'better-sqlite3';
import type { Connection } from './database.ts';

/** A subscription as its extension knows it. */
export interface SubscriptionKey {
  readonly extensionId: string;
  readonly namespaceId: string;
  readonly pipelineId: string;
  readonly subscriptionId: string;
}

export type SubscriptionSettings = Readonly<Record<string, string>>;

export interface SubscriptionRecord extends SubscriptionKey {
  readonly uid: string;
  readonly pipelineUid: string;
  readonly settings: SubscriptionSettings;
  /** Why the extension does not serve it, for a person. */
  readonly fault: string | undefined;
  readonly enabled: boolean;
  /** What was begun and not finished. One that is being made, or is deleted, holds its name and nobody sees it. */
  readonly intent: 'create' | 'update' | 'delete' | undefined;
  /** The start of the extension that may have it; any other does not. */
  readonly givenTo: string | undefined;
  /** True where that start has it with exactly these settings. */
  readonly agreed: boolean;
  readonly origin: 'api' | 'config';
  readonly created: number;
  readonly modified: number;
}
interface SubscriptionRow {
  uid: string;
  pipeline_uid: string;
  namespace_id: string;
  pipeline_id: string;
  extension_id: string;
  subscription_id: string;
  settings: string;
  enabled: number;
  fault: string | null;
  intent: SubscriptionRecord['intent'] | null;
  given_to: string | null;
  agreed: number;
  origin: SubscriptionRecord['origin'];
  created: number;
  modified: number;
}

type Name = [extension: string, namespace: string, pipeline: string, subscription: string];

const VISIBLE = "(intent IS NULL OR intent = 'update')";
const BY_NAME = 'extension_id = ? AND namespace_id = ? AND pipeline_id = ? AND subscription_id = ?';

/** Methods that change something belong inside a commit. */
export class SubscriptionsTable {
  readonly #isSubscribed: SQLite.Statement<[string, string, string]>;
  readonly #hasInNamespace: SQLite.Statement<[string, string]>;
  readonly #find: SQLite.Statement<Name, SubscriptionRow>;
  readonly #byUid: SQLite.Statement<[string], SubscriptionRow>;
  readonly #list: SQLite.Statement<[string, number, number], SubscriptionRow>;
  readonly #ofExtension: SQLite.Statement<[string], SubscriptionRow>;
  readonly #unfinished: SQLite.Statement<[], SubscriptionRow>;
  readonly #insert: SQLite.Statement<[string, string, ...Name, string, string, string | null, number]>;
  readonly #want: SQLite.Statement<[string, string]>;
  readonly #apply: SQLite.Statement<[string, number, string, number, string]>;
  readonly #give: SQLite.Statement<[string | null, string]>;
  readonly #settle: SQLite.Statement<[number, string | null, string]>;
  readonly #setFault: SQLite.Statement<[string, string]>;
  readonly #markDeleted: SQLite.Statement<[string]>;
  readonly #ofPipeline: SQLite.Statement<[string], SubscriptionRow>;
  readonly #delete: SQLite.Statement<[string]>;
  readonly #currentStart: SQLite.Statement<[string], { uid: string }>;

  constructor(connection: Connection) {
    this.#isSubscribed = connection.prepare(
      `SELECT 1 FROM subscriptions WHERE extension_id = ? AND namespace_id = ? AND pipeline_id = ? AND enabled = 1 AND ${VISIBLE} LIMIT 1`,
    );
    this.#hasInNamespace = connection.prepare(
      `SELECT 1 FROM subscriptions WHERE extension_id = ? AND namespace_id = ? AND enabled = 1 AND ${VISIBLE} LIMIT 1`,
    );
    this.#find = connection.prepare(`SELECT * FROM subscriptions WHERE ${BY_NAME}`);
    this.#byUid = connection.prepare('SELECT * FROM subscriptions WHERE uid = ?');
    this.#list = connection.prepare(
      `SELECT * FROM subscriptions WHERE pipeline_uid = ? AND ${VISIBLE} ORDER BY extension_id, subscription_id LIMIT ? OFFSET ?`,
    );
    this.#ofExtension = connection.prepare(
      'SELECT * FROM subscriptions WHERE extension_id = ? ORDER BY namespace_id, pipeline_id, subscription_id',
    );
    this.#unfinished = connection.prepare('SELECT * FROM subscriptions WHERE intent IS NOT NULL');
    this.#insert = connection.prepare(
      `INSERT INTO subscriptions (uid, pipeline_uid, extension_id, namespace_id, pipeline_id, subscription_id, settings, origin, intent,
         given_to, created, modified) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'create', ?, ?, 0)`,
    );
    this.#want = connection.prepare("UPDATE subscriptions SET wanted = ?, intent = 'update' WHERE uid = ?");
    this.#apply = connection.prepare(
      'UPDATE subscriptions SET settings = ?, enabled = ?, origin = ?, modified = ?, wanted = NULL WHERE uid = ?',
    );
    this.#give = connection.prepare('UPDATE subscriptions SET given_to = ?, agreed = 0 WHERE uid = ?');
    this.#settle = connection.prepare('UPDATE subscriptions SET agreed = ?, fault = ?, wanted = NULL, intent = NULL WHERE uid = ?');
    this.#setFault = connection.prepare('UPDATE subscriptions SET fault = ? WHERE uid = ?');
    this.#markDeleted = connection.prepare("UPDATE subscriptions SET intent = 'delete', wanted = NULL WHERE uid = ?");
    this.#ofPipeline = connection.prepare('SELECT * FROM subscriptions WHERE pipeline_uid = ?');
    this.#delete = connection.prepare('DELETE FROM subscriptions WHERE uid = ?');
    this.#currentStart = connection.prepare(
      `SELECT s.uid FROM extension_starts s JOIN extensions e ON e.uid = s.extension_uid
       WHERE e.id = ? AND s.ended = 0 ORDER BY s.created DESC, s.uid DESC LIMIT 1`,
    );
  }

  /** Whether the pipeline has an enabled subscription to the extension. */
  isSubscribed(extensionId: string, namespaceId: string, pipelineId: string): boolean {
    return this.#isSubscribed.get(extensionId, namespaceId, pipelineId) !== undefined;
  }

  /** Whether any pipeline of the namespace has one. */
  hasInNamespace(extensionId: string, namespaceId: string): boolean {
    return this.#hasInNamespace.get(extensionId, namespaceId) !== undefined;
  }

  /** Whatever its intent. */
  find({ extensionId, namespaceId, pipelineId, subscriptionId }: SubscriptionKey): SubscriptionRecord | undefined {
    return toOptional(this.#find.get(extensionId, namespaceId, pipelineId, subscriptionId));
  }

  byUid(uid: string): SubscriptionRecord | undefined {
    return toOptional(this.#byUid.get(uid));
  }

  /** Those of a pipeline that are seen, by name; a limit of -1 is none. */
  list(pipelineUid: string, limit: number, offset: number): SubscriptionRecord[] {
    return this.#list.all(pipelineUid, limit, offset).map(toRecord);
  }

  /** Whatever their intents. */
  ofExtension(extensionId: string): SubscriptionRecord[] {
    return this.#ofExtension.all(extensionId).map(toRecord);
  }

  /** Whatever their intents. */
  ofPipeline(pipelineUid: string): SubscriptionRecord[] {
    return this.#ofPipeline.all(pipelineUid).map(toRecord);
  }

  /** Those of which something was begun. */
  unfinished(): SubscriptionRecord[] {
    return this.#unfinished.all().map(toRecord);
  }

  /** With the intent `create`; its name must be free. */
  insert(
    subscription: SubscriptionKey & Pick<SubscriptionRecord, 'uid' | 'pipelineUid' | 'settings' | 'origin' | 'givenTo'>,
    now: number,
  ): void {
    const { uid, pipelineUid, extensionId, namespaceId, pipelineId, subscriptionId, settings, origin, givenTo } = subscription;
    const name: Name = [extensionId, namespaceId, pipelineId, subscriptionId];
    this.#insert.run(uid, pipelineUid, ...name, JSON.stringify(settings), origin, givenTo ?? null, now);
  }

  /** Other settings are being tried; the old ones count until `apply`. */
  want(uid: string, settings: SubscriptionSettings): void {
    this.#want.run(JSON.stringify(settings), uid);
  }

  apply(uid: string, { settings, enabled, origin }: Pick<SubscriptionRecord, 'settings' | 'enabled' | 'origin'>, now: number): void {
    this.#apply.run(JSON.stringify(settings), Number(enabled), origin, now, uid);
  }

  /** From now on this start of the extension may have it, or none. */
  give(uid: string, start: string | undefined): void {
    this.#give.run(start ?? null, uid);
  }

  /** Nothing of it is under way any more. */
  settle(uid: string, { agreed, fault }: { readonly agreed: boolean; readonly fault?: string | undefined }): void {
    this.#settle.run(Number(agreed), fault ?? null, uid);
  }

  setFault(uid: string, fault: string): void {
    this.#setFault.run(fault, uid);
  }

  /** Nobody sees it any more, and it lets its extension do nothing; its row stays until the extension was told. */
  markDeleted(uid: string): void {
    this.#markDeleted.run(uid);
  }

  delete(uid: string): void {
    this.#delete.run(uid);
  }

  /** The start of an installed extension that has not ended; undefined where none has been made. */
  currentStart(extensionId: string): string | undefined {
    return this.#currentStart.get(extensionId)?.uid;
  }
}

function toOptional(row: SubscriptionRow | undefined): SubscriptionRecord | undefined {
  return row === undefined ? undefined : toRecord(row);
}

function toRecord(row: SubscriptionRow): SubscriptionRecord {
  return {
    uid: row.uid,
    pipelineUid: row.pipeline_uid,
    namespaceId: row.namespace_id,
    pipelineId: row.pipeline_id,
    extensionId: row.extension_id,
    subscriptionId: row.subscription_id,
    settings: JSON.parse(row.settings),
    enabled: row.enabled === 1,
    fault: row.fault ?? undefined,
    intent: row.intent ?? undefined,
    givenTo: row.given_to ?? undefined,
    agreed: row.agreed === 1,
    origin: row.origin,
    created: row.created,
    modified: row.modified,
  };
}
