import type { RolePermissions } from './permission.ts';

/** A role as it is kept. */
export interface RoleRecord extends RolePermissions {
  readonly id: string;
  readonly description: string;
  /** Comes with the server and cannot be changed. */
  readonly system: boolean;
}
