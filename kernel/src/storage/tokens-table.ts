import type { TokenRecord } from '@gofer/contracts';
import type SQLite from 'better-sqlite3';
import type { Connection } from './database.ts';

/** A token as it is kept: never its secret. */
export interface StoredToken extends TokenRecord {
  readonly metadata: Readonly<Record<string, string>>;
  readonly created: number;
  /** To a minute; 0: not yet. */
  readonly lastUsed: number;
  /** Present for one that a task was given. */
  readonly task: TokenTask | undefined;
}
export interface TokenTask {
  readonly pipelineUid: string;
  readonly runUid: string;
  readonly taskId: string;
}
interface TokenRow {
  id: string;
  hash: string;
  user: string;
  roles: string;
  metadata: string;
  created: number;
  expires: number;
  disabled: number;
  last_used: number;
  pipeline_uid: string | null;
  run_uid: string | null;
  task_id: string | null;
}

/** Lists of roles that are remembered; more than this and all are forgotten. */
const MOST_LISTS = 1000;

/** Methods that change something belong inside a commit. */
export class TokensTable {
  readonly #list: SQLite.Statement<[number, number], TokenRow>;
  readonly #byId: SQLite.Statement<[string], TokenRow>;
  readonly #byHash: SQLite.Statement<[string], TokenRow>;
  readonly #insert: SQLite.Statement<[string, string, string, string, string, number, number, string | null, string | null, string | null]>;
  readonly #setDisabled: SQLite.Statement<[number, string]>;
  readonly #setLastUsed: SQLite.Statement<[number, string]>;
  readonly #delete: SQLite.Statement<[string]>;
  readonly #deleteOfTask: SQLite.Statement<[string, string]>;
  readonly #deleteOfRun: SQLite.Statement<[string]>;
  readonly #deleteExpired: SQLite.Statement<[number, number]>;

  readonly #lists = new Map<string, readonly string[]>();

  constructor(connection: Connection) {
    this.#list = connection.prepare('SELECT * FROM tokens ORDER BY id LIMIT ? OFFSET ?');
    this.#byId = connection.prepare('SELECT * FROM tokens WHERE id = ?');
    this.#byHash = connection.prepare('SELECT * FROM tokens WHERE hash = ?');
    this.#insert = connection.prepare(
      `INSERT INTO tokens (id, hash, user, roles, metadata, created, expires, pipeline_uid, run_uid, task_id)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#setDisabled = connection.prepare('UPDATE tokens SET disabled = ? WHERE id = ?');
    this.#setLastUsed = connection.prepare('UPDATE tokens SET last_used = max(last_used, ?) WHERE id = ?');
    this.#delete = connection.prepare('DELETE FROM tokens WHERE id = ?');
    this.#deleteOfTask = connection.prepare('DELETE FROM tokens WHERE run_uid = ? AND task_id = ?');
    this.#deleteOfRun = connection.prepare('DELETE FROM tokens WHERE run_uid = ?');
    this.#deleteExpired = connection.prepare(
      `DELETE FROM tokens WHERE id IN (
         SELECT id FROM tokens WHERE run_uid IS NOT NULL AND expires <> 0 AND expires <= ? LIMIT ?)`,
    );
  }

  /** Oldest first; a limit of -1 is none. */
  list(limit: number, offset: number): StoredToken[] {
    return this.#list.all(limit, offset).map((row) => this.#toToken(row));
  }

  byId(id: string): StoredToken | undefined {
    return this.#toOptional(this.#byId.get(id));
  }

  byHash(hash: string): StoredToken | undefined {
    return this.#toOptional(this.#byHash.get(hash));
  }

  insert(token: Omit<StoredToken, 'disabled' | 'lastUsed'>): void {
    const { id, hash, user, roles, metadata, created, expires, task } = token;
    const [rolesText, metadataText] = [JSON.stringify(roles), JSON.stringify(metadata)];
    const [pipelineUid, runUid, taskId] = [task?.pipelineUid ?? null, task?.runUid ?? null, task?.taskId ?? null];
    this.#insert.run(id, hash, user, rolesText, metadataText, created, expires, pipelineUid, runUid, taskId);
  }

  setDisabled(id: string, disabled: boolean): void {
    this.#setDisabled.run(disabled ? 1 : 0, id);
  }

  setLastUsed(id: string, at: number): void {
    this.#setLastUsed.run(at, id);
  }

  delete(id: string): void {
    this.#delete.run(id);
  }

  /** Those of a task's earlier attempts. */
  deleteOfTask(runUid: string, taskId: string): void {
    this.#deleteOfTask.run(runUid, taskId);
  }

  deleteOfRun(runUid: string): void {
    this.#deleteOfRun.run(runUid);
  }

  /** Tokens of tasks that have expired by then; at most `limit`. Answers with their number. */
  deleteExpired(now: number, limit: number): number {
    return this.#deleteExpired.run(now, limit).changes;
  }

  #toOptional(row: TokenRow | undefined): StoredToken | undefined {
    return row === undefined ? undefined : this.#toToken(row);
  }

  #toToken(row: TokenRow): StoredToken {
    const { pipeline_uid: pipelineUid, run_uid: runUid, task_id: taskId } = row;
    return {
      id: row.id,
      hash: row.hash,
      user: row.user,
      roles: this.#toRoles(row.roles),
      metadata: JSON.parse(row.metadata),
      created: row.created,
      expires: row.expires,
      disabled: row.disabled === 1,
      lastUsed: row.last_used,
      task: pipelineUid === null || runUid === null || taskId === null ? undefined : { pipelineUid, runUid, taskId },
    };
  }

  /** A token is read with every request, and many have the same roles: one frozen list for the same text. */
  #toRoles(text: string): readonly string[] {
    const known = this.#lists.get(text);
    if (known !== undefined) return known;
    if (this.#lists.size >= MOST_LISTS) this.#lists.clear();
    const roles: readonly string[] = Object.freeze(JSON.parse(text));
    this.#lists.set(text, roles);
    return roles;
  }
}
