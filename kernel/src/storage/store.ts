/** The database as the rest of the kernel sees it: one table class an aggregate, one asynchronous commit. No SQL anywhere else. */
import { randomUUID } from 'node:crypto';
import type { SystemPreferences } from '@gofer/contracts/api';
import { AttemptsTable } from './attempts-table.ts';
import { Commits } from './commits.ts';
import { ConfigsTable } from './configs-table.ts';
import { type OpenDatabase, openDatabase } from './database.ts';
import { DeploymentsTable } from './deployments-table.ts';
import { EventsTable } from './events-table.ts';
import { NamespacesTable } from './namespaces-table.ts';
import { PipelinesTable } from './pipelines-table.ts';
import { RunsTable } from './runs-table.ts';
import { TaskExecutionsTable } from './task-executions-table.ts';

export class Store {
  readonly namespaces: NamespacesTable;
  readonly pipelines: PipelinesTable;
  readonly configs: ConfigsTable;
  readonly deployments: DeploymentsTable;
  readonly runs: RunsTable;
  readonly taskExecutions: TaskExecutionsTable;
  readonly attempts: AttemptsTable;
  readonly events: EventsTable;
  /** This server's own id: made with the database, and on every container's label. */
  readonly instanceId: string;
  readonly #database: OpenDatabase;
  readonly #commits: Commits;

  constructor(database: OpenDatabase) {
    const { connection } = database;
    this.#database = database;
    this.#commits = new Commits(connection);
    this.namespaces = new NamespacesTable(connection);
    this.pipelines = new PipelinesTable(connection);
    this.configs = new ConfigsTable(connection);
    this.deployments = new DeploymentsTable(connection);
    this.runs = new RunsTable(connection);
    this.taskExecutions = new TaskExecutionsTable(connection);
    this.attempts = new AttemptsTable(connection);
    this.events = new EventsTable(connection, this.#commits);
    connection.prepare('INSERT OR IGNORE INTO system (id, instance_id) VALUES (1, ?)').run(randomUUID());
    const row = connection.prepare<[], { instance_id: string }>('SELECT instance_id FROM system').get();
    if (row === undefined) throw new Error('the system row was just inserted');
    this.instanceId = row.instance_id;
  }

  static open(path: string): Store {
    return new Store(openDatabase(path));
  }

  /** Runs `work` in this tick's transaction and resolves with its result once that is on the disk; see `Commits`. */
  commit<T>(work: () => T): Promise<T> {
    return this.#commits.commit(work);
  }

  preferences(): SystemPreferences {
    const row = this.#database.connection
      .prepare<[], { bootstrap_token_created: number; ignore_pipeline_run_events: number | null }>('SELECT * FROM system')
      .get();
    return {
      bootstrap_token_created: row?.bootstrap_token_created === 1,
      ignore_pipeline_run_events: row?.ignore_pipeline_run_events === 1,
    };
  }

  /** Inside a commit only. */
  setIgnorePipelineRunEvents(ignore: boolean): void {
    this.#database.connection.prepare('UPDATE system SET ignore_pipeline_run_events = ?').run(ignore ? 1 : 0);
  }

  /** What the configuration says holds for a database that nobody has told otherwise. */
  initialiseIgnorePipelineRunEvents(ignore: boolean): void {
    this.#database.connection
      .prepare('UPDATE system SET ignore_pipeline_run_events = ? WHERE ignore_pipeline_run_events IS NULL')
      .run(ignore ? 1 : 0);
  }

  /** Commits what waits, then closes; nothing is taken afterwards. */
  close(): void {
    this.#commits.close();
    this.#database.close();
  }
}
