/** How a task ends: what its scheduler or its canceller says, as a change of its life, and what is written of that. */
import type { FinalStatus, TaskChange, TaskLife } from '../domain/index.ts';
import type { Store } from '../storage/store.ts';
import type { TaskRecord } from '../storage/task-executions-table.ts';
import type { AttemptEnd } from './attempt-watch.ts';
import type { LiveTask } from './live-task.ts';
import type { RunSubject } from './run-subject.ts';

export const CANCELLED = 'cancelled on request';

export interface TaskOutcome {
  readonly ended: number;
  readonly status: FinalStatus;
  readonly reason: Extract<TaskLife, { state: 'complete' }>['reason'];
  readonly exitCode: number;
}

export function isUnsuccessful(status: TaskRecord['status']): boolean {
  return status === 'failed' || status === 'cancelled';
}

export function changeBy(end: AttemptEnd, live: LiveTask, now: number): TaskChange {
  if (live.cancelGraceMs !== undefined) return { kind: 'cancelled', description: CANCELLED, at: now };
  if (end.kind === 'refused') return { kind: 'failed', reason: end.cause, description: end.reason, at: now };
  if (end.exit.kind === 'lost') return { kind: 'failed', reason: 'scheduler_error', description: end.exit.reason, at: end.exit.endedAt };
  const { exitCode, endedAt, reason } = end.exit;
  return { kind: 'exited', exitCode, at: endedAt, ...(reason === undefined ? {} : { note: reason }) };
}

export function outcomeOf(life: TaskLife): TaskOutcome {
  if (life.state !== 'complete') throw new Error(`a task that is ${life.state} has no outcome`);
  return { ended: life.endedAt, status: life.status, reason: life.reason, exitCode: life.exitCode };
}

/** In a commit. */
export function writeTaskEnd(store: Store, subject: RunSubject, taskId: string, end: TaskOutcome): void {
  store.taskExecutions.end(subject.run.uid, taskId, end);
  store.events.emit('completed_task_execution', { ...subject.names(), task_execution_id: taskId, status: end.status }, end.ended);
}

/** In a commit: of a task that never became ready. */
export function writeUndecidedEnd(store: Store, subject: RunSubject, taskId: string, end: TaskOutcome): void {
  store.taskExecutions.insertEnded(subject.run.uid, taskId, end);
  store.events.emit('completed_task_execution', { ...subject.names(), task_execution_id: taskId, status: end.status }, end.ended);
}
