/**
 * Time that passes only when somebody says so: what waits for hours is over at once, and what happens at which moment is always the same.
 * The wall clock can be set without what is waited for noticing, as an administrator may set a machine's.
 */
import type { Clock } from './clock.ts';

interface Timer {
  /** By `monotonic`. */
  readonly at: number;
  readonly act: () => void;
}

export class VirtualClock implements Clock {
  #elapsed = 0;
  #wallAhead: number;
  /** By time, and those of one moment in the order in which they were asked for. */
  readonly #timers: Timer[] = [];

  /** `start`: what the wall clock says now, epoch milliseconds. */
  constructor(start: number) {
    this.#wallAhead = start;
  }

  now(): number {
    return Math.floor(this.#wallAhead + this.#elapsed);
  }

  monotonic(): number {
    return this.#elapsed;
  }

  after(ms: number, act: () => void): () => void {
    const timer = { at: this.#elapsed + Math.max(ms, 0), act };
    const behind = this.#timers.findIndex(({ at }) => at > timer.at);
    this.#timers.splice(behind < 0 ? this.#timers.length : behind, 0, timer);
    return () => {
      const index = this.#timers.indexOf(timer);
      if (index >= 0) this.#timers.splice(index, 1);
    };
  }

  /** How many timers wait. */
  get waiting(): number {
    return this.#timers.length;
  }

  /** When the next timer is due, by `monotonic`; undefined where none waits. What should have been called already is due in the past. */
  get nextAt(): number | undefined {
    return this.#timers[0]?.at;
  }

  /** Goes to the moment of the next timer, if that is not past, and calls it; false where none waits. */
  advance(): boolean {
    const timer = this.#timers.shift();
    if (timer === undefined) return false;
    this.#elapsed = Math.max(this.#elapsed, timer.at);
    timer.act();
    return true;
  }

  /** Lets time pass and calls nobody, like a machine that stands still: what was due meanwhile is called late. */
  stall(ms: number): void {
    this.#elapsed += ms;
  }

  /** Sets the wall clock forward, or back where `ms` is negative. */
  stepWall(ms: number): void {
    this.#wallAhead += ms;
  }
}

/** Resolves once nothing is left to do but to wait for time or for the outside: no turn of the event loop is asked for any more. */
export async function quiet(): Promise<void> {
  do await turn();
  while (turnsAskedFor() > 0);
}

/** The next turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** How many callbacks wait for a turn of the event loop. */
export function turnsAskedFor(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Immediate').length;
}
