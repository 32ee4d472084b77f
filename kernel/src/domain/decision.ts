/** What the decider is told, and what it answers: plain data, which crosses threads. */
import type { FinalStatus } from './final-status.ts';
import type { RunStatus } from './run-result.ts';

export interface FinishedTask {
  /** Task number. */
  readonly task: number;
  readonly status: FinalStatus;
}

export interface SkippedTask {
  readonly task: number;
  /** The first of its parents that did not end as required. */
  readonly because: number;
}

/** A delta. Every task of a run is in `ready`, `skipped` or `cancelled` of exactly one decision, or ended without being decided. */
export interface Decision {
  /** Tasks that may run now, ascending. */
  readonly ready: readonly number[];
  /** Tasks that end now without having run, each behind those that it follows from. */
  readonly skipped: readonly SkippedTask[];
  /** Tasks of a cancelled run that end now without having been ready, ascending. Those that were ready are the caller's to stop. */
  readonly cancelled: readonly number[];
  /** Tasks that have not ended once this is applied. */
  readonly unfinished: number;
  /** Present if and only if `unfinished` is 0. */
  readonly runStatus?: RunStatus;
}
