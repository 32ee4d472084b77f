import type { Event, Permission } from '@gofer/contracts/api';
import type { TargetIds } from '../../domain/index.ts';

const EVENTS: Permission = { action: 'read', resources: ['events'] };
const EVENTS_OF_NAMESPACE: Permission = { action: 'read', resources: ['events', 'namespaces'] };
const EVENTS_OF_PIPELINE: Permission = { action: 'read', resources: ['events', 'namespaces', 'pipelines'] };

/** An event tells of a namespace or a pipeline: it is for those who may read that. */
export function mayReadEvent(may: (permission: Permission, ids: TargetIds) => boolean, event: Event): boolean {
  const [payload] = Object.values(event.kind) as { readonly namespace_id?: string; readonly pipeline_id?: string }[];
  const { namespace_id, pipeline_id } = payload ?? {};
  if (namespace_id === undefined) return may(EVENTS, {});
  if (pipeline_id === undefined) return may(EVENTS_OF_NAMESPACE, { namespace_id });
  return may(EVENTS_OF_PIPELINE, { namespace_id, pipeline_id });
}
