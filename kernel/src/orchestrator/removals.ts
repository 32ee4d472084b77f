/**
 * Takes ended attempts away from their scheduler, once their exit and their whole log are kept. It is done behind the run's back, a few
 * at a time, tried again while the engine cannot be reached, and remembered in the database: what a crash leaves behind is removed by
 * the next server.
 */
import { codeOf, type PluginLog, type Scheduler, type TaskHandle } from '@gofer/contracts';
import { type Clock, pause } from '../clock/clock.ts';
import type { Store } from '../storage/store.ts';

interface Removal {
  readonly attemptUid: string;
  readonly scheduler: Scheduler;
  readonly handle: TaskHandle;
  /** Its end was not observed: what its scheduler says of it now is kept beside it. */
  readonly isLost?: boolean;
}

interface Waiting {
  readonly removal: Removal;
  readonly done: () => void;
  /** How often it was tried already. */
  readonly tries: number;
}

const AT_ONCE = 8;
const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 10_000;
/** An engine that can be reached and refuses is asked so often. */
const MOST_TRIES = 5;
const MARK_AFTER_MS = 25;

export class Removals {
  readonly #store: Store;
  readonly #log: PluginLog;
  readonly #waiting: Waiting[] = [];
  readonly #clock: Clock;
  readonly #later = new Map<Waiting, () => void>();
  readonly #pending = new Set<Promise<void>>();
  readonly #removed: string[] = [];
  #marking: Promise<void> | undefined;
  #active = 0;
  #closed = false;

  constructor(store: Store, log: PluginLog, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
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
    this.#waiting.push({ removal, done, tries: 0 });
    this.#next();
  }

  /** Resolves when every removal that was added so far has been done, has failed for good or was left. */
  async drained(): Promise<void> {
    await Promise.all(this.#pending);
  }

  /** Takes no more; what waits is left to the next server. Resolves when nothing is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const forget of this.#later.values()) forget();
    for (const { done } of [...this.#waiting.splice(0), ...this.#later.keys()]) done();
    this.#later.clear();
    await this.drained();
  }

  #next(): void {
    while (this.#active < AT_ONCE) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#active += 1;
      void this.#remove(next);
    }
  }

  async #remove(waiting: Waiting): Promise<void> {
    const { attemptUid } = waiting.removal;
    try {
      await this.#take(waiting.removal);
      await this.#markRemoved(attemptUid);
      waiting.done();
    } catch (error) {
      const tries = waiting.tries + 1;
      // A full disk has no room for the mark or the evidence yet: that says nothing of the engine.
      const mayPass = codeOf(error) === 'UNAVAILABLE' || codeOf(error) === 'STORAGE_FULL';
      if (!this.#closed && (mayPass || tries < MOST_TRIES)) {
        this.#tryLater({ ...waiting, tries });
        return;
      }
      waiting.done();
      const reason = error instanceof Error ? error.message : String(error);
      this.#log('warn', 'an ended task could not be removed from its scheduler; the next start tries again', {
        attempt: attemptUid,
        reason,
      });
    }
  }

  async #take(removal: Removal): Promise<void> {
    try {
      if (removal.isLost === true) await this.#keepEvidence(removal);
      await removal.scheduler.remove(removal.handle);
    } finally {
      this.#active -= 1;
      this.#next();
    }
  }

  #tryLater(waiting: Waiting): void {
    const ms = Math.min(FIRST_RETRY_MS * 2 ** (waiting.tries - 1), LAST_RETRY_MS);
    const forget = this.#clock.after(ms, () => {
      this.#later.delete(waiting);
      this.#waiting.push(waiting);
      this.#next();
    });
    this.#later.set(waiting, forget);
  }

  /** It may have ended since it was given up, or run still: evidence for a person, which changes nothing. */
  async #keepEvidence({ attemptUid, scheduler, handle }: Removal): Promise<void> {
    const { state, exit } = await scheduler.inspect(handle);
    if (state === 'gone') return;
    const exitCode = exit?.kind === 'exited' ? { exitCode: exit.exitCode } : {};
    const description = exit === undefined ? `it was ${state} when it was removed` : (exit.reason ?? 'it had ended by itself');
    await this.#store.commit(() => this.#store.attempts.setLate(attemptUid, { ...exitCode, description, seen: this.#clock.now() }));
  }

  /** Nobody waits for it, and forgetting it costs one more removal that does nothing: so many share a commit. */
  #markRemoved(attemptUid: string): Promise<void> {
    this.#removed.push(attemptUid);
    this.#marking ??= pause(this.#clock, this.#closed ? 0 : MARK_AFTER_MS).then(() => {
      this.#marking = undefined;
      const removed = this.#removed.splice(0);
      return this.#store.commit(() => {
        for (const uid of removed) this.#store.attempts.markRemoved(uid);
      });
    });
    return this.#marking;
  }
}
