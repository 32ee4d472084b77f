/** Which runs give way where more runs of a pipeline want to run than may (the pipeline's `concurrency`). Pure. */
import type { Concurrency } from '@gofer/contracts/pipeline';

/**
 * `runs`: those of one pipeline that have not ended and are not being ended, oldest first; `limit` of them may run at once. Queued runs
 * count like those that have begun, so that with `cancelOldest` the newest `limit` are left, and with `cancelNewest` the oldest.
 */
export function runsThatGiveWay<Run>(concurrency: Concurrency, limit: number, runs: readonly Run[]): readonly Run[] {
  const tooMany = runs.length - limit;
  if (concurrency === 'queue' || !(tooMany > 0)) return [];
  return concurrency === 'cancelOldest' ? runs.slice(0, tooMany) : runs.slice(runs.length - tooMany);
}
