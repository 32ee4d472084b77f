import type { ExtensionClock } from '../extension.ts';
import { Activity } from './activity.ts';

interface Timer {
  readonly time: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that stands until it is turned. */
export class VirtualClock implements ExtensionClock {
  readonly #activity: Activity;
  readonly #timers = new Set<Timer>();
  #now: number;
  #order = 0;

  constructor(now = Date.UTC(2026, 0, 1), activity = new Activity()) {
    this.#now = now;
    this.#activity = activity;
  }

  now(): number {
    return this.#now;
  }

  /** What has passed already is called by itself, without turning the clock. */
  at(time: number, callback: () => void): () => void {
    if (!(time > this.#now)) return this.#soon(callback);
    const timer: Timer = { time, order: this.#order++, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Turns it on by so many milliseconds. */
  async advance(milliseconds: number): Promise<void> {
    await this.advanceTo(this.#now + milliseconds);
  }

  /** Turns it to that time: what is due on the way is called in order, at its own time, and what it starts settles before the next is. */
  async advanceTo(time: number): Promise<void> {
    await this.#activity.settled();
    for (let timer = this.#next(time); timer !== undefined; timer = this.#next(time)) {
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, timer.time);
      timer.callback();
      await this.#activity.settled();
    }
    this.#now = Math.max(this.#now, time);
    await this.#activity.settled();
  }

  /** A clock of the same time, all of whose timers go when `forget` is called. */
  view(): { readonly clock: ExtensionClock; readonly forget: () => void } {
    const cancels = new Set<() => void>();
    let forgotten = false;
    const clock: ExtensionClock = {
      now: () => this.now(),
      at: (time, callback) => {
        if (forgotten) return () => {};
        const cancel = this.at(time, () => {
          cancels.delete(cancel);
          callback();
        });
        cancels.add(cancel);
        return () => {
          cancels.delete(cancel);
          cancel();
        };
      },
    };
    const forget = (): void => {
      forgotten = true;
      for (const cancel of cancels) cancel();
      cancels.clear();
    };
    return { clock, forget };
  }

  #soon(callback: () => void): () => void {
    const end = this.#activity.begin();
    const immediate = setImmediate(() => {
      end();
      callback();
    });
    return () => {
      clearImmediate(immediate);
      end();
    };
  }

  #next(until: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.time > until) continue;
      if (next === undefined || timer.time < next.time || (timer.time === next.time && timer.order < next.order)) next = timer;
    }
    return next;
  }
}
