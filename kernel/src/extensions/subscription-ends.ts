/** The end of subscriptions whose pipeline or extension ends: inside its commit, with an event for each that somebody has seen. */
import type { Store } from '../storage/store.ts';
import type { SubscriptionRecord } from '../storage/subscriptions-table.ts';

/** True for one that is there as far as anybody is told. */
export function isVisible({ intent }: SubscriptionRecord): boolean {
  return intent === undefined || intent === 'update';
}

/** Inside a commit: nobody sees it any more, and its extension is still to be told. */
export function endSubscription(store: Store, record: SubscriptionRecord, now: number): void {
  if (isVisible(record)) {
    const { namespaceId, pipelineId, extensionId, subscriptionId } = record;
    const names = { namespace_id: namespaceId, pipeline_id: pipelineId, extension_id: extensionId, subscription_id: subscriptionId };
    store.events.emit('pipeline_extension_subscription_unregistered', names, now);
  }
  store.subscriptions.markDeleted(record.uid);
}

/** Inside the commit that deletes the pipeline. Answers with those whose extensions are to be told after it. */
export function endSubscriptionsOfPipeline(store: Store, pipelineUid: string, now: number): SubscriptionRecord[] {
  const records = store.subscriptions.ofPipeline(pipelineUid);
  for (const record of records) endSubscription(store, record, now);
  return records;
}

/** Inside the commit that uninstalls the extension, which need not be told: it ends. */
export function endSubscriptionsOfExtension(store: Store, extensionId: string, now: number): void {
  for (const record of store.subscriptions.ofExtension(extensionId)) {
    endSubscription(store, record, now);
    store.subscriptions.delete(record.uid);
  }
}
