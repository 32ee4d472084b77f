import { type Fault, GoferError } from '@gofer/contracts';
import type { GivenPermission, Role } from '@gofer/contracts/api';
import { IDENTIFIER_RULE, isIdentifier } from '@gofer/contracts/pipeline';
import type { AccessControl } from '../access/access-control.ts';
import { type RoleRecord, readPermissions, writePermissions } from '../domain/index.ts';
import type { Store } from '../storage/store.ts';
import { knownRoles } from './known-roles.ts';
import type { Page, RoleService } from './services.ts';

export class StoredRoleService implements RoleService {
  readonly #store: Store;
  readonly #access: Pick<AccessControl, 'rolesChanged'>;
  readonly #now: () => number;

  constructor(store: Store, access: Pick<AccessControl, 'rolesChanged'>, now: () => number) {
    this.#store = store;
    this.#access = access;
    this.#now = now;
  }

  async list({ limit, offset = 0 }: Page): Promise<Role[]> {
    const roles = knownRoles(this.#store);
    return roles.slice(offset, limit === undefined ? undefined : offset + limit).map(toRole);
  }

  async get(id: string): Promise<Role> {
    return toRole(this.#existing(id));
  }

  async create({
    id,
    description,
    permissions: given,
  }: {
    id: string;
    description: string;
    permissions: readonly GivenPermission[];
  }): Promise<Role> {
    const { permissions, faults } = readPermissions(given, '$.permissions');
    const idFault = isIdentifier(id) ? [] : [{ path: '$.id', message: `must be ${IDENTIFIER_RULE}` }];
    assertNoFaults('created', [...idFault, ...faults]);
    return this.#change(() => {
      // Roles are told apart by more than the size of a letter: `Admin` beside `admin` would deceive.
      const taken = knownRoles(this.#store).find((role) => role.id.toLowerCase() === id.toLowerCase());
      if (taken !== undefined) throw new GoferError('ALREADY_EXISTS', `There is a role '${taken.id}' already.`);
      this.#store.roles.put({ id, description, permissions });
      this.#store.events.emit('created_role', { role_id: id }, this.#now());
      return this.#existing(id);
    });
  }

  async update(id: string, change: { description?: string; permissions?: readonly GivenPermission[] }): Promise<Role> {
    const read = change.permissions === undefined ? undefined : readPermissions(change.permissions, '$.permissions');
    assertNoFaults('changed', read?.faults ?? []);
    return this.#change(() => {
      const role = this.#own(id, 'changed');
      this.#store.roles.put({
        id,
        description: change.description ?? role.description,
        permissions: read?.permissions ?? role.permissions,
      });
      return this.#existing(id);
    });
  }

  async delete(id: string): Promise<void> {
    await this.#change(() => {
      const role = this.#own(id, 'deleted');
      this.#store.roles.delete(id);
      this.#store.events.emit('deleted_role', { role_id: id }, this.#now());
      return role;
    });
  }

  /** Counts from the next request on. */
  async #change(work: () => RoleRecord): Promise<Role> {
    const role = await this.#store.commitAudited(work);
    this.#access.rolesChanged();
    return toRole(role);
  }

  #own(id: string, what: string): RoleRecord {
    const role = this.#existing(id);
    if (role.system)
      throw new GoferError('FORBIDDEN', `The role '${id}' comes with the server, or with an extension, and cannot be ${what}.`);
    return role;
  }

  #existing(id: string): RoleRecord {
    const role = knownRoles(this.#store).find((each) => each.id === id);
    if (role === undefined) throw new GoferError('NOT_FOUND', `There is no role '${id.slice(0, 64)}'.`);
    return role;
  }
}

function assertNoFaults(what: string, faults: readonly Fault[]): void {
  if (faults.length === 0) return;
  const text = faults.map(({ path, message }) => `${path} ${message}`).join('; ');
  throw new GoferError('INVALID_ARGUMENT', `The role cannot be ${what}: ${text}.`, { details: faults });
}

function toRole(role: RoleRecord): Role {
  return { id: role.id, description: role.description, permissions: writePermissions(role), system_role: role.system };
}
