import type { Event, Permission, Resource } from '@gofer/contracts/api';
import type { TargetIds } from '../../domain/index.ts';

const reading = (...resources: Resource[]): Permission => ({ action: 'read', resources: ['events', ...resources] });
const EVENTS = reading();
const OF_ROLE = reading('permissions');
const OF_EXTENSION = reading('extensions');
const OF_NAMESPACE = reading('namespaces');
const OF_PIPELINE = reading('namespaces', 'pipelines');

/** An event tells of a role, an extension, a namespace or a pipeline: it is for those who may read that. */
export function mayReadEvent(may: (permission: Permission, ids: TargetIds) => boolean, event: Event): boolean {
  const [[kind, payload] = []] = Object.entries(event.kind) as [
    string,
    { readonly id?: string; readonly namespace_id?: string; readonly pipeline_id?: string },
  ][];
  const { namespace_id, pipeline_id, id = '' } = payload ?? {};
  if (namespace_id !== undefined)
    return pipeline_id === undefined ? may(OF_NAMESPACE, { namespace_id }) : may(OF_PIPELINE, { namespace_id, pipeline_id });
  if (kind?.endsWith('_role') === true) return may(OF_ROLE, {});
  if (kind?.endsWith('_extension') === true) return may(OF_EXTENSION, { extension_id: id });
  return may(EVENTS, {});
}
