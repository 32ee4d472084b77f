/** Which of the times that have passed are to be run, where some were missed. */

/** What was missed: nothing of it is run, its last tick is, or all of it. */
export const CATCH_UP = ['once', 'skip', 'all'] as const;
export type CatchUp = (typeof CATCH_UP)[number];

/** So many missed ticks are run at most: the latest ones. */
export const MOST_TICKS = 1_000;

export interface CatchUpPolicy {
  readonly catchUp: CatchUp;
  /** A tick is missed where it is not run within this time; until then each is run. */
  readonly onTimeMs: number;
}

/** `due`: ticks that have passed at `now` and were not run, ascending (all epoch milliseconds). Answers with those to run, ascending. */
export function ticksToRun(due: readonly number[], now: number, policy: CatchUpPolicy): readonly number[] {
  const firstOnTime = due.findIndex((tick) => now - tick <= policy.onTimeMs);
  const missed = firstOnTime === -1 ? due : due.slice(0, firstOnTime);
  const onTime = firstOnTime === -1 ? [] : due.slice(firstOnTime);
  if (policy.catchUp === 'skip') return onTime;
  return [...missed.slice(policy.catchUp === 'once' ? -1 : -MOST_TICKS), ...onTime];
}
