/**
 * Proves again and again that nothing is forgotten: every run that has not ended has a loop, and every loop somebody who moves it on. A
 * state without an owner is a fault of this program; it is logged, counted and mended.
 */
import type { PluginLog } from '@gofer/contracts';
import type { Clock } from '../clock/clock.ts';

export interface Neglected {
  readonly runUid: string;
  /** For a person. */
  readonly what: string;
  readonly mend: () => void;
}

export interface WatchdogReport {
  readonly checks: number;
  /** States that nobody owned, since the server was started. */
  readonly mended: number;
  /** When it looked last, epoch milliseconds; 0 before the first time. */
  readonly checkedAt: number;
}

const EVERY_MS = 15_000;

export class Watchdog {
  readonly #find: () => Iterable<Neglected>;
  readonly #log: PluginLog;
  readonly #clock: Clock;
  #report: WatchdogReport = { checks: 0, mended: 0, checkedAt: 0 };
  #forget = (): void => {};

  constructor(find: () => Iterable<Neglected>, log: PluginLog, clock: Clock) {
    this.#find = find;
    this.#log = log;
    this.#clock = clock;
  }

  get report(): WatchdogReport {
    return this.#report;
  }

  start(): void {
    this.#forget = this.#clock.after(EVERY_MS, () => {
      this.check();
      this.start();
    });
  }

  stop(): void {
    this.#forget();
  }

  /** Answers with how many states it had to mend. */
  check(): number {
    const found = [...this.#find()];
    for (const { runUid, what, mend } of found) {
      this.#log('error', 'a run that nobody moved on was found and mended: this is a fault of Gofer, please report it', {
        run: runUid,
        what,
      });
      mend();
    }
    const { checks, mended } = this.#report;
    this.#report = { checks: checks + 1, mended: mended + found.length, checkedAt: this.#clock.now() };
    return found.length;
  }
}
