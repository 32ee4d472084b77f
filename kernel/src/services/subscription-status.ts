/** What is said of a subscription: the truth, as the server knows it now. */
import type { Subscription } from '@gofer/contracts/api';
import type { SubscriptionRecord } from '../storage/subscriptions-table.ts';

export interface SubscriptionCircumstances {
  readonly isExtensionEnabled: boolean;
  /** It runs, is healthy and has been given its subscriptions. */
  readonly isExtensionReady: boolean;
  /** It has this one, with exactly these settings. */
  readonly isHeld: boolean;
  readonly isPipelineActive: boolean;
  /** An administrator has not stopped all runs of the server. */
  readonly doRunsStart: boolean;
}

export function toSubscription(record: SubscriptionRecord, circumstances: SubscriptionCircumstances): Subscription {
  return {
    namespace_id: record.namespaceId,
    pipeline_id: record.pipelineId,
    extension_id: record.extensionId,
    subscription_id: record.subscriptionId,
    settings: { ...record.settings },
    ...statusOf(record, circumstances),
    created: record.created,
    modified: record.modified,
    origin: record.origin,
  };
}

export function statusOf(
  { enabled, extensionId, pipelineId, fault }: SubscriptionRecord,
  { isExtensionEnabled, isExtensionReady, isHeld, isPipelineActive, doRunsStart }: SubscriptionCircumstances,
): Pick<Subscription, 'status' | 'status_reason'> {
  if (!enabled) return { status: 'disabled', status_reason: null };
  if (!isExtensionEnabled)
    return failed(`Extension '${extensionId}' is disabled, so it starts nothing. Enable it with: gofer extension enable ${extensionId}`);
  if (fault !== undefined) return failed(fault);
  if (!isExtensionReady)
    return failed(`Extension '${extensionId}' is not ready, so it starts nothing now. See why with: gofer extension get ${extensionId}`);
  if (!isHeld) return failed(`Extension '${extensionId}' could not be given this subscription yet; it is tried again soon.`);
  if (!isPipelineActive)
    return held(`Pipeline '${pipelineId}' is disabled, so no run starts. Enable it with: gofer pipeline enable ${pipelineId}`);
  if (!doRunsStart)
    return held('This server starts no runs at present. An administrator can change that: gofer service toggle-event-ingress --on');
  return { status: 'active', status_reason: null };
}

/** It is as it should be, and still starts nothing. */
function held(description: string): Pick<Subscription, 'status' | 'status_reason'> {
  return { status: 'active', status_reason: { reason: 'unknown', description } };
}

function failed(description: string): Pick<Subscription, 'status' | 'status_reason'> {
  return { status: 'error', status_reason: { reason: 'failed', description } };
}
