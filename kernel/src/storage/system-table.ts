import { randomUUID } from 'node:crypto';
import type { SystemPreferences } from '@gofer/contracts/api';
import type SQLite from 'better-sqlite3';
import type { Connection } from './database.ts';

interface SystemRow {
  instance_id: string;
  bootstrap_token_created: number;
  ignore_pipeline_run_events: number | null;
  credentials_sealed: number;
  standard_extensions: number;
}

/** The one row about the server itself. Methods that change something belong inside a commit. */
export class SystemTable {
  /** This server's own id: made with the database, and on every container's label. */
  readonly instanceId: string;
  readonly #row: SQLite.Statement<[], SystemRow>;
  readonly #setIgnore: SQLite.Statement<[number]>;
  readonly #initialiseIgnore: SQLite.Statement<[number]>;
  readonly #markSealed: SQLite.Statement<[]>;
  readonly #touch: SQLite.Statement<[]>;
  readonly #markBootstrapped: SQLite.Statement<[]>;
  readonly #markStandardExtensions: SQLite.Statement<[]>;

  constructor(connection: Connection) {
    connection.prepare('INSERT OR IGNORE INTO system (id, instance_id) VALUES (1, ?)').run(randomUUID());
    this.#row = connection.prepare('SELECT * FROM system');
    this.#setIgnore = connection.prepare('UPDATE system SET ignore_pipeline_run_events = ?');
    this.#initialiseIgnore = connection.prepare(
      'UPDATE system SET ignore_pipeline_run_events = ? WHERE ignore_pipeline_run_events IS NULL',
    );
    this.#markSealed = connection.prepare('UPDATE system SET credentials_sealed = 1');
    this.#touch = connection.prepare('UPDATE system SET id = id');
    this.#markBootstrapped = connection.prepare('UPDATE system SET bootstrap_token_created = 1');
    this.#markStandardExtensions = connection.prepare('UPDATE system SET standard_extensions = 1');
    this.instanceId = this.#read().instance_id;
  }

  preferences(): SystemPreferences {
    const row = this.#read();
    return { bootstrap_token_created: row.bootstrap_token_created === 1, ignore_pipeline_run_events: row.ignore_pipeline_run_events === 1 };
  }

  setIgnorePipelineRunEvents(ignore: boolean): void {
    this.#setIgnore.run(ignore ? 1 : 0);
  }

  /** What the configuration says counts for a database that nobody has told otherwise. */
  initialiseIgnorePipelineRunEvents(ignore: boolean): void {
    this.#initialiseIgnore.run(ignore ? 1 : 0);
  }

  /** False for a database of a release that stored the passwords of registries in clear, until they were moved to the secret store. */
  credentialsSealed(): boolean {
    return this.#read().credentials_sealed === 1;
  }

  markCredentialsSealed(): void {
    this.#markSealed.run();
  }

  markBootstrapTokenCreated(): void {
    this.#markBootstrapped.run();
  }

  /** False until the extensions that every server has were installed: one of them that is uninstalled afterwards stays so. */
  standardExtensionsInstalled(): boolean {
    return this.#read().standard_extensions === 1;
  }

  markStandardExtensionsInstalled(): void {
    this.#markStandardExtensions.run();
  }

  /** Writes what is there already: succeeds where the database can be written. */
  touch(): void {
    this.#touch.run();
  }

  #read(): SystemRow {
    const row = this.#row.get();
    if (row === undefined) throw new Error('the row of the server itself is missing');
    return row;
  }
}
