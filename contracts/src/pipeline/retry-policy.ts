import type { RetryBackoff, RetryCause, RetrySettings } from './pipeline-definition.ts';

export interface RetryPolicy {
  /** Further attempts after the first. */
  readonly retries: number;
  readonly retryOn: readonly RetryCause[];
  /** Seconds and a factor; see `RetryBackoff`. */
  readonly backoff: Required<RetryBackoff>;
}

const EVERY_CAUSE: readonly RetryCause[] = ['failure', 'infrastructure', 'timeout'];

/**
 * A task's retries: each setting its own, else its pipeline's, else the default (no retries; for every cause; waits of 1 second,
 * doubled up to 300). A backoff is one setting: what a task's leaves out has the default, whatever the pipeline's says.
 */
export function retryPolicyOf(pipeline: RetrySettings, task: RetrySettings): RetryPolicy {
  const { initial, maximum, factor = 2 } = task.retryBackoff ?? pipeline.retryBackoff ?? {};
  return {
    retries: task.retries ?? pipeline.retries ?? 0,
    retryOn: task.retryOn ?? pipeline.retryOn ?? EVERY_CAUSE,
    // One of the two may be written alone, beyond the default of the other.
    backoff: { initial: initial ?? Math.min(1, maximum ?? 1), maximum: maximum ?? Math.max(300, initial ?? 0), factor },
  };
}
