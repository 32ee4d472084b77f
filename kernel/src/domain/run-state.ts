/** The life of a run: `pending → running → complete`. */

import { GoferError } from '@gofer/contracts';
import type { RunStatus } from './run-result.ts';

export type RunState = 'pending' | 'running' | 'complete';

export type RunCancelReason = 'user_cancelled' | 'admin_cancelled';
export type RunReason = RunCancelReason | 'abnormal_exit' | 'scheduler_error' | 'failed_precondition';

export interface RunStatusReason {
  readonly reason: RunReason;
  /** For a person. */
  readonly description: string;
}

/** A request to cancel the whole run; the first one holds. */
export interface RunCancellation {
  readonly reason: RunCancelReason;
  readonly description: string;
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
      if (life.state === 'running') return { state: 'running', cancellation: earlier ?? change.cancellation };
      return { state: 'complete', status: 'cancelled', reason: change.cancellation, endedAt: change.at };
    case 'failed':
      return {
        state: 'complete',
        status: 'failed',
        reason: { reason: change.reason, description: change.description },
        endedAt: change.at,
      };
    case 'finished':
      if (earlier !== undefined) return { state: 'complete', status: 'cancelled', reason: earlier, endedAt: change.at };
      if (change.unsuccessfulTaskIds.length === 0) return { state: 'complete', status: 'successful', endedAt: change.at };
      return { state: 'complete', status: 'failed', reason: abnormalExit(change.unsuccessfulTaskIds), endedAt: change.at };
  }
}

function abnormalExit(taskIds: readonly string[]): RunStatusReason {
  const named = taskIds.slice(0, NAMED_TASKS).join(', ');
  const more = taskIds.length - NAMED_TASKS;
  return { reason: 'abnormal_exit', description: `tasks that did not succeed: ${named}${more > 0 ? ` and ${more} more` : ''}` };
}
