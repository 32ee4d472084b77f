/** How long an extension that has ended waits until it is started again. */

const FIRST_MS = 1000;
/** Whoever was healthy for so long has not failed at its start: what counts against it is forgotten. */
export const STEADY_MS = 60_000;

/**
 * Milliseconds after the so-many-th failure in a row, from 1: doubled each time up to `longestMs`, of which between half and all
 * is waited, so that those that failed together do not come back together. `random`: 0 to below 1.
 */
export function restartDelay(failures: number, longestMs: number, random: number): number {
  const full = Math.min(FIRST_MS * 2 ** Math.min(failures - 1, 20), longestMs);
  return Math.round(full * (0.5 + random / 2));
}
