/** The life of one task execution: `waiting → processing → running → complete`, where each may end early. */

import { GoferError } from '@gofer/contracts';
import type { FinalStatus } from './final-status.ts';

/** v0's words: `waiting` for parents, `processing` from being ready until it is started, then `running`. */
export type TaskState = 'waiting' | 'processing' | 'running' | 'complete';

export type TaskReason = 'abnormal_exit' | 'scheduler_error' | 'failed_precondition' | 'cancelled' | 'orphaned';

export interface TaskStatusReason {
  readonly reason: TaskReason;
  /** For a person. */
  readonly description: string;
}

/** Times are epoch milliseconds. */
export type TaskLife =
  | { readonly state: 'waiting' }
  | { readonly state: 'processing' }
  | { readonly state: 'running'; readonly startedAt: number }
  | {
      readonly state: 'complete';
      readonly status: FinalStatus;
      /** Absent only for a success. */
      readonly reason?: TaskStatusReason;
      /** 0 to 255; 1 where the task has none of its own (v0's convention). */
      readonly exitCode: number;
      /** Absent where it never ran. */
      readonly startedAt?: number;
      readonly endedAt: number;
    };

export type TaskChange =
  /** Its parents have ended as required. */
  | { readonly kind: 'ready' }
  /** Its parent `parentId` has not ended as required. */
  | { readonly kind: 'skipped'; readonly parentId: string; readonly at: number }
  | { readonly kind: 'started'; readonly at: number }
  /** It could not be started, or could not be observed to its end. Never a success. */
  | {
      readonly kind: 'failed';
      readonly reason: Exclude<TaskReason, 'abnormal_exit' | 'cancelled'>;
      readonly description: string;
      readonly at: number;
    }
  /** `note` is what the engine knows beside the code. `startedAt` where the start itself was not seen. */
  | { readonly kind: 'exited'; readonly exitCode: number; readonly note?: string; readonly startedAt?: number; readonly at: number }
  | { readonly kind: 'cancelled'; readonly description: string; readonly at: number };

/** From which states each change may come. */
const ALLOWED: Readonly<Record<TaskChange['kind'], readonly TaskState[]>> = {
  ready: ['waiting'],
  skipped: ['waiting'],
  started: ['processing'],
  failed: ['processing', 'running'],
  exited: ['processing', 'running'],
  cancelled: ['waiting', 'processing', 'running'],
};

const NO_EXIT_CODE = 1;

export function canChangeTask(state: TaskState, change: TaskChange['kind']): boolean {
  return ALLOWED[change].includes(state);
}

/** The life after a change. Rejects with `FAILED_PRECONDITION` a change that the state does not allow; nothing follows `complete`. */
export function changeTask(life: TaskLife, change: TaskChange): TaskLife {
  if (!canChangeTask(life.state, change.kind)) {
    throw new GoferError('FAILED_PRECONDITION', `a task that is ${life.state} cannot become ${change.kind}`);
  }
  const startedAt = 'startedAt' in life ? life.startedAt : undefined;
  switch (change.kind) {
    case 'ready':
      return { state: 'processing' };
    case 'started':
      return { state: 'running', startedAt: change.at };
    case 'skipped':
      return ended('skipped', change.at, startedAt, NO_EXIT_CODE, {
        reason: 'failed_precondition',
        description: `task '${change.parentId}' did not end as this task requires`,
      });
    case 'failed':
      return ended('failed', change.at, startedAt, NO_EXIT_CODE, { reason: change.reason, description: change.description });
    case 'cancelled':
      return ended('cancelled', change.at, startedAt, NO_EXIT_CODE, { reason: 'cancelled', description: change.description });
    case 'exited':
      return exited(change.exitCode, change.note, change.at, startedAt ?? change.startedAt ?? change.at);
  }
}

function exited(exitCode: number, note: string | undefined, at: number, startedAt: number): TaskLife {
  if (exitCode === 0) return ended('successful', at, startedAt, 0);
  const description = `exit code ${exitCode}${note === undefined ? '' : `: ${note}`}`;
  return ended('failed', at, startedAt, exitCode, { reason: 'abnormal_exit', description });
}

function ended(status: FinalStatus, endedAt: number, startedAt: number | undefined, exitCode: number, reason?: TaskStatusReason): TaskLife {
  return {
    state: 'complete',
    status,
    exitCode,
    // The start is by this machine's clock and the end by the engine's, whose clock may differ: no task ends before it starts.
    endedAt: Math.max(endedAt, startedAt ?? endedAt),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(reason === undefined ? {} : { reason }),
  };
}
