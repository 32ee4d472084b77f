import { codeOf } from '@gofer/contracts';
import type { Subscription } from '@gofer/contracts/api';
import type { ExtensionCalls } from '../extensions/extension-calls.ts';
import { resolveParams } from '../extensions/subscription-params.ts';
import type { Store } from '../storage/store.ts';
import type { SubscriptionRecord } from '../storage/subscriptions-table.ts';
import type { References } from '../stores/references.ts';
import { toSubscription } from './subscription-status.ts';

const SERVED = { isExtensionEnabled: true, isExtensionReady: true, isHeld: true, isPipelineActive: true, doRunsStart: true };

/**
 * What an extension is told of its own subscriptions. One that asks before it is ready is starting, and serves what it is told (v0's do
 * so): those are not given to it once more, since some would have them twice.
 */
export class OwnSubscriptions {
  readonly #parts: { readonly store: Store; readonly calls: ExtensionCalls; readonly references: References; readonly leave: AbortSignal };

  constructor(parts: {
    readonly store: Store;
    readonly calls: ExtensionCalls;
    readonly references: References;
    readonly leave: AbortSignal;
  }) {
    this.#parts = parts;
  }

  /** Those that are enabled, with references looked up; one whose references stand for nothing is left out, and says so. */
  async list(extensionId: string, records: readonly SubscriptionRecord[]): Promise<Subscription[]> {
    const { store, calls, references, leave } = this.#parts;
    const answer: Subscription[] = [];
    const told: SubscriptionRecord[] = [];
    const faults = new Map<SubscriptionRecord, string>();
    for (const record of records.filter(({ enabled }) => enabled)) {
      try {
        const { params } = await resolveParams(references, record, leave);
        answer.push({ ...toSubscription(record, SERVED), settings: { ...params } });
        told.push(record);
      } catch (error) {
        if (codeOf(error) !== 'FAILED_PRECONDITION') throw error;
        faults.set(record, error instanceof Error ? error.message : String(error));
      }
    }
    const start = calls.isReady(extensionId) ? undefined : store.subscriptions.currentStart(extensionId);
    const isNews = told.some(({ givenTo }) => start !== undefined && givenTo !== start) || faults.size > 0;
    if (isNews) {
      await store.commit(() => {
        if (start !== undefined) for (const record of told) this.#markHeld(record, start);
        for (const [{ uid }, fault] of faults) store.subscriptions.setFault(uid, fault);
      });
    }
    return answer;
  }

  /** Unless it has changed since, or this start was given it in another way. */
  #markHeld({ uid, modified }: SubscriptionRecord, start: string): void {
    const { subscriptions } = this.#parts.store;
    const now = subscriptions.byUid(uid);
    if (now === undefined || now.modified !== modified || now.intent === 'delete' || now.givenTo === start) return;
    subscriptions.give(uid, start);
    if (now.intent === undefined && now.enabled) subscriptions.settle(uid, { agreed: true });
  }
}
