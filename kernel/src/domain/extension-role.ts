/**
 * What extensions may do by themselves. Each has a role of its own, which comes and goes with it; where that counts is narrower than roles
 * can say: in what is subscribed to the extension, and for its own things.
 */
import type { Resource, ResourcePermission } from '@gofer/contracts/api';
import type { RoleRecord } from './role.ts';
import type { TargetIds } from './role-book.ts';

/** No role that people make begins so: their ids have no `_`. */
export const EXTENSION_ROLE_PREFIX = 'extension_';

export function extensionRoleId(extensionId: string): string {
  return EXTENSION_ROLE_PREFIX + extensionId;
}

/** `extensionId` is a valid id, so that it means nothing else in a pattern. */
export function extensionRole(extensionId: string): RoleRecord {
  return {
    id: extensionRoleId(extensionId),
    description: `What the extension ${extensionId} may do with its token: in pipelines that are subscribed to it, and with its own objects`,
    permissions: [
      {
        resources: [{ resource: 'extensions', target: `^${extensionId}$` }, { resource: 'objects' }],
        actions: ['read', 'write', 'delete'],
      },
      { resources: [{ resource: 'namespaces' }, { resource: 'pipelines' }, { resource: 'runs' }], actions: ['read', 'write'] },
      {
        resources: [
          { resource: 'configs' },
          { resource: 'deployments' },
          { resource: 'events' },
          { resource: 'subscriptions' },
          { resource: 'task_executions' },
        ],
        actions: ['read'],
      },
    ],
    system: true,
  };
}

/** The extension that a token is of. */
export interface ExtensionPrincipal {
  readonly id: string;
  /** Asked at each decision, as what is subscribed is: a connection may be older than either. */
  readonly isEnabled: () => boolean;
  /** Whether it has an enabled subscription of the pipeline that is named; of any of the namespace, where no pipeline is. */
  readonly isSubscribed: (ids: TargetIds) => boolean;
}

/** Where its own role counts: of one that is disabled for itself and its objects. Lists that name nothing show what may be read one by one. */
export function isWithinReach(
  { id, isEnabled, isSubscribed }: ExtensionPrincipal,
  permission: ResourcePermission,
  ids: TargetIds,
): boolean {
  const { action, resources } = permission;
  const { namespace_id, pipeline_id, extension_id } = ids;
  if (extension_id !== undefined && extension_id !== id) return false;
  if (!isEnabled()) return namespace_id === undefined && extension_id === id;
  if (namespace_id === undefined) return extension_id !== undefined || action === 'read';
  if (resources.some((resource) => !isOfPipelines(resource))) return false;
  // What is written in a pipeline is a run, and nothing else of it.
  if (action !== 'read' && !(action === 'write' && pipeline_id !== undefined && resources.includes('runs'))) return false;
  // What happens in a pipeline is told to those of its namespace: whoever follows one pipeline starts another.
  return isSubscribed(resources.includes('events') ? { namespace_id } : ids);
}

function isOfPipelines(resource: Resource): boolean {
  return resource !== 'objects' && resource !== 'secrets';
}
