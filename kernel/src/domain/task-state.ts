/** The life of one task execution: `waiting → processing → running → complete`, where each may end early. */

import { GoferError } from '@gofer/contracts';
import type { Actor } from './actor.ts';
import type { FinalStatus } from './final-status.ts';

/** v0's words: `waiting` for parents, `processing` from being ready until it is started, then `running`. */
export type TaskState = 'waiting' | 'processing' | 'running' | 'complete';

export type TaskReason = 'abnormal_exit' | 'scheduler_error' | 'failed_precondition' | 'cancelled' | 'orphaned';

/** What brought a task to its end, finer than v0's reasons. */
export type TaskCause =
  /** It ended by itself, with an exit code other than 0. */
  | 'exit_code'
  /** It ran for longer than its `timeout`. */
  | 'timeout'
  /** It had not started within its `start_timeout`. */
  | 'start_timeout'
  /** There is no such image, or its command cannot be executed. */
  | 'not_executable'
  /** The image could not be pulled. */
  | 'image_pull'
  /** The engine could not start it. */
  | 'engine'
  /** It vanished, or cannot be observed any more. */
  | 'orphaned'
  /** What it was to be given (a secret, an object) is not there. */
  | 'missing_reference'
  /** A parent did not end as the task requires. */
  | 'dependency'
  /** Somebody cancelled the task. */
  | 'task_cancelled'
  /** Its run was cancelled. */
  | 'run_cancelled'
  /** Its run took longer than its `timeout`. */
  | 'run_timeout';

export interface TaskStatusReason {
  readonly reason: TaskReason;
  /** For a person. */
  readonly description: string;
  readonly cause?: TaskCause;
  /** Who asked for it, where somebody did. */
  readonly by?: Actor;
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
  /** It could not be started, was ended for taking too long, or could not be observed to its end. Never a success. */
  | {
      readonly kind: 'failed';
      readonly reason: Exclude<TaskReason, 'cancelled'>;
      readonly cause: TaskCause;
      readonly description: string;
      /** Absent where it has none of its own. */
      readonly exitCode?: number;
      readonly at: number;
    }
  /** `note` is what the engine knows beside the code. `startedAt` where the start itself was not seen. */
  | { readonly kind: 'exited'; readonly exitCode: number; readonly note?: string; readonly startedAt?: number; readonly at: number }
  | {
      readonly kind: 'cancelled';
      readonly cause: Extract<TaskCause, 'task_cancelled' | 'run_cancelled' | 'run_timeout'>;
      readonly description: string;
      readonly by?: Actor;
      /** Absent where it has none of its own. */
      readonly exitCode?: number;
      readonly at: number;
    };

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
        cause: 'dependency',
        description: `task '${change.parentId}' did not end as this task requires`,
      });
    case 'failed': {
      const { reason, cause, description, exitCode = NO_EXIT_CODE } = change;
      return ended('failed', change.at, startedAt, exitCode, { reason, cause, description });
    }
    case 'cancelled': {
      const { cause, description, by, exitCode = NO_EXIT_CODE } = change;
      return ended('cancelled', change.at, startedAt, exitCode, {
        reason: 'cancelled',
        cause,
        description,
        ...(by === undefined ? {} : { by }),
      });
    }
    case 'exited':
      return exited(change.exitCode, change.note, change.at, startedAt ?? change.startedAt ?? change.at);
  }
}

function exited(exitCode: number, note: string | undefined, at: number, startedAt: number): TaskLife {
  if (exitCode === 0) return ended('successful', at, startedAt, 0);
  const description = `exit code ${exitCode}${note === undefined ? '' : `: ${note}`}`;
  return ended('failed', at, startedAt, exitCode, { reason: 'abnormal_exit', cause: 'exit_code', description });
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
