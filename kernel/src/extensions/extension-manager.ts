/** All extensions of a server: one supervisor for each that is enabled, and what the rest of the kernel asks of those that run. */
import { codeOf, GoferError } from '@gofer/contracts';
import type { ExtensionDocumentation } from '@gofer/contracts/api';
import { pause } from '../clock/clock.ts';
import type { ExtensionRecord } from '../storage/extensions-table.ts';
import type { DeliveryAnswer, ExtensionCalls, GivenSubscription, HandedEvent, SubscriptionName } from './extension-calls.ts';
import type { ExtensionClient } from './extension-client.ts';
import { messageOf } from './extension-log.ts';
import { isUnfinished } from './extension-starts.ts';
import { type ExtensionView, NOT_STARTED } from './extension-view.ts';
import { restartDelay } from './restart-delay.ts';
import { SupervisedExtension, type SupervisionParts } from './supervised-extension.ts';
import { unlessAborted } from './unless-aborted.ts';

export interface ExtensionManagerParts extends SupervisionParts {
  /** How long an extension that is disabled, changed or uninstalled has to end by itself, milliseconds. */
  readonly stopGraceMs: number;
  /** Removes from the schedulers what no start is known for. Rejects with `UNAVAILABLE`, and with `CANCELLED` when `leave` aborts. */
  readonly sweep: (isKnown: (startUid: string) => boolean, leave: AbortSignal) => Promise<void>;
}

/** How long the end of all may take beyond what each of them has for it. */
const LATE_END_MS = 5000;
/** How long whoever wants something of one that is just being started waits for it. */
const SETTLE_MS = 10_000;

export class ExtensionManager implements ExtensionCalls {
  readonly #parts: ExtensionManagerParts;
  readonly #supervised = new Map<string, SupervisedExtension>();
  /** Those that are ended. */
  readonly #stopping = new Set<SupervisedExtension>();
  /** Of each extension's uid, those of it that are to end first. */
  readonly #ending = new Map<string, Promise<void>>();
  readonly #healthy: ((extensionId: string) => Promise<void>)[] = [];
  readonly #ready: ((extensionId: string) => void)[] = [];
  readonly #changed = new Set<() => void>();
  readonly #leave = new AbortController();
  #tidying: Promise<void> = Promise.resolve();
  #isStarted = false;

  constructor(parts: ExtensionManagerParts) {
    this.#parts = parts;
  }

  /** Starts what is enabled, behind everybody's back. To be called once the server can be reached. */
  start(): void {
    const { store } = this.#parts;
    this.#isStarted = true;
    const extensions = store.extensions.list();
    // Nobody knows what became of these: what there is of them is removed.
    const lost = new Set(
      store.extensionStarts
        .unfinished()
        .filter(({ handle }) => handle === undefined)
        .map(({ uid }) => uid),
    );
    for (const record of extensions) this.apply(record);
    this.#tidying = this.#tidy(new Set(extensions.filter(({ enabled }) => enabled).map(({ uid }) => uid)), lost);
  }

  /** After the commit that installed or changed it: what runs of it ends, and it is started anew where it is enabled. */
  apply(record: ExtensionRecord): void {
    const former = this.#supervised.get(record.id);
    const supervised = record.enabled && this.#isStarted ? this.#supervise(record) : undefined;
    // Whoever waits for it never sees that there is none.
    if (supervised === undefined) this.#supervised.delete(record.id);
    else this.#supervised.set(record.id, supervised);
    if (former !== undefined) this.#track(former, this.#parts.stopGraceMs);
    supervised?.run(this.#ending.get(record.uid));
  }

  /**
   * Starts one anew that would be given something else now, such as another secret; false where it would not, or what it refers to stands
   * for nothing. Rejects with `UNAVAILABLE` where that cannot be found out.
   */
  async renew(id: string): Promise<boolean> {
    const { store, environments } = this.#parts;
    const supervised = this.#supervised.get(id);
    const record = store.extensions.find(id);
    if (supervised === undefined || record === undefined) return false;
    try {
      const { fingerprint } = await environments.prepare(record);
      if (store.extensionStarts.listOf(record.uid).at(-1)?.fingerprint === fingerprint) return false;
    } catch (error) {
      if (codeOf(error) === 'FAILED_PRECONDITION' || codeOf(error) === 'DATA_LOSS') return false;
      throw error;
    }
    // Somebody else may have changed it meanwhile, and so started it anew.
    if (this.#supervised.get(id) !== supervised) return true;
    this.#parts.log('info', `the extension '${id}' is started anew: a secret that its settings refer to was stored anew`);
    this.apply(record);
    return true;
  }

  /**
   * After the commit that uninstalled it. Resolves when it has ended and its logs are gone; where that takes longer than it may, as its
   * scheduler cannot be reached, it goes on behind everybody's back.
   */
  async remove({ id, uid }: Pick<ExtensionRecord, 'id' | 'uid'>): Promise<void> {
    const gone = this.#end(id, uid).then(() => this.#forget(uid));
    await this.#isWithin(gone, this.#parts.stopGraceMs + LATE_END_MS);
  }

  /**
   * Ends all of them; nothing is started afterwards. `graceMs`: how long each has to end by itself. What has not ended soon after that, as
   * where its scheduler cannot be reached, is left to the next server.
   */
  async stop(graceMs: number): Promise<void> {
    this.#isStarted = false;
    this.#leave.abort();
    for (const supervised of this.#supervised.values()) this.#track(supervised, graceMs);
    const ended = Promise.all([...this.#ending.values(), this.#tidying]);
    if (await this.#isWithin(ended, graceMs + LATE_END_MS)) return;
    for (const supervised of this.#stopping) {
      this.#parts.log('warn', `the extension '${supervised.record.id}' has not ended, and is left to the next start of the server`);
      supervised.leave();
    }
    await this.#isWithin(ended, LATE_END_MS);
  }

  async #isWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
    const patience = new AbortController();
    const forget = this.#parts.clock.after(ms, () => patience.abort());
    try {
      await unlessAborted(work, patience.signal);
      return true;
    } catch (error) {
      if (!patience.signal.aborted) throw error;
      return false;
    } finally {
      forget();
    }
  }

  view(extensionId: string): ExtensionView {
    const supervised = this.#supervised.get(extensionId) ?? [...this.#stopping].findLast(({ record }) => record.id === extensionId);
    return supervised?.view ?? NOT_STARTED;
  }

  /** Calls `listener` whenever what is shown of an extension, or its starts, may have changed, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#changed.add(listener);
    return () => this.#changed.delete(listener);
  }

  /** Resolves once it is ready, could not be started or is not to run, or after so many milliseconds, or when `signal` aborts. */
  async whenReady(extensionId: string, ms: number, signal: AbortSignal): Promise<void> {
    if (ms === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      const supervised = this.#supervised.get(extensionId);
      if (supervised === undefined || supervised.isReady || supervised.hasEnded || !this.#isStarted) resolve();
    };
    const done = (): void => resolve();
    const [forgetChange, forgetTime] = [this.onChange(look), this.#parts.clock.after(ms, done)];
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
    look();
    await promise;
    signal.removeEventListener('abort', done);
    forgetChange();
    forgetTime();
  }

  async whenSettled(extensionId: string): Promise<void> {
    if (this.view(extensionId).state === 'processing') await this.whenReady(extensionId, SETTLE_MS, this.#leave.signal);
  }

  isReady(extensionId: string): boolean {
    return this.#supervised.get(extensionId)?.isReady === true;
  }

  documentation(extensionId: string): ExtensionDocumentation | undefined {
    return this.#parts.store.extensions.find(extensionId)?.documentation;
  }

  async subscribe(extensionId: string, subscription: GivenSubscription): Promise<void> {
    await this.#running(extensionId).subscribe(subscription);
  }

  async unsubscribe(extensionId: string, name: SubscriptionName): Promise<void> {
    await this.#running(extensionId).unsubscribe(name);
  }

  async deliver(extensionId: string, event: HandedEvent): Promise<DeliveryAnswer> {
    return this.#running(extensionId).deliver(event);
  }

  async debug(extensionId: string): Promise<string> {
    return this.#running(extensionId).debug();
  }

  onHealthy(listener: (extensionId: string) => Promise<void>): void {
    this.#healthy.push(listener);
  }

  onReady(listener: (extensionId: string) => void): void {
    this.#ready.push(listener);
  }

  #running(extensionId: string): ExtensionClient {
    const client = this.#supervised.get(extensionId)?.client;
    if (client !== undefined) return client;
    const { reason } = this.view(extensionId);
    const isDisabled = this.#parts.store.extensions.find(extensionId)?.enabled === false;
    const why = isDisabled ? 'it is disabled' : reason;
    throw new GoferError('UNAVAILABLE', `The extension '${extensionId.slice(0, 64)}' does not run${why === undefined ? '' : `: ${why}`}.`);
  }

  #supervise(record: ExtensionRecord): SupervisedExtension {
    const { id } = record;
    return new SupervisedExtension(record, this.#parts, {
      changed: () => this.#notify(),
      started: () => this.#notify(),
      healthy: async () => {
        for (const listener of this.#healthy) await this.#tell(id, listener);
      },
      ready: () => {
        for (const listener of this.#ready) listener(id);
      },
    });
  }

  /** What goes wrong for one of those who want to know is theirs; the extension and the others go on. */
  async #tell(id: string, listener: (extensionId: string) => Promise<void>): Promise<void> {
    try {
      await listener(id);
    } catch (error) {
      this.#parts.log('error', `the extension '${id}' could not be given what it is to have`, { reason: messageOf(error) });
    }
  }

  async #end(id: string, uid: string): Promise<void> {
    const supervised = this.#supervised.get(id);
    if (supervised !== undefined && supervised.record.uid === uid) {
      this.#supervised.delete(id);
      this.#track(supervised, this.#parts.stopGraceMs);
    }
    await this.#ending.get(uid);
  }

  #track(supervised: SupervisedExtension, graceMs: number): void {
    const { uid } = supervised.record;
    this.#stopping.add(supervised);
    const all = Promise.all([this.#ending.get(uid), supervised.stop(graceMs)]).then(() => {
      this.#stopping.delete(supervised);
      if (this.#ending.get(uid) === all) this.#ending.delete(uid);
      this.#notify();
    });
    this.#ending.set(uid, all);
  }

  /** What earlier servers have left of extensions that are not to run. `enabled`: the uids of those that see to it themselves; `lost`: starts whose handle is not known. */
  async #tidy(enabled: ReadonlySet<string>, lost: ReadonlySet<string>): Promise<void> {
    const { store, clock, log, random, sweep, starts, hosts, times } = this.#parts;
    const signal = this.#leave.signal;
    for (let failures = 1; !signal.aborted; failures += 1) {
      try {
        for (const start of store.extensionStarts.unfinished()) {
          if (enabled.has(start.extensionUid) || this.#isSupervised(start.extensionUid)) continue;
          await starts.finish(start, hosts.ofEngine(start.engine), 'the server that had started it ended before it');
        }
        for (const { extensionUid } of store.extensionStarts.orphans()) await starts.prune(extensionUid, 0);
        await sweep((uid) => {
          const start = store.extensionStarts.find(uid);
          return start !== undefined && isUnfinished(start) && !lost.has(uid);
        }, signal);
        return;
      } catch (error) {
        log('warn', 'what is left of extensions that do not run any more could not be removed, trying again', { reason: messageOf(error) });
        await pause(clock, restartDelay(failures, times.longestRestartMs, random()), signal).catch(() => {
          // The server stops, which the loop finds out.
        });
      }
    }
  }

  #isSupervised(uid: string): boolean {
    return this.#ending.has(uid) || [...this.#supervised.values()].some(({ record }) => record.uid === uid);
  }

  async #forget(uid: string): Promise<void> {
    const { store, starts, hosts, log } = this.#parts;
    try {
      for (const start of store.extensionStarts.listOf(uid).filter(isUnfinished))
        await starts.finish(start, hosts.ofEngine(start.engine), 'the extension was uninstalled');
      await starts.prune(uid, 0);
    } catch (error) {
      log('warn', 'what is left of an extension that was uninstalled is removed at the next start of the server', {
        extension: uid,
        reason: messageOf(error),
      });
    }
  }

  #notify(): void {
    for (const listener of this.#changed) listener();
  }
}
