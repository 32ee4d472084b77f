import type SQLite from 'better-sqlite3';
import type { RoleRecord } from '../domain/index.ts';
import type { Connection } from './database.ts';

interface RoleRow {
  id: string;
  description: string;
  permissions: string;
}

/** Roles that people have made. Methods that change something belong inside a commit. */
export class RolesTable {
  readonly #list: SQLite.Statement<[], RoleRow>;
  readonly #find: SQLite.Statement<[string], RoleRow>;
  readonly #put: SQLite.Statement<[string, string, string]>;
  readonly #delete: SQLite.Statement<[string]>;

  constructor(connection: Connection) {
    this.#list = connection.prepare('SELECT * FROM roles ORDER BY id');
    this.#find = connection.prepare('SELECT * FROM roles WHERE id = ?');
    this.#put = connection.prepare('INSERT OR REPLACE INTO roles (id, description, permissions) VALUES (?, ?, ?)');
    this.#delete = connection.prepare('DELETE FROM roles WHERE id = ?');
  }

  list(): RoleRecord[] {
    return this.#list.all().map(toRole);
  }

  find(id: string): RoleRecord | undefined {
    const row = this.#find.get(id);
    return row === undefined ? undefined : toRole(row);
  }

  put({ id, description, permissions }: Omit<RoleRecord, 'system'>): void {
    this.#put.run(id, description, JSON.stringify(permissions));
  }

  delete(id: string): void {
    this.#delete.run(id);
  }
}

function toRole(row: RoleRow): RoleRecord {
  return { id: row.id, description: row.description, permissions: JSON.parse(row.permissions), system: false };
}
