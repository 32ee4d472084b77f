/**
 * Ends a run that cannot go on as failed, every task of it with it, without waiting for what a scheduler says. The database says what
 * there is to end, since what is in memory may be of a step that was never committed.
 */
import type { TaskHandle } from '@gofer/contracts';
import { changeTask } from '../domain/index.ts';
import type { RunContext } from './run-context.ts';
import type { RunStep } from './run-step.ts';
import type { RunSubject } from './run-subject.ts';
import { type NamedRun, outcomeOf, type TaskOutcome, writeTaskEnd, writeUndecidedEnd } from './task-outcome.ts';

/** `handles`: of attempts whose start the database may not have heard of, by attempt. */
export function abandonTasks(
  subject: RunSubject,
  context: RunContext,
  handles: ReadonlyMap<string, TaskHandle>,
  description: string,
  step: RunStep,
): void {
  const { store } = context;
  const at = context.clock.now();
  const undecided = outcomeOf(changeTask({ state: 'waiting' }, { kind: 'cancelled', cause: 'run_cancelled', description, at }));
  const failed = failedWith(description, at);
  const states = new Map(store.taskExecutions.list(subject.run.uid).map(({ taskId, state }) => [taskId, state]));
  for (const taskId of subject.graph.taskIds) {
    const state = states.get(taskId);
    if (state === undefined) step.write(() => writeUndecidedEnd(store, subject, taskId, undecided));
    else if (state !== 'complete') step.write(() => writeTaskEnd(store, subject, taskId, failed));
  }
  abandonAttempts(subject.run.uid, context, handles, failed, step);
}

/** Of a run whose definition cannot be read: what the database has of it ends as failed. What was never decided has no end. */
export function abandonRecords(named: NamedRun, context: RunContext, description: string, step: RunStep): void {
  const { store, clock } = context;
  const failed = failedWith(description, clock.now());
  for (const { taskId, state } of store.taskExecutions.list(named.run.uid))
    if (state !== 'complete') step.write(() => writeTaskEnd(store, named, taskId, failed));
  abandonAttempts(named.run.uid, context, new Map(), failed, step);
}

function failedWith(description: string, at: number): TaskOutcome {
  return outcomeOf(changeTask({ state: 'processing' }, { kind: 'failed', reason: 'scheduler_error', cause: 'engine', description, at }));
}

function abandonAttempts(
  runUid: string,
  context: RunContext,
  handles: ReadonlyMap<string, TaskHandle>,
  failed: TaskOutcome,
  step: RunStep,
): void {
  const { store, removals, schedulerOf } = context;
  for (const attempt of store.attempts.listOfRun(runUid)) {
    if (attempt.state !== 'complete') step.write(() => store.attempts.end(attempt.uid, { ...failed, log: undefined }));
    const { given } = attempt;
    if (given !== undefined) {
      step.write(() => context.environments.letGo(attempt.uid, given));
      step.act(() => context.environments.collect());
    }
    const handle = attempt.handle ?? handles.get(attempt.uid);
    const scheduler = schedulerOf(attempt.engine);
    if (attempt.removed || handle === undefined || scheduler === undefined) continue;
    // Removing ends what runs.
    step.act(() => removals.add({ attemptUid: attempt.uid, scheduler, handle }));
  }
}
