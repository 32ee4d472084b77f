import type { PluginLog } from '@gofer/contracts';
import type { Clock } from '../clock/clock.ts';
import type { Store } from '../storage/store.ts';
import { DeliveryQueue, type DeliveryQueueParts } from './delivery-queue.ts';
import type { ExtensionCalls } from './extension-calls.ts';

export interface DeliveryDispatcherParts {
  readonly store: Store;
  readonly calls: Pick<ExtensionCalls, 'isReady' | 'deliver' | 'onReady'>;
  readonly clock: Clock;
  /** At least 0, less than 1. */
  readonly random: () => number;
  readonly log: PluginLog;
}

/** Sees to it that what came in from outside reaches its extensions. Each has a queue of its own: one that does not answer holds up nobody else. */
export class DeliveryDispatcher {
  readonly #parts: DeliveryQueueParts;
  readonly #leave = new AbortController();
  readonly #queues = new Map<string, DeliveryQueue>();

  constructor(parts: DeliveryDispatcherParts) {
    this.#parts = { ...parts, leave: this.#leave.signal };
    parts.calls.onReady((extensionId) => this.arrived(extensionId));
  }

  /** Goes on with what an earlier server has left, for extensions that are ready; the others are waited for. */
  start(): void {
    for (const id of this.#parts.store.deliveries.receiversOfPending()) this.arrived(id);
  }

  /** Something for this extension was committed, or it has become ready. */
  arrived(extensionId: string): void {
    this.#queueOf(extensionId).advance();
  }

  /**
   * The extension is handed nothing while `work` is under way, which begins once it has answered all that it was handed, or the time for that
   * has passed. Rejects with `UNAVAILABLE`, and begins nothing, where `stopping` aborts before.
   */
  whileHeld<T>(extensionId: string, work: () => Promise<T>, stopping: AbortSignal): Promise<T> {
    return this.#queueOf(extensionId).whileHeld(work, stopping);
  }

  /** Hands nothing over any more, and waits so long for the answers to what was; the rest is handed over again by the next server. */
  async close(graceMs: number): Promise<void> {
    this.#leave.abort();
    // What waits for its time does not any more.
    for (const queue of this.#queues.values()) queue.advance();
    const { promise: graceEnded, resolve } = Promise.withResolvers<void>();
    const cancel = this.#parts.clock.after(graceMs, resolve);
    await Promise.race([graceEnded, Promise.all([...this.#queues.values()].map((queue) => queue.settled()))]);
    cancel();
  }

  #queueOf(extensionId: string): DeliveryQueue {
    const known = this.#queues.get(extensionId);
    if (known !== undefined) return known;
    const queue = new DeliveryQueue(extensionId, this.#parts);
    this.#queues.set(extensionId, queue);
    return queue;
  }
}
