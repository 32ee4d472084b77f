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
  /** Under which key the secret store has the passwords of its registries; absent where it has none. */
  readonly credentials: string | undefined;
}
interface ConfigRow {
  pipeline_uid: string;
  version: number;
  definition: string;
  state: ConfigState;
  registered: number;
  deprecated: number;
  credentials: string | null;
}

/** Versions of a pipeline's definition. Methods that change something belong inside a commit. */
export class ConfigsTable {
  readonly #list: SQLite.Statement<[string, number, number], ConfigRow>;
  readonly #find: SQLite.Statement<[string, number], ConfigRow>;
  readonly #highest: SQLite.Statement<[string], { version: number | null }>;
  readonly #states: SQLite.Statement<[string], { version: number; state: ConfigState }>;
  readonly #insert: SQLite.Statement<[string, number, string, number, string | null]>;
  readonly #setState: SQLite.Statement<[ConfigState, number, string, number]>;
  readonly #delete: SQLite.Statement<[string, number]>;
  readonly #clear: SQLite.Statement<[], ConfigRow>;
  readonly #replace: SQLite.Statement<[string, string | null, string, number]>;
  readonly #credentials: SQLite.Statement<[string], { credentials: string }>;
  readonly #expired: SQLite.Statement<[string, string, number, number], { version: number; credentials: string | null }>;

  constructor(connection: Connection) {
    this.#list = connection.prepare('SELECT * FROM pipeline_configs WHERE pipeline_uid = ? ORDER BY version DESC LIMIT ? OFFSET ?');
    this.#find = connection.prepare('SELECT * FROM pipeline_configs WHERE pipeline_uid = ? AND version = ?');
    this.#highest = connection.prepare('SELECT max(version) AS version FROM pipeline_configs WHERE pipeline_uid = ?');
    this.#states = connection.prepare('SELECT version, state FROM pipeline_configs WHERE pipeline_uid = ?');
    this.#insert = connection.prepare("INSERT INTO pipeline_configs VALUES (?, ?, ?, 'unreleased', ?, 0, ?)");
    this.#setState = connection.prepare('UPDATE pipeline_configs SET state = ?, deprecated = ? WHERE pipeline_uid = ? AND version = ?');
    this.#delete = connection.prepare('DELETE FROM pipeline_configs WHERE pipeline_uid = ? AND version = ?');
    this.#clear = connection.prepare(`SELECT * FROM pipeline_configs WHERE credentials IS NULL AND definition LIKE '%"registryAuth":{%'`);
    this.#replace = connection.prepare(
      'UPDATE pipeline_configs SET definition = ?, credentials = ? WHERE pipeline_uid = ? AND version = ?',
    );
    this.#credentials = connection.prepare('SELECT credentials FROM pipeline_configs WHERE pipeline_uid = ? AND credentials IS NOT NULL');
    this.#expired = connection.prepare(
      `SELECT version, credentials FROM pipeline_configs
       WHERE pipeline_uid = ? AND state <> 'live'
         AND version NOT IN (SELECT version FROM pipeline_configs WHERE pipeline_uid = ? ORDER BY version DESC LIMIT ?)
         AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.pipeline_uid = pipeline_configs.pipeline_uid AND runs.config_version = version)
       ORDER BY version LIMIT ?`,
    );
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

  insert(
    pipelineUid: string,
    version: number,
    config: { definition: PipelineDefinition; credentials: string | undefined },
    now: number,
  ): void {
    this.#insert.run(pipelineUid, version, JSON.stringify(config.definition), now, config.credentials ?? null);
  }

  /** Versions whose definition may hold a registry's password in clear, as earlier releases stored it. */
  withClearCredentials(): ConfigRecord[] {
    return this.#clear.all().map(toRecord);
  }

  replaceDefinition(
    pipelineUid: string,
    version: number,
    config: { definition: PipelineDefinition; credentials: string | undefined },
  ): void {
    this.#replace.run(JSON.stringify(config.definition), config.credentials ?? null, pipelineUid, version);
  }

  /** Keys of the secret store that the versions of a pipeline point to. */
  credentialsOf(pipelineUid: string): string[] {
    return this.#credentials.all(pipelineUid).map(({ credentials }) => credentials);
  }

  /**
   * Versions that are neither live nor used by a run that is kept, but for the newest `kept` versions; oldest first.
   */
  expired(pipelineUid: string, kept: number, limit: number): readonly { version: number; credentials: string | undefined }[] {
    return this.#expired
      .all(pipelineUid, pipelineUid, kept, limit)
      .map(({ version, credentials }) => ({ version, credentials: credentials ?? undefined }));
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
    credentials: row.credentials ?? undefined,
  };
}
