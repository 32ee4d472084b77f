/** Whether a task is tried again after an attempt, and when. Pure: chance comes in as a number. */
import type { RetryPolicy } from '@gofer/contracts/pipeline';
import type { TaskCause } from './task-state.ts';

/** How an attempt ended. */
export interface AttemptFailure {
  readonly cause: TaskCause | undefined;
  readonly exitCode: number;
}

/** The words of `retry_on`; absent for what another attempt cannot mend. */
const FAILURE_KINDS: Readonly<Partial<Record<TaskCause, 'failure' | 'infrastructure' | 'timeout'>>> = {
  exit_code: 'failure',
  timeout: 'timeout',
  start_timeout: 'infrastructure',
  image_pull: 'infrastructure',
  engine: 'infrastructure',
  orphaned: 'infrastructure',
};

/**
 * Milliseconds until the next attempt, or undefined where there is none. `made` attempts were made, 1 or more. The pause grows by the
 * policy's factor from its initial to its maximum, and is somewhere between a half and the whole of that: `chance` is in [0, 1).
 */
export function nextAttemptAfter(
  policy: RetryPolicy,
  made: number,
  { cause, exitCode }: AttemptFailure,
  chance: number,
): number | undefined {
  if (made > policy.retries || cause === undefined) return undefined;
  const kind = FAILURE_KINDS[cause];
  if (kind === undefined) return undefined;
  const isMeant = policy.retryOn.includes(kind) || (kind === 'failure' && policy.retryOn.includes(exitCode));
  if (!isMeant) return undefined;
  const { initial, maximum, factor } = policy.backoff;
  const seconds = Math.min(initial * factor ** (made - 1), maximum);
  return Math.round(seconds * 1000 * (0.5 + chance / 2));
}
