/**
 * Takes ended attempts away from their scheduler, once their exit and their whole log are kept. It is done behind the run's back, a few
 * at a time, and remembered in the database: what a crash or an unreachable engine leaves behind is removed by a later sweep.
 */
import type { PluginLog, Scheduler, TaskHandle } from '@gofer/contracts';
import type { Store } from '../storage/store.ts';

interface Removal {
  readonly attemptUid: string;
  readonly scheduler: Scheduler;
  readonly handle: TaskHandle;
}

const AT_ONCE = 8;

export class Removals {
  readonly #store: Store;
  readonly #log: PluginLog;
  readonly #waiting: Removal[] = [];
  #active = 0;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(store: Store, log: PluginLog) {
    this.#store = store;
    this.#log = log;
  }

  add(removal: Removal): void {
    if (this.#closed) return;
    this.#waiting.push(removal);
    this.#next();
  }

  /** Resolves when nothing is under way or waits. */
  async drained(): Promise<void> {
    if (this.#active === 0 && this.#waiting.length === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** Takes no more; what waits is left to the next sweep. Resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting.length = 0;
    await this.drained();
  }

  #next(): void {
    while (this.#active < AT_ONCE) {
      const removal = this.#waiting.shift();
      if (removal === undefined) break;
      this.#active += 1;
      void this.#remove(removal).finally(() => {
        this.#active -= 1;
        this.#next();
      });
    }
    if (this.#active > 0 || this.#waiting.length > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #remove(removal: Removal): Promise<void> {
    try {
      await removal.scheduler.remove(removal.handle);
      await this.#store.commit(() => this.#store.attempts.markRemoved(removal.attemptUid));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#log('warn', 'an ended task could not be removed from its scheduler; the next sweep tries again', {
        attempt: removal.attemptUid,
        reason,
      });
    }
  }
}
