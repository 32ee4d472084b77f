import type SQLite from 'better-sqlite3';
import type { Connection } from './database.ts';

export interface DeploymentRecord {
  readonly deploymentId: number;
  readonly startVersion: number;
  readonly endVersion: number;
  readonly started: number;
  readonly ended: number;
}
interface DeploymentRow {
  deployment_id: number;
  start_version: number;
  end_version: number;
  started: number;
  ended: number;
}

/** Methods that change something belong inside a commit. */
export class DeploymentsTable {
  readonly #list: SQLite.Statement<[string, number, number], DeploymentRow>;
  readonly #find: SQLite.Statement<[string, number], DeploymentRow>;
  readonly #insert: SQLite.Statement<[string, string, number, number, number, number], { deployment_id: number }>;

  constructor(connection: Connection) {
    this.#list = connection.prepare('SELECT * FROM deployments WHERE pipeline_uid = ? ORDER BY deployment_id LIMIT ? OFFSET ?');
    this.#find = connection.prepare('SELECT * FROM deployments WHERE pipeline_uid = ? AND deployment_id = ?');
    this.#insert = connection.prepare(
      `INSERT INTO deployments SELECT ?, 1 + coalesce((SELECT max(deployment_id) FROM deployments WHERE pipeline_uid = ?), 0), ?, ?, ?, ? RETURNING deployment_id`,
    );
  }

  list(pipelineUid: string, limit: number, offset: number): DeploymentRecord[] {
    return this.#list.all(pipelineUid, limit, offset).map(toRecord);
  }

  find(pipelineUid: string, deploymentId: number): DeploymentRecord | undefined {
    const row = this.#find.get(pipelineUid, deploymentId);
    return row === undefined ? undefined : toRecord(row);
  }

  /** Answers with the id given: the next one of this pipeline, from 1. */
  insert(pipelineUid: string, startVersion: number, endVersion: number, started: number, ended: number): number {
    const row = this.#insert.get(pipelineUid, pipelineUid, startVersion, endVersion, started, ended);
    if (row === undefined) throw new Error('INSERT … RETURNING gave no row');
    return row.deployment_id;
  }
}

function toRecord(row: DeploymentRow): DeploymentRecord {
  return {
    deploymentId: row.deployment_id,
    startVersion: row.start_version,
    endVersion: row.end_version,
    started: row.started,
    ended: row.ended,
  };
}
