/**
 * Who may do what, once more and as simply as can be, from the documents alone: one single role must grant the action on all resources of
 * a route; a target matches a whole id; what a path does not name passes any target; the roles `admin` and `bootstrap` may do everything;
 * a task's token reaches its own pipeline only. What the server decides is held against this.
 */
import type { Action, Permission, Resource } from '@gofer/contracts/api';

/** A target as it is written, with what it means in the words of JavaScript. */
export interface ModelTarget {
  readonly text: string;
  readonly means: RegExp;
}
export interface ModelGrant {
  readonly resource: Resource;
  readonly target?: ModelTarget;
}
export interface ModelPermission {
  readonly resources: readonly ModelGrant[];
  readonly actions: readonly Action[];
}
export interface ModelRole {
  readonly id: string;
  readonly permissions: readonly ModelPermission[];
}
export interface ModelIds {
  readonly namespace_id?: string;
  readonly pipeline_id?: string;
  readonly extension_id?: string;
}
export interface ModelPrincipal {
  readonly roles: readonly string[];
  readonly scope?: { readonly namespaceId: string; readonly pipelineId: string };
}

const ALL: readonly Action[] = ['read', 'write', 'delete'];
const exactly = (id: string): ModelTarget => ({ text: `^${id}$`, means: new RegExp(`^${id}$`) });

/** The roles that every server has, as the documentation tells them. */
export const MODEL_SYSTEM_ROLES: readonly ModelRole[] = [
  { id: 'bootstrap', permissions: [{ resources: [{ resource: 'all' }], actions: ALL }] },
  { id: 'admin', permissions: [{ resources: [{ resource: 'all' }], actions: ALL }] },
  {
    id: 'user',
    permissions: [
      {
        resources: [
          { resource: 'namespaces', target: exactly('default') },
          ...(['pipelines', 'configs', 'deployments', 'events', 'objects', 'runs', 'secrets', 'subscriptions'] as const).map(
            (resource) => ({
              resource,
            }),
          ),
        ],
        actions: ALL,
      },
      { resources: [{ resource: 'task_executions' }], actions: ['read'] },
    ],
  },
  {
    id: 'anonymous',
    permissions: [
      {
        resources: [{ resource: 'namespaces', target: exactly('default') }, { resource: 'pipelines' }, { resource: 'runs' }],
        actions: ['read'],
      },
    ],
  },
  {
    id: 'inject_api_token',
    permissions: [
      {
        resources: (['namespaces', 'pipelines', 'configs', 'objects', 'runs'] as const).map((resource) => ({ resource })),
        actions: ['read', 'write'],
      },
      {
        resources: (['deployments', 'events', 'subscriptions', 'task_executions'] as const).map((resource) => ({ resource })),
        actions: ['read'],
      },
    ],
  },
];

export function modelAllows(roles: readonly ModelRole[], principal: ModelPrincipal, permission: Permission, ids: ModelIds): boolean {
  if (permission === 'none' || permission === 'token') return true;
  if (principal.scope !== undefined) {
    if (ids.namespace_id !== undefined && ids.namespace_id !== principal.scope.namespaceId) return false;
    if (ids.pipeline_id !== undefined && ids.pipeline_id !== principal.scope.pipelineId) return false;
    if ((ids.extension_id !== undefined && ids.pipeline_id === undefined) || permission === 'admin') return false;
  } else if (principal.roles.some((id) => id === 'admin' || id === 'bootstrap')) return true;
  if (permission === 'admin') return false;
  return roles.some(
    (role) => principal.roles.includes(role.id) && permission.resources.every((resource) => grants(role, permission.action, resource, ids)),
  );
}

function grants(role: ModelRole, action: Action, resource: Resource, ids: ModelIds): boolean {
  return role.permissions.some(
    (permission) =>
      permission.actions.includes(action) &&
      permission.resources.some(
        (grant) => grant.resource === 'all' || (grant.resource === resource && reaches(grant.target, idOf(resource, ids))),
      ),
  );
}

function reaches(target: ModelTarget | undefined, id: string | undefined): boolean {
  return target === undefined || id === undefined || target.means.test(id);
}

function idOf(resource: Resource, ids: ModelIds): string | undefined {
  if (resource === 'namespaces') return ids.namespace_id;
  if (resource === 'pipelines') return ids.pipeline_id;
  return resource === 'extensions' ? ids.extension_id : undefined;
}
