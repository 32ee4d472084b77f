import {
  CreateRoleRequest,
  CreateRoleResponse,
  GetRoleResponse,
  ListRolesResponse,
  UpdateRoleRequest,
  UpdateRoleResponse,
} from '../identity.ts';
import type { RouteDefinition } from '../route.ts';
import { PageQuery } from './page-query.ts';

const ROLES = '/api/roles';

export const ROLE_ROUTES = {
  list_roles: {
    method: 'GET',
    path: ROLES,
    kind: 'json',
    tag: 'Roles',
    summary: 'List roles',
    permission: { action: 'read', resources: ['permissions'] },
    query: PageQuery,
    status: 200,
    response: ListRolesResponse,
  },
  create_role: {
    method: 'POST',
    path: ROLES,
    kind: 'json',
    tag: 'Roles',
    summary: 'Create a role',
    permission: 'admin',
    body: CreateRoleRequest,
    audit: { body: ['id', 'permissions'] },
    status: 201,
    response: CreateRoleResponse,
  },
  get_role: {
    method: 'GET',
    path: `${ROLES}/{role_id}`,
    kind: 'json',
    tag: 'Roles',
    summary: 'Get a role',
    permission: { action: 'read', resources: ['permissions'] },
    status: 200,
    response: GetRoleResponse,
  },
  update_role: {
    method: 'PATCH',
    path: `${ROLES}/{role_id}`,
    kind: 'json',
    tag: 'Roles',
    summary: "Change a role's description or permissions",
    description:
      'What is absent or null stays as it is; `permissions` replaces all of them. Holders of the role have it from the next request on.',
    permission: 'admin',
    body: UpdateRoleRequest,
    audit: { body: ['permissions'] },
    status: 200,
    response: UpdateRoleResponse,
  },
  delete_role: {
    method: 'DELETE',
    path: `${ROLES}/{role_id}`,
    kind: 'json',
    tag: 'Roles',
    summary: 'Delete a role',
    description: 'Tokens that hold it lose what it gave.',
    permission: 'admin',
    status: 204,
  },
} as const satisfies Record<string, RouteDefinition>;
