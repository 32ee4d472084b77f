import { extensionRole, type RoleRecord, SYSTEM_ROLES } from '../domain/index.ts';
import type { Store } from '../storage/store.ts';

/** Every role there is: those of the system, of which each extension that is installed has one, then those that people have made. */
export function knownRoles(store: Store): RoleRecord[] {
  return [...SYSTEM_ROLES, ...store.extensions.list().map(({ id }) => extensionRole(id)), ...store.roles.list()];
}
