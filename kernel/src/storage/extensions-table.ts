import type { ExtensionDocumentation } from '@gofer/contracts/api';
import type SQLite from 'better-sqlite3';
import type { Connection } from './database.ts';

/** An extension that is installed, as it is kept. */
export interface ExtensionRecord {
  readonly id: string;
  /** Never given again, also where another one of the same id is installed later. */
  readonly uid: string;
  /** An image reference, or `builtin:NAME`. */
  readonly image: string;
  readonly registry: KeptRegistry | undefined;
  /** In the order in which they were given. */
  readonly settings: readonly KeptSetting[];
  /** Where the secret store has the values of settings and the registry's password; undefined where there are none. */
  readonly sealed: string | undefined;
  /** Where the secret store has its own secret. */
  readonly key: string;
  readonly tokenId: string;
  readonly additionalRoles: readonly string[];
  readonly enabled: boolean;
  /** What it last told of itself. */
  readonly documentation: ExtensionDocumentation | undefined;
  readonly created: number;
  readonly modified: number;
  /** How often it was started again after it had ended by itself. */
  readonly restarts: number;
  readonly lastError: { readonly message: string; readonly at: number } | undefined;
}
export interface KeptSetting {
  readonly key: string;
  /** The reference that the value is; absent where the value is sealed. */
  readonly reference?: string;
}
export interface KeptRegistry {
  readonly user: string;
  /** The reference that the password is; absent where it is sealed. */
  readonly passReference?: string;
}
/** What changes of an extension when somebody changes it. */
export type ExtensionUpdate = Pick<
  ExtensionRecord,
  'image' | 'registry' | 'settings' | 'sealed' | 'key' | 'tokenId' | 'additionalRoles' | 'enabled' | 'modified'
>;

interface ExtensionRow {
  id: string;
  uid: string;
  image: string;
  registry_user: string | null;
  registry_pass: string | null;
  settings: string;
  sealed: string | null;
  key: string;
  token_id: string;
  additional_roles: string;
  enabled: number;
  documentation: string | null;
  created: number;
  modified: number;
  restarts: number;
  last_error: string | null;
  last_error_at: number;
}
type Update = [string, string | null, string | null, string, string | null, string, string, string, number, number];

/** Extensions that are installed. Methods that change something belong inside a commit. */
export class ExtensionsTable {
  readonly #uidOf: SQLite.Statement<[string], { uid: string }>;
  readonly #list: SQLite.Statement<[], ExtensionRow>;
  readonly #find: SQLite.Statement<[string], ExtensionRow>;
  readonly #ofToken: SQLite.Statement<[string], { id: string; enabled: number }>;
  readonly #insert: SQLite.Statement<[string, string, number, ...Update]>;
  readonly #update: SQLite.Statement<[...Update, string]>;
  readonly #setDocumentation: SQLite.Statement<[string, string]>;
  readonly #setError: SQLite.Statement<[string, number, string]>;
  readonly #addRestart: SQLite.Statement<[string]>;
  readonly #delete: SQLite.Statement<[string]>;

  constructor(connection: Connection) {
    this.#uidOf = connection.prepare('SELECT uid FROM extensions WHERE id = ?');
    this.#list = connection.prepare('SELECT * FROM extensions ORDER BY id');
    this.#find = connection.prepare('SELECT * FROM extensions WHERE id = ?');
    this.#ofToken = connection.prepare('SELECT id, enabled FROM extensions WHERE token_id = ?');
    this.#insert = connection.prepare(
      `INSERT INTO extensions (id, uid, created,
         image, registry_user, registry_pass, settings, sealed, key, token_id, additional_roles, enabled, modified)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#update = connection.prepare(
      `UPDATE extensions SET image = ?, registry_user = ?, registry_pass = ?, settings = ?, sealed = ?, key = ?, token_id = ?, additional_roles = ?,
         enabled = ?, modified = ? WHERE uid = ?`,
    );
    this.#setDocumentation = connection.prepare('UPDATE extensions SET documentation = ? WHERE uid = ?');
    this.#setError = connection.prepare('UPDATE extensions SET last_error = ?, last_error_at = ? WHERE uid = ?');
    this.#addRestart = connection.prepare('UPDATE extensions SET restarts = restarts + 1 WHERE uid = ?');
    this.#delete = connection.prepare('DELETE FROM extensions WHERE uid = ?');
  }

  uidOf(id: string): string | undefined {
    return this.#uidOf.get(id)?.uid;
  }

  /** In the order of their ids. */
  list(): ExtensionRecord[] {
    return this.#list.all().map(toRecord);
  }

  find(id: string): ExtensionRecord | undefined {
    const row = this.#find.get(id);
    return row === undefined ? undefined : toRecord(row);
  }

  /** Whose token it is; undefined where it is no extension's. */
  ofToken(tokenId: string): { readonly id: string; readonly enabled: boolean } | undefined {
    const row = this.#ofToken.get(tokenId);
    return row === undefined ? undefined : { id: row.id, enabled: row.enabled === 1 };
  }

  insert(record: ExtensionUpdate & Pick<ExtensionRecord, 'id' | 'uid' | 'created'>): void {
    this.#insert.run(record.id, record.uid, record.created, ...toColumns(record));
  }

  update(uid: string, update: ExtensionUpdate): void {
    this.#update.run(...toColumns(update), uid);
  }

  setDocumentation(uid: string, documentation: ExtensionDocumentation): void {
    this.#setDocumentation.run(JSON.stringify(documentation), uid);
  }

  setError(uid: string, message: string, at: number): void {
    this.#setError.run(message, at, uid);
  }

  addRestart(uid: string): void {
    this.#addRestart.run(uid);
  }

  delete(uid: string): void {
    this.#delete.run(uid);
  }
}

function toColumns(update: ExtensionUpdate): Update {
  const { image, registry, settings, sealed, key, tokenId, additionalRoles, enabled, modified } = update;
  const [settingsText, rolesText] = [JSON.stringify(settings), JSON.stringify(additionalRoles)];
  const [user, pass] = [registry?.user ?? null, registry?.passReference ?? null];
  return [image, user, pass, settingsText, sealed ?? null, key, tokenId, rolesText, enabled ? 1 : 0, modified];
}

function toRecord(row: ExtensionRow): ExtensionRecord {
  return {
    id: row.id,
    uid: row.uid,
    image: row.image,
    registry:
      row.registry_user === null
        ? undefined
        : { user: row.registry_user, ...(row.registry_pass === null ? {} : { passReference: row.registry_pass }) },
    settings: JSON.parse(row.settings),
    sealed: row.sealed ?? undefined,
    key: row.key,
    tokenId: row.token_id,
    additionalRoles: JSON.parse(row.additional_roles),
    enabled: row.enabled === 1,
    documentation: row.documentation === null ? undefined : JSON.parse(row.documentation),
    created: row.created,
    modified: row.modified,
    restarts: row.restarts,
    lastError: row.last_error === null ? undefined : { message: row.last_error, at: row.last_error_at },
  };
}
