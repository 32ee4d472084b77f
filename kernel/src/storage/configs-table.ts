import type { PipelineDefinition } from '@gofer/contracts/pipeline';
import type SQLite from 'better-sqlite3';
import type { Connection } from './database.ts';

export type ConfigState = 'unreleased' | 'live' | 'deprecated';

export interface ConfigRecord {
  readonly pipelineUid: string;
  readonly version: number;
  readonly definition: PipelineDefinition;
  readonly state: ConfigState;
  readonly registered: number;
  readonly deprecated: number;
}
interface ConfigRow {
  pipeline_uid: string;
  version: number;
  definition: string;
  state: ConfigState;
  registered: number;
  deprecated: number;
}

/** Versions of a pipeline's definition. Methods that change something belong inside a commit. */
export class ConfigsTable {
  readonly #list: SQLite.Statement<[string, number, number], ConfigRow>;
  readonly #find: SQLite.Statement<[string, number], ConfigRow>;
  readonly #highest: SQLite.Statement<[string], { version: number | null }>;
  readonly #states: SQLite.Statement<[string], { version: number; state: ConfigState }>;
  readonly #insert: SQLite.Statement<[string, number, string, number]>;
  readonly #setState: SQLite.Statement<[ConfigState, number, string, number]>;
  readonly #delete: SQLite.Statement<[string, number]>;

  constructor(connection: Connection) {
    this.#list = connection.prepare('SELECT * FROM pipeline_configs WHERE pipeline_uid = ? ORDER BY version DESC LIMIT ? OFFSET ?');
    this.#find = connection.prepare('SELECT * FROM pipeline_configs WHERE pipeline_uid = ? AND version = ?');
    this.#highest = connection.prepare('SELECT max(version) AS version FROM pipeline_configs WHERE pipeline_uid = ?');
    this.#states = connection.prepare('SELECT version, state FROM pipeline_configs WHERE pipeline_uid = ?');
    this.#insert = connection.prepare("INSERT INTO pipeline_configs VALUES (?, ?, ?, 'unreleased', ?, 0)");
    this.#setState = connection.prepare('UPDATE pipeline_configs SET state = ?, deprecated = ? WHERE pipeline_uid = ? AND version = ?');
    this.#delete = connection.prepare('DELETE FROM pipeline_configs WHERE pipeline_uid = ? AND version = ?');
  }

  /** Newest first; a limit of -1 is none. */
  list(pipelineUid: string, limit: number, offset: number): ConfigRecord[] {
    return this.#list.all(pipelineUid, limit, offset).map(toRecord);
  }

  find(pipelineUid: string, version: number): ConfigRecord | undefined {
    const row = this.#find.get(pipelineUid, version);
    return row === undefined ? undefined : toRecord(row);
  }

  /** 0 where there is none. */
  highestVersion(pipelineUid: string): number {
    return this.#highest.get(pipelineUid)?.version ?? 0;
  }

  states(pipelineUid: string): readonly { version: number; state: ConfigState }[] {
    return this.#states.all(pipelineUid);
  }

  insert(pipelineUid: string, version: number, definition: PipelineDefinition, now: number): void {
    this.#insert.run(pipelineUid, version, JSON.stringify(definition), now);
  }

  setState(pipelineUid: string, version: number, state: ConfigState, deprecated: number): void {
    this.#setState.run(state, deprecated, pipelineUid, version);
  }

  delete(pipelineUid: string, version: number): void {
    this.#delete.run(pipelineUid, version);
  }
}

function toRecord(row: ConfigRow): ConfigRecord {
  const definition: PipelineDefinition = JSON.parse(row.definition);
  return {
    pipelineUid: row.pipeline_uid,
    version: row.version,
    definition,
    state: row.state,
    registered: row.registered,
    deprecated: row.deprecated,
  };
}
