/** The database as the rest of the kernel sees it: one table class an aggregate, one asynchronous commit. No SQL anywhere else. */
import { AttemptsTable } from './attempts-table.ts';
import { AuditTable } from './audit-table.ts';
import { AuditTrail } from './audit-trail.ts';
import { Commits } from './commits.ts';
import { ConfigsTable } from './configs-table.ts';
import { type OpenDatabase, openDatabase } from './database.ts';
import { DeliveriesTable } from './deliveries-table.ts';
import { DeploymentsTable } from './deployments-table.ts';
import { EventsTable } from './events-table.ts';
import { ExtensionStartsTable } from './extension-starts-table.ts';
import { ExtensionsTable } from './extensions-table.ts';
import { LooseBodiesTable } from './loose-bodies-table.ts';
import { NamespacesTable } from './namespaces-table.ts';
import { ObjectsTable } from './objects-table.ts';
import { PipelinesTable } from './pipelines-table.ts';
import { RolesTable } from './roles-table.ts';
import { RunsTable } from './runs-table.ts';
import { SecretsTable } from './secrets-table.ts';
import { SessionsTable } from './sessions-table.ts';
import { SubscriptionsTable } from './subscriptions-table.ts';
import { SystemTable } from './system-table.ts';
import { TaskExecutionsTable } from './task-executions-table.ts';
import { TokensTable } from './tokens-table.ts';

export class Store {
  readonly namespaces: NamespacesTable;
  readonly pipelines: PipelinesTable;
  readonly configs: ConfigsTable;
  readonly deployments: DeploymentsTable;
  readonly runs: RunsTable;
  readonly taskExecutions: TaskExecutionsTable;
  readonly attempts: AttemptsTable;
  readonly objects: ObjectsTable;
  readonly secrets: SecretsTable;
  readonly looseBodies: LooseBodiesTable;
  readonly events: EventsTable;
  readonly system: SystemTable;
  readonly tokens: TokensTable;
  readonly sessions: SessionsTable;
  readonly roles: RolesTable;
  readonly extensions: ExtensionsTable;
  readonly deliveries: DeliveriesTable;
  readonly extensionStarts: ExtensionStartsTable;
  readonly subscriptions: SubscriptionsTable;
  readonly audit: AuditTable;
  readonly trail: AuditTrail;
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
    this.objects = new ObjectsTable(connection);
    this.secrets = new SecretsTable(connection);
    this.looseBodies = new LooseBodiesTable(connection);
    this.events = new EventsTable(connection, this.#commits);
    this.system = new SystemTable(connection);
    this.tokens = new TokensTable(connection);
    this.sessions = new SessionsTable(connection);
    this.roles = new RolesTable(connection);
    this.extensions = new ExtensionsTable(connection);
    this.deliveries = new DeliveriesTable(connection);
    this.extensionStarts = new ExtensionStartsTable(connection);
    this.subscriptions = new SubscriptionsTable(connection);
    this.audit = new AuditTable(connection);
    this.trail = new AuditTrail(this.audit, (work) => this.commit(work));
  }

  static open(path: string): Store {
    const database = openDatabase(path);
    try {
      return new Store(database);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  /** Runs `work` in this tick's transaction and resolves with its result once that is on the disk; see `Commits`. */
  commit<T>(work: () => T): Promise<T> {
    return this.#commits.commit(work);
  }

  /** The same for what a request asks for: its entry in the audit goes into the transaction; see `AuditTrail`. */
  commitAudited<T>(work: () => T): Promise<T> {
    return this.trail.commit(work);
  }

  /** Commits what waits, then closes; nothing is taken afterwards. */
  close(): void {
    this.#commits.close();
    this.#database.close();
  }
}
