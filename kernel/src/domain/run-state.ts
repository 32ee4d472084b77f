/** The life of a run: `pending → running → complete`. */

import { GoferError } from '@gofer/contracts';
import type { Actor } from './actor.ts';
import type { RunStatus } from './run-result.ts';

export type RunState = 'pending' | 'running' | 'complete';

export type RunCancelReason = 'user_cancelled' | 'admin_cancelled';
export type RunReason = RunCancelReason | 'abnormal_exit' | 'scheduler_error' | 'failed_precondition';

/** What brought a run to its end before its tasks did, finer than v0's reasons. */
export type RunCause =
  /** Somebody cancelled it. */
  | 'cancelled'
  /** It took longer than the `timeout` of its pipeline. */
  | 'timeout'
  /** It had not begun within the `start_timeout` of its pipeline. */
  | 'start_timeout'
  /** The `concurrency` of its pipeline let another run take its place. */
  | 'concurrency'
  | 'pipeline_deleted'
  /** Its definition is gone or damaged, or the server failed on it. */
  | 'internal';

export interface RunStatusReason {
  readonly reason: RunReason;
  /** For a person. */
  readonly description: string;
  readonly cause?: RunCause;
  /** Who asked for it, where somebody did. */
  readonly by?: Actor;
}

/** A request to end the whole run; the first one holds. */
export interface RunCancellation {
  readonly cause: Extract<RunCause, 'cancelled' | 'timeout' | 'concurrency' | 'pipeline_deleted'>;
  readonly reason: RunCancelReason;
  readonly description: string;
  readonly by?: Actor;
  /** When it was asked for. */
  readonly at: number;
  /** Milliseconds between SIGTERM and SIGKILL. */
  readonly graceMs: number;
  /** Ends the tasks that are marked `always` too. */
  readonly force: boolean;
}

/** Times are epoch milliseconds. */
export type RunLife =
  | { readonly state: 'pending' }
  | { readonly state: 'running'; readonly cancellation?: RunCancellation }
  | {
      readonly state: 'complete';
      readonly status: RunStatus;
      /** Absent only for a success. */
      readonly reason?: RunStatusReason;
      readonly endedAt: number;
    };

export type RunChange =
  | { readonly kind: 'admitted' }
  /** Ends a pending run at once; a running one goes on until its tasks have ended. */
  | { readonly kind: 'cancelled'; readonly cancellation: RunCancellation; readonly at: number }
  /** Every task has ended; `unsuccessfulTaskIds` are those that failed or were cancelled. */
  | { readonly kind: 'finished'; readonly unsuccessfulTaskIds: readonly string[]; readonly at: number }
  /** It cannot go on at all: its configuration is gone, its graph cannot be read. */
  | {
      readonly kind: 'failed';
      readonly reason: 'scheduler_error' | 'failed_precondition';
      readonly cause: RunCause;
      readonly description: string;
      readonly at: number;
    };

/** From which states each change may come. */
const ALLOWED: Readonly<Record<RunChange['kind'], readonly RunState[]>> = {
  admitted: ['pending'],
  cancelled: ['pending', 'running'],
  finished: ['running'],
  failed: ['pending', 'running'],
};

/** Task ids that a reason names; the rest are counted. */
const NAMED_TASKS = 5;

export function canChangeRun(state: RunState, change: RunChange['kind']): boolean {
  return ALLOWED[change].includes(state);
}

/** The life after a change. Rejects with `FAILED_PRECONDITION` a change that the state does not allow; nothing follows `complete`. */
export function changeRun(life: RunLife, change: RunChange): RunLife {
  if (life.state === 'complete' || !canChangeRun(life.state, change.kind)) {
    throw new GoferError('FAILED_PRECONDITION', `a run that is ${life.state} cannot become ${change.kind}`);
  }
  const earlier = life.state === 'running' ? life.cancellation : undefined;
  switch (change.kind) {
    case 'admitted':
      return { state: 'running' };
    case 'cancelled':
      if (life.state === 'running') return { state: 'running', cancellation: mergeCancellations(earlier, change.cancellation) };
      return { state: 'complete', status: 'cancelled', reason: reasonOf(change.cancellation), endedAt: change.at };
    case 'failed':
      return {
        state: 'complete',
        status: 'failed',
        reason: { reason: change.reason, cause: change.cause, description: change.description },
        endedAt: change.at,
      };
    case 'finished':
      // A run that took too long has failed: nobody wanted its end.
      if (earlier !== undefined)
        return {
          state: 'complete',
          status: earlier.cause === 'timeout' ? 'failed' : 'cancelled',
          reason: reasonOf(earlier),
          endedAt: change.at,
        };
      if (change.unsuccessfulTaskIds.length === 0) return { state: 'complete', status: 'successful', endedAt: change.at };
      return { state: 'complete', status: 'failed', reason: abnormalExit(change.unsuccessfulTaskIds), endedAt: change.at };
  }
}

/** The first one holds; a later one can only make it harder. */
export function mergeCancellations(earlier: RunCancellation | undefined, later: RunCancellation): RunCancellation {
  if (earlier === undefined) return later;
  return { ...earlier, graceMs: Math.min(earlier.graceMs, later.graceMs), force: earlier.force || later.force };
}

function reasonOf({ cause, reason, description, by }: RunCancellation): RunStatusReason {
  return { reason: cause === 'timeout' ? 'abnormal_exit' : reason, cause, description, ...(by === undefined ? {} : { by }) };
}

function abnormalExit(taskIds: readonly string[]): RunStatusReason {
  const named = taskIds.slice(0, NAMED_TASKS).join(', ');
  const more = taskIds.length - NAMED_TASKS;
  return { reason: 'abnormal_exit', description: `tasks that did not succeed: ${named}${more > 0 ? ` and ${more} more` : ''}` };
}
