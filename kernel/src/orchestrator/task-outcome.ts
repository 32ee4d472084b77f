/** How a task ends: what its scheduler or its canceller says, as a change of its life, and what is written of that. */
import type { FinalStatus, TaskCause, TaskChange, TaskLife, TaskStatusReason } from '../domain/index.ts';
import type { Store } from '../storage/store.ts';
import type { TaskCancellation, TaskRecord } from '../storage/task-executions-table.ts';
import type { AttemptEnd } from './attempt-watch.ts';
import type { LiveAttempt, LiveTask } from './live-task.ts';
import type { RunSubject } from './run-subject.ts';

export interface TaskOutcome {
  readonly ended: number;
  readonly status: FinalStatus;
  readonly reason: TaskStatusReason | undefined;
  readonly exitCode: number;
}

export function isUnsuccessful(status: TaskRecord['status']): boolean {
  return status === 'failed' || status === 'cancelled';
}

/** The exit code is the container's own wherever it has one, whoever ended it. */
export function changeBy(end: AttemptEnd, live: LiveTask, attempt: LiveAttempt, now: number): TaskChange {
  const exit = end.kind === 'ended' ? end.exit : undefined;
  const exitCode = exit?.kind === 'exited' ? { exitCode: exit.exitCode } : {};
  const { cancellation, definition } = live;
  if (cancellation !== undefined) return { kind: 'cancelled', ...cancelledBy(cancellation), ...exitCode, at: exit?.endedAt ?? now };
  if (attempt.overdue?.limit === 'timeout' && exit?.kind === 'exited' && !endedInTime(exit.endedAt, live, attempt.overdue.at)) {
    const description = `it took longer than its timeout of ${definition.timeout} s and was ended (exit code ${exit.exitCode})`;
    return { kind: 'failed', reason: 'abnormal_exit', cause: 'timeout', description, ...exitCode, at: exit.endedAt };
  }
  if (end.kind === 'refused') {
    if (attempt.overdue?.limit === 'start_timeout') {
      const description = `it had not started within its start_timeout of ${definition.startTimeout} s`;
      return { kind: 'failed', reason: 'scheduler_error', cause: 'start_timeout', description, at: now };
    }
    return { kind: 'failed', ...refusalOf(end), description: end.reason, at: now };
  }
  if (end.exit.kind === 'lost') {
    return { kind: 'failed', reason: 'orphaned', cause: 'orphaned', description: end.exit.reason, at: end.exit.endedAt };
  }
  const { exitCode: code, endedAt, reason } = end.exit;
  return { kind: 'exited', exitCode: code, at: endedAt, ...(reason === undefined ? {} : { note: reason }) };
}

/**
 * Its limit may pass while its log is still read, or while no server is there to hear of its end. An end before its start says that the
 * clock was set back, and nothing about its limit.
 */
function endedInTime(endedAt: number, { life, definition: { timeout = 0 } }: LiveTask, stoppedAt: number): boolean {
  if (life.state !== 'running' || endedAt < life.startedAt) return false;
  return endedAt < Math.min(life.startedAt + timeout * 1000, stoppedAt);
}

export function cancelledBy({ cause, description, by }: TaskCancellation): Pick<TaskCancellation, 'cause' | 'description' | 'by'> {
  return { cause, description, ...(by === undefined ? {} : { by }) };
}

/** Codes that say more than that the engine could not start it. */
const REFUSALS: Readonly<Record<string, TaskCause>> = {
  INVALID_ARGUMENT: 'not_executable',
  IMAGE_NOT_FOUND: 'not_executable',
  IMAGE_PULL_FAILED: 'image_pull',
  TASK_LOST: 'orphaned',
};

function refusalOf({ cause, code }: Extract<AttemptEnd, { kind: 'refused' }>) {
  if (cause === 'failed_precondition') return { reason: cause, cause: 'missing_reference' } as const;
  const finer = REFUSALS[code ?? ''] ?? 'engine';
  return { reason: finer === 'orphaned' ? finer : 'scheduler_error', cause: finer } as const;
}

export function outcomeOf(life: TaskLife): TaskOutcome {
  if (life.state !== 'complete') throw new Error(`a task that is ${life.state} has no outcome`);
  return { ended: life.endedAt, status: life.status, reason: life.reason, exitCode: life.exitCode };
}

/** A run as its rows and its events name it. */
export type NamedRun = Pick<RunSubject, 'run' | 'names'>;

/** In a commit. */
export function writeTaskEnd(store: Store, subject: NamedRun, taskId: string, end: TaskOutcome): void {
  store.taskExecutions.end(subject.run.uid, taskId, end);
  store.events.emit('completed_task_execution', { ...subject.names(), task_execution_id: taskId, status: end.status }, end.ended);
}

/** In a commit: of a task that never became ready. */
export function writeUndecidedEnd(store: Store, subject: RunSubject, taskId: string, end: TaskOutcome): void {
  store.taskExecutions.insertEnded(subject.run.uid, taskId, end);
  store.events.emit('created_task_execution', { ...subject.names(), task_execution_id: taskId }, end.ended);
  store.events.emit('completed_task_execution', { ...subject.names(), task_execution_id: taskId, status: end.status }, end.ended);
}
