import type { AuditEntry } from '@gofer/contracts/api';
import type SQLite from 'better-sqlite3';
import type { Connection } from './database.ts';

/** An entry before it is written. */
export interface NewAuditEntry {
  readonly at: number;
  readonly actor: { readonly id: string; readonly user: string };
  readonly address: string;
  readonly operation: string;
  readonly target: Readonly<Record<string, string>>;
  readonly requestId: string;
}

/** What an absent field does not ask about. */
export interface AuditQuery {
  readonly limit: number;
  /** Only smaller ids. */
  readonly before?: number;
  readonly since?: number;
  readonly until?: number;
  readonly user?: string;
  readonly tokenId?: string;
  readonly operation?: string;
  /** `failure`: every result but `success`. */
  readonly result?: string;
  readonly namespaceId?: string;
  readonly pipelineId?: string;
}

interface AuditRow {
  id: number;
  at: number;
  actor_id: string;
  actor_user: string;
  address: string;
  operation: string;
  target: string;
  result: string;
  request_id: string;
}

/** Append-only, but for what is too old. Methods that change something belong inside a commit. */
export class AuditTable {
  readonly #insert: SQLite.Statement<[number, string, string, string, string, string, string | null, string | null, string, string]>;
  readonly #list: SQLite.Statement<[Record<string, string | number | null>], AuditRow>;
  readonly #prune: SQLite.Statement<[number, number]>;

  constructor(connection: Connection) {
    this.#insert = connection.prepare(
      `INSERT INTO audit (at, actor_id, actor_user, address, operation, target, namespace_id, pipeline_id, result, request_id)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#list = connection.prepare(
      `SELECT * FROM audit
       WHERE id < $before AND at >= $since AND at < $until
         AND ($user IS NULL OR actor_user = $user)
         AND ($tokenId IS NULL OR actor_id = $tokenId)
         AND ($operation IS NULL OR operation = $operation)
         AND ($result IS NULL OR result = $result OR ($result = 'failure' AND result <> 'success'))
         AND ($namespaceId IS NULL OR namespace_id = $namespaceId)
         AND ($pipelineId IS NULL OR pipeline_id = $pipelineId)
       ORDER BY id DESC LIMIT $limit`,
    );
    // Entries are written in the order of their times, but for a clock that was set back: those wait a little longer.
    this.#prune = connection.prepare('DELETE FROM audit WHERE id IN (SELECT id FROM audit ORDER BY id LIMIT ?) AND at < ?');
  }

  insert(entry: NewAuditEntry, result: string): void {
    const { at, actor, address, operation, target, requestId } = entry;
    const [namespaceId, pipelineId] = [target['namespace_id'] ?? null, target['pipeline_id'] ?? null];
    this.#insert.run(at, actor.id, actor.user, address, operation, JSON.stringify(target), namespaceId, pipelineId, result, requestId);
  }

  /** Newest first. */
  list(query: AuditQuery): AuditEntry[] {
    const { limit, before, since, until, user, tokenId, operation, result, namespaceId, pipelineId } = query;
    const rows = this.#list.all({
      limit,
      before: before ?? Number.MAX_SAFE_INTEGER,
      since: since ?? 0,
      until: until ?? Number.MAX_SAFE_INTEGER,
      user: user ?? null,
      tokenId: tokenId ?? null,
      operation: operation ?? null,
      result: result ?? null,
      namespaceId: namespaceId ?? null,
      pipelineId: pipelineId ?? null,
    });
    return rows.map((row) => ({
      id: row.id,
      at: row.at,
      actor: { id: row.actor_id, user: row.actor_user },
      address: row.address,
      operation: row.operation,
      target: JSON.parse(row.target),
      result: row.result,
      request_id: row.request_id,
    }));
  }

  /** Of the oldest `limit`, deletes those from before then; answers with their number. */
  prune(before: number, limit: number): number {
    return this.#prune.run(limit, before).changes;
  }
}
