/** What a run and its tasks wait for, from what its loop holds in memory: every state that is not final has an answer. */
import { finalStatusOf, type RunCancellation, type RunCounters, type RunLife, type Waiting } from '../domain/index.ts';
import { waitingOf } from './live-task.ts';
import type { LiveTasks } from './live-tasks.ts';
import type { RunContext } from './run-context.ts';
import type { RunSubject } from './run-subject.ts';

export interface RunSituation {
  readonly subject: RunSubject;
  readonly context: RunContext;
  readonly life: RunLife;
  readonly cancellation: RunCancellation | undefined;
  readonly counters: RunCounters;
  readonly tasks: LiveTasks;
  readonly begun: number;
  readonly trouble: { readonly detail: string; readonly since: number } | undefined;
}

export function explainRun({ subject, cancellation, trouble, life, tasks, begun }: RunSituation): Waiting {
  if (trouble !== undefined) return { reason: { kind: 'database', detail: trouble.detail }, since: trouble.since };
  const { run, pipelineDefinition } = subject;
  if (life.state !== 'running') return { reason: { kind: 'starting' }, since: run.started };
  const taskIds = tasks.taskIds();
  if (cancellation !== undefined)
    return { reason: { kind: 'cancelling', cause: cancellation.description, taskIds }, since: cancellation.at };
  const { timeout } = pipelineDefinition;
  const limit = timeout === undefined ? {} : { until: begun + timeout * 1000 };
  if (taskIds.length === 0) return { reason: { kind: run.state === 'running' ? 'recovering' : 'starting' }, since: begun, ...limit };
  return { reason: { kind: 'tasks', taskIds }, since: begun, ...limit };
}

/** Undefined for a task that has ended. */
export function explainTask(situation: RunSituation, task: number): Waiting | undefined {
  const { subject, context, trouble, counters, tasks, begun } = situation;
  if (finalStatusOf(counters, task) !== undefined) return undefined;
  if (trouble !== undefined) return { reason: { kind: 'database', detail: trouble.detail }, since: trouble.since };
  const live = tasks.get(task);
  if (live !== undefined) return waitingOf(live, { slots: context.slots.capacity, stopGraceMs: context.stopGraceMs });
  const { graph, run } = subject;
  const since = begun === 0 ? run.started : begun;
  const parents = graph.parents.subarray(graph.parentOffsets[task], graph.parentOffsets[task + 1]);
  const waiting = [...parents].filter((parent) => finalStatusOf(counters, parent) === undefined);
  if (waiting.length === 0) return { reason: { kind: 'starting' }, since };
  return { reason: { kind: 'parents', taskIds: waiting.map((parent) => subject.taskId(parent)) }, since };
}
