/**
 * The runs that an earlier server has left, taken up a few at a time so that the server answers meanwhile, in the order in which they
 * are to go on. What is asked for while that lasts waits behind them; a run that somebody asks about is taken up at once.
 */
import type { RunRecord } from '../storage/runs-table.ts';

/** Runs that are taken up in one turn of the event loop: some milliseconds. */
const BATCH = 32;

export class Recovery {
  readonly #takeUp: (run: RunRecord) => void;
  readonly #leave: AbortSignal;
  readonly #waiting = new Map<string, RunRecord>();

  constructor(takeUp: (run: RunRecord) => void, leave: AbortSignal) {
    this.#takeUp = takeUp;
    this.#leave = leave;
  }

  get remaining(): number {
    return this.#waiting.size;
  }

  has(runUid: string): boolean {
    return this.#waiting.has(runUid);
  }

  /** The first ones are taken up before this returns. */
  begin(runs: readonly RunRecord[]): void {
    for (const run of runs) this.#waiting.set(run.uid, run);
    this.#batch();
  }

  /** Takes its place behind all that wait. */
  append(run: RunRecord): void {
    this.#waiting.set(run.uid, run);
  }

  /** Now, out of its turn. */
  takeUp(runUid: string): void {
    const run = this.#waiting.get(runUid);
    if (run === undefined) return;
    this.#waiting.delete(runUid);
    this.#takeUp(run);
  }

  #batch(): void {
    if (this.#leave.aborted) return;
    let left = BATCH;
    for (const runUid of this.#waiting.keys()) {
      if (left === 0) break;
      left -= 1;
      this.takeUp(runUid);
    }
    if (this.#waiting.size > 0) setImmediate(() => this.#batch());
  }
}
