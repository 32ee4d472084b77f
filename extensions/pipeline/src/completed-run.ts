/** What a subscription waits for, and whether a run that has ended is that. */
import { type GoferEvent, Refusal, type Subscription } from '@gofer/sdk/extension';
import { parameterOf, refuseUnknown, requiredOf } from '../../shared/src/parameters.ts';

const ID = /^[a-zA-Z0-9-]{3,32}$/;
const STATUSES = ['successful', 'failed', 'cancelled'] as const;
export type FinalStatus = (typeof STATUSES)[number];

export interface Trigger {
  readonly namespaceId: string;
  readonly pipelineId: string;
  readonly statuses: readonly FinalStatus[];
}

export interface CompletedRun {
  readonly namespaceId: string;
  readonly pipelineId: string;
  readonly runId: number;
  readonly status: string;
}

/** Whether pipelines of the one namespace may follow those of the other. */
export type MayFollow = (own: string, other: string) => boolean;

/** Throws a `Refusal`. */
export function toTrigger(subscription: Subscription, mayFollow: MayFollow): Trigger {
  refuseUnknown(subscription, ['pipeline', 'status']);
  const text = requiredOf(subscription, 'pipeline', '"build"');
  const parts = text.split('/');
  const [namespaceId = '', pipelineId = ''] = parts.length === 1 ? [subscription.namespaceId, text] : parts;
  if (parts.length > 2 || !ID.test(namespaceId) || !ID.test(pipelineId)) {
    throw new Refusal(`pipeline must be the id of a pipeline, or NAMESPACE/PIPELINE, not ${JSON.stringify(text)}`);
  }
  if (namespaceId === subscription.namespaceId && pipelineId === subscription.pipelineId) {
    throw new Refusal(`pipeline is ${JSON.stringify(text)}, which is the pipeline that subscribes: it would run for ever`);
  }
  if (!mayFollow(subscription.namespaceId, namespaceId)) {
    throw new Refusal(
      `pipeline is ${JSON.stringify(text)}, and pipelines of the namespace ${namespaceId} are followed from others only where an administrator allows it: gofer extension upgrade EXTENSION -c FOLLOWED_NAMESPACES=${namespaceId}`,
    );
  }
  return { namespaceId, pipelineId, statuses: toStatuses(parameterOf(subscription, 'status') ?? 'successful') };
}

function toStatuses(text: string): readonly FinalStatus[] {
  const words = text.split(',').map((word) => word.trim().toLowerCase());
  for (const word of words) {
    if (word === 'any' || STATUSES.some((status) => status === word)) continue;
    throw new Refusal(
      `status must be a list of ${STATUSES.join(', ')} or any, separated by commas; ${JSON.stringify(word)} is none of them`,
    );
  }
  return STATUSES.filter((status) => words.includes(status) || words.includes('any'));
}

/** Undefined for an event that is no such thing. */
export function toCompletedRun({ kind, payload }: GoferEvent): CompletedRun | undefined {
  const { namespace_id: namespaceId, pipeline_id: pipelineId, run_id: runId, status } = payload;
  if (kind !== 'completed_run' || typeof namespaceId !== 'string' || typeof pipelineId !== 'string') return undefined;
  if (typeof runId !== 'number' || typeof status !== 'string') return undefined;
  return { namespaceId, pipelineId, runId, status };
}

export function triggers(trigger: Trigger, run: CompletedRun): boolean {
  const { namespaceId, pipelineId, statuses } = trigger;
  return namespaceId === run.namespaceId && pipelineId === run.pipelineId && statuses.some((status) => status === run.status);
}
