import type { Event, Permission } from '@gofer/contracts/api';
import type { TargetIds } from '../../domain/index.ts';

const EVENTS: Permission = { action: 'read', resources: ['events'] };
const EVENTS_OF_NAMESPACE: Permission = { action: 'read', resources: ['events', 'namespaces'] };
const EVENTS_OF_PIPELINE: Permission = { action: 'read', resources: ['events', 'namespaces', 'pipelines'] };
const EVENTS_OF_EXTENSION: Permission = { action: 'read', resources: ['events', 'extensions'] };
const EVENTS_OF_ROLE: Permission = { action: 'read', resources: ['events', 'permissions'] };

/** An event tells of a namespace, a pipeline, an extension or a role: it is for those who may read that. */
export function mayReadEvent(may: (permission: Permission, ids: TargetIds) => boolean, event: Event): boolean {
  const [[kind, payload] = ['', {}]] = Object.entries(event.kind) as [string, Readonly<Record<string, string>>][];
  const { namespace_id, pipeline_id, role_id, id } = payload;
  if (namespace_id !== undefined && pipeline_id !== undefined) return may(EVENTS_OF_PIPELINE, { namespace_id, pipeline_id });
  if (namespace_id !== undefined) return may(EVENTS_OF_NAMESPACE, { namespace_id });
  if (role_id !== undefined) return may(EVENTS_OF_ROLE, {});
  if (id !== undefined && kind.endsWith('_extension')) return may(EVENTS_OF_EXTENSION, { extension_id: id });
  return may(EVENTS, {});
}
