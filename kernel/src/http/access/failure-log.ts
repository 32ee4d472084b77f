/** Wrong credentials, for the operator: a line for each address and minute, however many there are, so that the log is no target itself. */
import type { PluginLog } from '@gofer/contracts';

const WINDOW_MS = 60_000;
/** Addresses that are told apart at once; those beyond are one. */
const MOST_ADDRESSES = 1000;
const OTHERS = 'others';

export class FailureLog {
  readonly #log: PluginLog;
  readonly #now: () => number;
  /** Address → when its window began, and what was not told since; oldest first. */
  readonly #windows = new Map<string, { began: number; untold: number }>();

  constructor(log: PluginLog, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  failed(address: string): void {
    const now = this.#now();
    this.#forget(now);
    const known = this.#windows.has(address) || this.#windows.size < MOST_ADDRESSES ? address : OTHERS;
    const window = this.#windows.get(known);
    if (window !== undefined) {
      window.untold += 1;
      return;
    }
    this.#windows.set(known, { began: now, untold: 0 });
    this.#log('warn', 'wrong credentials', { address: known });
  }

  /** What was not told of windows that are over is told now. */
  #forget(now: number): void {
    for (const [address, { began, untold }] of this.#windows) {
      if (began + WINDOW_MS > now) return;
      this.#windows.delete(address);
      if (untold > 0)
        this.#log('warn', 'wrong credentials, again', { address, requests: untold, seconds: Math.round((now - began) / 1000) });
    }
  }
}
