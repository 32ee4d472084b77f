import { isDeepStrictEqual } from 'node:util';
import { codeOf, GoferError } from '@gofer/contracts';
import type { Subscription } from '@gofer/contracts/api';
import { isTaskId, TASK_ID_RULE } from '@gofer/contracts/pipeline';
import { uuidv7 } from 'uuidv7';
import type { ExtensionCalls } from '../extensions/extension-calls.ts';
import { endSubscription, isVisible } from '../extensions/subscription-ends.ts';
import type { SubscriptionKeeper } from '../extensions/subscription-keeper.ts';
import { type ParamsOwner, type ResolvedParams, resolveParams } from '../extensions/subscription-params.ts';
import type { PipelineRecord } from '../storage/pipelines-table.ts';
import type { Store } from '../storage/store.ts';
import type { SubscriptionRecord } from '../storage/subscriptions-table.ts';
import type { References } from '../stores/references.ts';
import { type Lookup, limitsOf } from './lookup.ts';
import { OwnSubscriptions } from './own-subscriptions.ts';
import type { Page, PipelinePath, SubscriptionPath, SubscriptionService } from './services.ts';
import { assertMayRefer, assertSettings } from './subscription-settings.ts';
import { toSubscription } from './subscription-status.ts';

export interface SubscriptionServiceParts {
  readonly store: Store;
  readonly lookup: Lookup;
  readonly calls: ExtensionCalls;
  readonly keeper: SubscriptionKeeper;
  readonly references: References;
  readonly now: () => number;
  /** Aborts when the server stops. */
  readonly leave: AbortSignal;
}

type NewSubscription = Parameters<SubscriptionService['create']>[1];
type Change = Parameters<SubscriptionService['update']>[1];
type Wanted = Pick<SubscriptionRecord, 'settings' | 'enabled' | 'origin'>;

export class StoredSubscriptionService implements SubscriptionService {
  readonly #parts: SubscriptionServiceParts;
  readonly #own: OwnSubscriptions;

  constructor(parts: SubscriptionServiceParts) {
    this.#parts = parts;
    this.#own = new OwnSubscriptions(parts);
  }

  async list(path: PipelinePath, page: Page): Promise<Subscription[]> {
    const pipeline = this.#parts.lookup.pipeline(path);
    return this.#parts.store.subscriptions.list(pipeline.uid, ...limitsOf(page)).map((record) => this.#toWire(record, pipeline));
  }

  async get(path: SubscriptionPath): Promise<Subscription> {
    const pipeline = this.#parts.lookup.pipeline(path);
    return this.#toWire(this.#existing(path), pipeline);
  }

  async create(path: SubscriptionPath, subscription: NewSubscription): Promise<Subscription> {
    if (!isTaskId(path.subscriptionId)) {
      const message = `must be ${TASK_ID_RULE}`;
      const details = [{ path: '$.subscription_id', message }];
      throw new GoferError('INVALID_ARGUMENT', `Subscription id '${path.subscriptionId.slice(0, 64)}' ${message}.`, { details });
    }
    this.#assertNew(path);
    await this.#parts.calls.whenSettled(path.extensionId);
    return this.#parts.keeper.exclusively(path, () => this.#create(path, subscription));
  }

  async update(path: SubscriptionPath, change: Change): Promise<void> {
    this.#parts.lookup.pipeline(path);
    this.#existing(path);
    if (change.status !== 'disabled') await this.#parts.calls.whenSettled(path.extensionId);
    await this.#parts.keeper.exclusively(path, () => this.#update(path, change));
  }

  /** Does not wait behind what is under way with it: that finds it deleted. */
  async delete(path: SubscriptionPath): Promise<void> {
    const { store, lookup, keeper, now } = this.#parts;
    await store.commitAudited(() => {
      lookup.pipeline(path);
      endSubscription(store, this.#existing(path), now());
    });
    keeper.settleSoon(path);
  }

  async ofExtension(extensionId: string, { own }: { readonly own: boolean }): Promise<Subscription[]> {
    const { store, lookup } = this.#parts;
    lookup.extensionUid(extensionId);
    const records = store.subscriptions.ofExtension(extensionId).filter(isVisible);
    // One that is disabled is to serve none, and is not told what they refer to.
    if (own) return store.extensions.find(extensionId)?.enabled === true ? this.#own.list(extensionId, records) : [];
    return records.map((record) => this.#toWire(record, store.pipelines.byUid(record.pipelineUid)));
  }

  async #create(path: SubscriptionPath, { settings, origin, mayRead }: NewSubscription): Promise<Subscription> {
    const { store, keeper, now } = this.#parts;
    const pipeline = this.#assertNew(path);
    const earlier = store.subscriptions.find(path);
    if (earlier !== undefined && !(await keeper.discard(earlier)))
      throw new GoferError(
        'UNAVAILABLE',
        `Extension '${path.extensionId}' could not be told yet that an earlier subscription '${path.subscriptionId}' has ended. Try again later.`,
      );
    const what = 'The subscription cannot be made.';
    this.#assertUsable(path.extensionId, settings, mayRead, what);
    const { namespaceId, pipelineId, extensionId, subscriptionId } = path;
    const key = { namespaceId, pipelineId, extensionId, subscriptionId };
    const made = { ...key, uid: uuidv7(), pipelineUid: pipeline.uid, settings, origin };
    const resolved = await this.#resolve(made, what);
    await store.commit(() => {
      if (this.#assertNew(path).uid !== pipeline.uid) throw deletedMeanwhile(path);
      // Not before: the extension may have been started again while its settings were looked up.
      store.subscriptions.insert({ ...made, givenTo: store.subscriptions.currentStart(extensionId) }, now());
    });
    const created = (): SubscriptionRecord => {
      const record = store.subscriptions.byUid(made.uid);
      if (record?.intent !== 'create') throw deletedMeanwhile(path);
      return record;
    };
    try {
      // Nothing is there in its place, or it would not be new.
      await this.#parts.calls.subscribe(extensionId, { ...key, ...resolved, created: created().created });
      keeper.noteGiven(made.uid, resolved);
      await store.commitAudited(() => {
        created();
        store.subscriptions.settle(made.uid, { agreed: true });
        const names = { namespace_id: namespaceId, pipeline_id: pipelineId, extension_id: extensionId, subscription_id: subscriptionId };
        store.events.emit('pipeline_extension_subscription_registered', names, now());
      });
    } catch (error) {
      const left = store.subscriptions.byUid(made.uid);
      if (left !== undefined) await this.#takeBack(left, error);
      throw error;
    }
    return this.#toWire(this.#existing(path), pipeline);
  }

  /** One that its extension refused it does not have. */
  async #takeBack(record: SubscriptionRecord, error: unknown): Promise<void> {
    const { store, keeper } = this.#parts;
    if (codeOf(error) === 'INVALID_ARGUMENT') await store.commit(() => store.subscriptions.delete(record.uid));
    else await keeper.discard(record);
  }

  async #update(path: SubscriptionPath, change: Change): Promise<void> {
    const { store, keeper } = this.#parts;
    const record = this.#existing(path);
    const enabled = change.status === undefined ? record.enabled : change.status === 'active';
    const wanted: Wanted = { settings: change.settings ?? record.settings, enabled, origin: change.origin ?? record.origin };
    const hasOtherSettings = !isDeepStrictEqual({ ...wanted.settings }, { ...record.settings });
    if (!hasOtherSettings && enabled === record.enabled && wanted.origin === record.origin) return;
    const what = 'The subscription cannot be changed.';
    if (hasOtherSettings || (enabled && !record.enabled)) {
      if (enabled) this.#assertEnabled(path.extensionId);
      this.#assertUsable(path.extensionId, wanted.settings, change.mayRead, what);
    }
    if (enabled && (hasOtherSettings || !record.enabled)) {
      await this.#tryOut(record, wanted, what);
      return;
    }
    await store.commitAudited(() => {
      this.#assertStillThere(record);
      this.#apply(record, wanted);
      // Marked, so that a server that dies now has it taken from the extension.
      if (record.enabled && !enabled) store.subscriptions.want(record.uid, wanted.settings);
    });
    if (record.enabled && !enabled) keeper.settleSoon(record);
  }

  /** The old ones count until the extension has taken the new ones; whatever goes wrong, it is given the old ones again. */
  async #tryOut(record: SubscriptionRecord, wanted: Wanted, what: string): Promise<void> {
    const { store, keeper } = this.#parts;
    const resolved = await this.#resolve({ ...record, settings: wanted.settings }, what);
    await store.commit(() => {
      this.#assertStillThere(record);
      store.subscriptions.want(record.uid, wanted.settings);
    });
    await keeper.withoutGap(record, async () => {
      try {
        await keeper.hand(record, resolved);
        await store.commitAudited(() => {
          this.#assertStillThere(record);
          this.#apply(record, wanted);
          store.subscriptions.settle(record.uid, { agreed: true });
        });
      } catch (error) {
        await keeper.settle(record);
        throw error;
      }
    });
  }

  #apply({ uid }: SubscriptionRecord, wanted: Wanted): void {
    this.#parts.store.subscriptions.apply(uid, wanted, this.#parts.now());
  }

  #assertStillThere({ uid, ...key }: SubscriptionRecord): void {
    const record = this.#parts.store.subscriptions.byUid(uid);
    if (record === undefined || !isVisible(record)) throw deletedMeanwhile(key);
  }

  /** The pipeline, if it can get a subscription of this name. */
  #assertNew(path: SubscriptionPath): PipelineRecord {
    const pipeline = this.#parts.lookup.pipeline(path);
    this.#assertEnabled(path.extensionId);
    const record = this.#parts.store.subscriptions.find(path);
    if (record !== undefined && isVisible(record))
      throw new GoferError(
        'ALREADY_EXISTS',
        `Pipeline '${path.pipelineId}' has a subscription '${path.subscriptionId}' to extension '${path.extensionId}' already. Take another label, or change it with: gofer pipeline subscription update ${path.pipelineId} ${path.extensionId} ${path.subscriptionId} -s KEY=VALUE`,
      );
    return pipeline;
  }

  #assertEnabled(extensionId: string): void {
    const extension = this.#parts.store.extensions.find(extensionId);
    if (extension === undefined)
      throw new GoferError(
        'NOT_FOUND',
        `There is no extension '${extensionId.slice(0, 64)}'. See those that are installed with: gofer extension list`,
      );
    if (!extension.enabled)
      throw new GoferError(
        'FAILED_PRECONDITION',
        `Extension '${extensionId}' is disabled and takes no subscriptions. An administrator enables it with: gofer extension enable ${extensionId}`,
      );
  }

  #assertUsable(extensionId: string, settings: Wanted['settings'], mayRead: Change['mayRead'], what: string): void {
    assertSettings(settings, { documentation: this.#parts.calls.documentation(extensionId), extensionId, what });
    assertMayRefer(settings, mayRead, what);
  }

  async #resolve(owner: ParamsOwner, what: string): Promise<ResolvedParams> {
    try {
      return await resolveParams(this.#parts.references, owner, this.#parts.leave);
    } catch (error) {
      if (!(error instanceof GoferError) || error.code !== 'FAILED_PRECONDITION') throw error;
      const { details } = error;
      throw new GoferError(error.code, `${what} ${error.message}`, { cause: error, ...(details === undefined ? {} : { details }) });
    }
  }

  #existing(path: SubscriptionPath): SubscriptionRecord {
    const record = this.#parts.store.subscriptions.find(path);
    if (record !== undefined && isVisible(record)) return record;
    throw new GoferError(
      'NOT_FOUND',
      `Pipeline '${path.pipelineId}' has no subscription '${path.subscriptionId.slice(0, 64)}' to extension '${path.extensionId.slice(0, 64)}'.`,
    );
  }

  #toWire(record: SubscriptionRecord, pipeline: PipelineRecord | undefined): Subscription {
    const { store, calls, keeper } = this.#parts;
    return toSubscription(record, {
      isExtensionEnabled: store.extensions.find(record.extensionId)?.enabled === true,
      isExtensionReady: calls.isReady(record.extensionId),
      isHeld: keeper.isHeld(record),
      isPipelineActive: pipeline?.metadata.state === 'active',
      doRunsStart: !store.system.preferences().ignore_pipeline_run_events,
    });
  }
}

function deletedMeanwhile({ pipelineId, subscriptionId }: Pick<SubscriptionPath, 'pipelineId' | 'subscriptionId'>): GoferError {
  return new GoferError('NOT_FOUND', `Subscription '${subscriptionId}' of pipeline '${pipelineId}' was deleted meanwhile.`);
}
