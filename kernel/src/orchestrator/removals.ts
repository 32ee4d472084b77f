/**
 * Takes ended attempts away from their scheduler, once their exit and their whole log are kept. It is done behind the run's back, a few
 * at a time, and remembered in the database: what a crash or an unreachable engine leaves behind is removed by a later sweep.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { PluginLog, Scheduler, TaskHandle } from '@gofer/contracts';
import type { Store } from '../storage/store.ts';

interface Removal {
  readonly attemptUid: string;
  readonly scheduler: Scheduler;
  readonly handle: TaskHandle;
}

const AT_ONCE = 8;
const MARK_AFTER_MS = 25;

export class Removals {
  readonly #store: Store;
  readonly #log: PluginLog;
  readonly #waiting: { readonly removal: Removal; readonly done: () => void }[] = [];
  readonly #pending = new Set<Promise<void>>();
  readonly #removed: string[] = [];
  #marking: Promise<void> | undefined;
  #active = 0;
  #closed = false;

  constructor(store: Store, log: PluginLog) {
    this.#store = store;
    this.#log = log;
  }

  add(removal: Removal): void {
    if (this.#closed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#pending.add(promise);
    const done = (): void => {
      this.#pending.delete(promise);
      resolve();
    };
    this.#waiting.push({ removal, done });
    this.#next();
  }

  /** Resolves when every removal that was added so far has been done, has failed or was left. */
  async drained(): Promise<void> {
    await Promise.all(this.#pending);
  }

  /** Takes no more; what waits is left to the next sweep. Resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { done } of this.#waiting.splice(0)) done();
    await this.drained();
  }

  #next(): void {
    while (this.#active < AT_ONCE) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#active += 1;
      void this.#remove(next.removal).finally(next.done);
    }
  }

  async #remove({ attemptUid, scheduler, handle }: Removal): Promise<void> {
    try {
      await scheduler.remove(handle).finally(() => {
        this.#active -= 1;
        this.#next();
      });
      await this.#markRemoved(attemptUid);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#log('warn', 'an ended task could not be removed from its scheduler; the next sweep tries again', {
        attempt: attemptUid,
        reason,
      });
    }
  }

  /** Nobody waits for it, and forgetting it costs one more removal that does nothing: so many share a commit. */
  #markRemoved(attemptUid: string): Promise<void> {
    this.#removed.push(attemptUid);
    this.#marking ??= delay(this.#closed ? 0 : MARK_AFTER_MS).then(() => {
      this.#marking = undefined;
      const removed = this.#removed.splice(0);
      return this.#store.commit(() => {
        for (const uid of removed) this.#store.attempts.markRemoved(uid);
      });
    });
    return this.#marking;
  }
}
