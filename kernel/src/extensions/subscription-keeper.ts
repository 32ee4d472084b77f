/**
 * Keeps extensions and the subscriptions that are stored of one mind. What is stored counts: a subscription is given to its extension in
 * each of its lives, once, and again only where the two may differ; one that is deleted or disabled is taken from it. What cannot be
 * done now is done when the extension is back, or tried again after a pause.
 */
import { codeOf, type PluginLog } from '@gofer/contracts';
import type { Clock } from '../clock/clock.ts';
import type { Store } from '../storage/store.ts';
import type { SubscriptionKey, SubscriptionRecord } from '../storage/subscriptions-table.ts';
import type { References } from '../stores/references.ts';
import { isBuiltIn } from './built-in-extensions.ts';
import type { DeliveryDispatcher } from './delivery-dispatcher.ts';
import type { ExtensionCalls } from './extension-calls.ts';
import { inParallel } from './in-parallel.ts';
import { NameQueues } from './name-queues.ts';
import { digestOf, type ResolvedParams, resolveParams } from './subscription-params.ts';
import { SubscriptionRetries } from './subscription-retries.ts';

export interface SubscriptionKeeperParts {
  readonly store: Store;
  readonly calls: ExtensionCalls;
  readonly references: References;
  readonly deliveries: Pick<DeliveryDispatcher, 'whileHeld'>;
  readonly clock: Clock;
  readonly log: PluginLog;
  /** Aborts when the server stops: what is under way is left to the next one. */
  readonly leave: AbortSignal;
}

/** How a subscription and its extension are with each other. `faulty`: the extension, or a reference, refuses it for now. */
type Standing = 'settled' | 'faulty' | 'unreachable';

/** At the same time, for one extension. */
const PARALLEL = 16;

export class SubscriptionKeeper {
  readonly #parts: SubscriptionKeeperParts;
  readonly #queues = new NameQueues();
  readonly #retries: SubscriptionRetries;
  /** By a subscription's uid, what was given last; what an earlier server gave is not known. */
  readonly #given = new Map<string, string>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(parts: SubscriptionKeeperParts) {
    this.#parts = parts;
    const retry = (extensionId: string, isReady: boolean): void =>
      this.#background(() => this.#reconcile(extensionId, isReady ? undefined : isToBeTaken));
    this.#retries = new SubscriptionRetries({ ...parts, retry });
    parts.calls.onHealthy(async (extensionId) => {
      this.#retries.forget(extensionId);
      await this.#reconcile(extensionId);
    });
  }

  /** Goes on with what an earlier server did not finish, where no extension is needed for it; the rest follows when that is healthy. */
  resume(): void {
    for (const record of this.#parts.store.subscriptions.unfinished()) this.settleSoon(record);
  }

  /** Nothing else happens to a subscription of this name until `work` has ended. */
  exclusively<T>(key: SubscriptionKey, work: () => Promise<T>): Promise<T> {
    return this.#queues.exclusively(JSON.stringify([key.extensionId, key.namespaceId, key.pipelineId, key.subscriptionId]), work);
  }

  /** Behind what is under way with it. */
  settleSoon(key: SubscriptionKey): void {
    this.#background(() => this.exclusively(key, () => this.settle(key)));
  }

  /**
   * Has those given to their extension again for which what they refer to stands for something else by now, or may. Resolves once it is
   * written down which those are; rejects where it could not be of all. What stands for nothing any more stays as the extension has it: by
   * its next start it is not given that.
   */
  async renew(extensionId: string, isMeant: (record: SubscriptionRecord) => boolean): Promise<void> {
    const records = this.#parts.store.subscriptions.ofExtension(extensionId).filter(isMeant);
    if (records.length === 0) return;
    try {
      await inParallel(records, PARALLEL, (record) => this.exclusively(record, () => this.#doubt(record)));
    } finally {
      this.#background(() => this.#reconcile(extensionId));
    }
  }

  /** Within `exclusively`: makes the extension agree with what is stored, or tries that again later. */
  async settle(key: SubscriptionKey): Promise<void> {
    let standing: Standing | undefined;
    try {
      standing = await this.#settle(key);
    } finally {
      // Also where it could not be written down.
      if (standing !== 'settled') this.#retries.later(key.extensionId);
    }
  }

  /** Resolves when nothing is under way; what waits for an extension, or for its time, is not. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    await this.#queues.settled();
  }

  /** True where the extension has it in its present life, with exactly these settings. */
  isHeld({ extensionId, givenTo, agreed }: SubscriptionRecord): boolean {
    return agreed && givenTo !== undefined && givenTo === this.#parts.store.subscriptions.currentStart(extensionId);
  }

  /**
   * Within `exclusively`: has the extension take the subscription with these parameters, in the place of what it may have of it. Rejects
   * as `ExtensionCalls.subscribe` does; then it is not known whether it has it, unless it has refused it: then it may have what it had.
   */
  async hand(record: SubscriptionRecord, resolved: ResolvedParams): Promise<void> {
    const { store, calls } = this.#parts;
    const { extensionId } = record;
    this.#given.delete(record.uid);
    const start = store.subscriptions.currentStart(extensionId);
    if (record.agreed || record.givenTo !== start) await store.commit(() => store.subscriptions.give(record.uid, start));
    await this.withoutGap(record, async () => {
      // One that has none may fail to be told: then the other call counts.
      const isGone = this.#replaces(extensionId) ? !this.#mayHaveIt(record) : await this.take(record);
      try {
        await calls.subscribe(extensionId, { ...toName(record), ...resolved, created: record.created });
        this.noteGiven(record.uid, resolved);
      } catch (error) {
        if (isGone && codeOf(error) === 'INVALID_ARGUMENT') await this.#forgetGiven(record);
        throw error;
      }
    });
  }

  /** `work` gives it anew: where its extension is to let go of it first it is handed no events meanwhile, which it would refuse for good. */
  withoutGap<T>(record: SubscriptionRecord, work: () => Promise<T>): Promise<T> {
    if (!this.#mayHaveIt(record) || this.#replaces(record.extensionId)) return work();
    return this.#parts.deliveries.whileHeld(record.extensionId, work, this.#parts.leave);
  }

  /** Its extension has it with these. */
  noteGiven(uid: string, resolved: ResolvedParams): void {
    this.#given.set(uid, digestOf(resolved));
  }

  /** Within `exclusively`: has the extension let go of it. False where it may still have it. */
  async take(record: SubscriptionRecord): Promise<boolean> {
    if (!this.#mayHaveIt(record)) return true;
    try {
      await this.#parts.calls.unsubscribe(record.extensionId, toName(record));
      return true;
    } catch (error) {
      this.#parts.log('debug', `the extension '${record.extensionId}' could not be told that a subscription has ended`, {
        subscription: record.subscriptionId,
        error: messageOf(error),
      });
      return false;
    }
  }

  /** Within `exclusively`: of one that nobody sees. False where its row stays until the extension can be told. */
  async discard(record: SubscriptionRecord): Promise<boolean> {
    const { store } = this.#parts;
    if (!(await this.take(record))) {
      this.#retries.later(record.extensionId);
      return false;
    }
    await store.commit(() => store.subscriptions.delete(record.uid));
    this.#given.delete(record.uid);
    return true;
  }

  /** Within `exclusively`: marks one that the extension may have with something else than it is to have. */
  async #doubt(key: SubscriptionKey): Promise<void> {
    const { store, references, log, leave } = this.#parts;
    const record = store.subscriptions.find(key);
    if (record === undefined || !record.enabled || record.intent !== undefined || !this.isHeld(record)) return;
    try {
      if (digestOf(await resolveParams(references, record, leave)) === this.#given.get(record.uid)) return;
    } catch (error) {
      if (codeOf(error) === 'FAILED_PRECONDITION') return;
      leave.throwIfAborted();
      const reason = { subscription: record.subscriptionId, error: messageOf(error) };
      log('debug', `what a subscription to '${record.extensionId}' refers to could not be looked up; it is tried again later`, reason);
    }
    await this.#conclude(record, { agreed: false, fault: record.fault });
  }

  async #settle(key: SubscriptionKey): Promise<Standing> {
    const record = this.#parts.store.subscriptions.find(key);
    if (record === undefined) return 'settled';
    // Whoever was making it would be here instead.
    if (record.intent === 'create' || record.intent === 'delete') return (await this.discard(record)) ? 'settled' : 'unreachable';
    if (record.enabled) return this.#give(record);
    if (record.intent === undefined) return 'settled';
    if (!(await this.take(record))) return 'unreachable';
    await this.#forgetGiven(record);
    await this.#conclude(record, { agreed: false });
    return 'settled';
  }

  async #give(record: SubscriptionRecord): Promise<Standing> {
    if (record.intent === undefined && this.isHeld(record)) return 'settled';
    const { references, leave } = this.#parts;
    try {
      await this.hand(record, await resolveParams(references, record, leave));
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'INVALID_ARGUMENT' && code !== 'FAILED_PRECONDITION') {
        this.#parts.log('debug', `the extension '${record.extensionId}' could not be given a subscription`, {
          subscription: record.subscriptionId,
          error: messageOf(error),
        });
        return 'unreachable';
      }
      if (code === 'INVALID_ARGUMENT' && this.#replaces(record.extensionId)) await this.#takeFormer(record);
      await this.#conclude(record, { agreed: false, fault: messageOf(error) });
      return 'faulty';
    }
    await this.#conclude(record, { agreed: true });
    return 'settled';
  }

  /** What it was given before does not go on in the place of what it refuses. */
  async #takeFormer({ uid }: SubscriptionRecord): Promise<void> {
    const record = this.#parts.store.subscriptions.byUid(uid);
    if (record !== undefined && (await this.take(record))) await this.#forgetGiven(record);
  }

  /** What an extension does not have it is not told to let go of: those of v0 do not answer that. */
  async #forgetGiven({ uid }: SubscriptionRecord): Promise<void> {
    const { store } = this.#parts;
    await store.commit(() => store.subscriptions.give(uid, undefined));
  }

  async #conclude({ uid }: SubscriptionRecord, outcome: { agreed: boolean; fault?: string | undefined }): Promise<void> {
    const { store } = this.#parts;
    await store.commit(() => {
      // One that was deleted meanwhile is behind this in its queue.
      const intent = store.subscriptions.byUid(uid)?.intent;
      if (intent !== 'delete') store.subscriptions.settle(uid, outcome);
    });
  }

  /** Rejects never: an extension is ready also where something of its subscriptions is not. */
  async #reconcile(extensionId: string, isMeant: (record: SubscriptionRecord) => boolean = () => true): Promise<void> {
    const { store, log, leave } = this.#parts;
    const records = store.subscriptions
      .ofExtension(extensionId)
      .filter((record) => (record.intent !== undefined || (record.enabled && !this.isHeld(record))) && isMeant(record))
      // What starts runs goes before what is only to be forgotten.
      .toSorted((a, b) => Number(isToBeTaken(a)) - Number(isToBeTaken(b)));
    const standings: Standing[] = [];
    const isHopeless = (): boolean => standings.filter((standing) => standing === 'unreachable').length >= PARALLEL;
    const settle = async (record: SubscriptionRecord): Promise<void> => {
      standings.push(await this.exclusively(record, () => this.#settle(record)));
    };
    try {
      // An extension that does not answer is not asked for each of them.
      await inParallel(records, PARALLEL, settle, () => leave.aborted || isHopeless());
      if (standings.some((standing) => standing !== 'settled')) this.#retries.later(extensionId);
      else this.#retries.succeeded(extensionId);
    } catch (error) {
      if (leave.aborted) return;
      log('error', `the subscriptions of the extension '${extensionId}' could not be looked through; they are again later`, {
        error: messageOf(error),
      });
      this.#retries.later(extensionId);
    }
  }

  #mayHaveIt({ extensionId, givenTo }: SubscriptionRecord): boolean {
    return givenTo !== undefined && givenTo === this.#parts.store.subscriptions.currentStart(extensionId);
  }

  /** Those that come with the server have the new one in the place of the old; of v0's one keeps what it has, another has both. */
  #replaces(extensionId: string): boolean {
    return isBuiltIn(this.#parts.store.extensions.find(extensionId)?.image ?? '');
  }

  #background(work: () => Promise<void>): void {
    const { log, leave } = this.#parts;
    const pending: Promise<void> = work()
      .catch((error: unknown) => {
        if (leave.aborted) return;
        log('error', 'a subscription could not be seen to; it is tried again later', { error: messageOf(error) });
      })
      .finally(() => this.#underWay.delete(pending));
    this.#underWay.add(pending);
  }
}

function isToBeTaken({ intent, enabled }: SubscriptionRecord): boolean {
  return !enabled || intent === 'create' || intent === 'delete';
}

function toName({ namespaceId, pipelineId, subscriptionId }: SubscriptionKey) {
  return { namespaceId, pipelineId, subscriptionId };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
