/** A task between the decision that it may run and its end, as its run's loop holds it in memory. */
import type { TaskHandle } from '@gofer/contracts';
import type { RetryPolicy, TaskDefinition } from '@gofer/contracts/pipeline';
import type { TaskLife, Variable, Waiting } from '../domain/index.ts';
import type { TaskCancellation } from '../storage/task-executions-table.ts';

export interface LiveAttempt {
  readonly uid: string;
  /** From 1. What an attempt other than the latest says is too late. */
  readonly number: number;
  readonly engine: string;
  readonly created: number;
  /** Present once it has started. */
  handle: TaskHandle | undefined;
  /** Where the secret store has what it was given; absent where nothing of it is a secret, or it is not known yet. */
  given: string | undefined;
  /** Aborting it takes back a start that has not succeeded yet. */
  readonly cancelStart: AbortController;
  /** Set once it is being ended because it took too long: when, and which limit it passed. */
  overdue: { readonly limit: 'timeout' | 'start_timeout'; readonly at: number } | undefined;
}

/** Who moves the task on: the queue for slots, the watch of its attempt, or the timer of its next attempt. */
export type TaskOwner = 'slot' | 'watch' | 'retry';

export interface LiveTask {
  readonly task: number;
  readonly definition: TaskDefinition;
  readonly policy: RetryPolicy;
  variables: readonly Variable[];
  life: TaskLife;
  owner: TaskOwner | undefined;
  /** Absent while it waits for a slot or for its next attempt. */
  attempt: LiveAttempt | undefined;
  /** How many attempts were made, the one that is there among them. */
  made: number;
  /** Since when it might run: at first, or again after a failed attempt. Its start limit counts from here. */
  readyAt: number;
  /** The failed attempt behind it, while the next one waits for its time. */
  retry: { readonly at: number; readonly since: number; readonly failure: string } | undefined;
  cancellation: TaskCancellation | undefined;
  /** Set once its end was asked for: milliseconds between SIGTERM and SIGKILL. */
  cancelGraceMs: number | undefined;
  /** The scheduler's words on why it has not started: `pulling image 42 %`, and since when. */
  progress: { readonly message: string; readonly since: number } | undefined;
  /** Forget the timers of its limits and of its next attempt. */
  readonly timers: Set<() => void>;
}

/** `slots`: how many tasks may be with the engine at once. `stopGraceMs` as for timeouts. */
export function waitingOf(live: LiveTask, { slots, stopGraceMs }: { slots: number; stopGraceMs: number }): Waiting {
  const { attempt, definition, cancellation, retry } = live;
  const isStarted = attempt?.handle !== undefined;
  if (cancellation !== undefined && live.cancelGraceMs !== undefined) {
    const { at, description } = cancellation;
    return {
      reason: { kind: 'stopping', cause: description, isStarted },
      since: at,
      ...(isStarted ? { until: at + live.cancelGraceMs } : {}),
    };
  }
  if (attempt?.overdue !== undefined) {
    const { limit, at } = attempt.overdue;
    const cause =
      limit === 'timeout' ? `it took longer than ${definition.timeout} s` : `it had not started within ${definition.startTimeout} s`;
    return { reason: { kind: 'stopping', cause, isStarted }, since: at, ...(isStarted ? { until: at + stopGraceMs } : {}) };
  }
  if (retry !== undefined) {
    return { reason: { kind: 'retry', attempt: live.made + 1, failure: retry.failure }, since: retry.since, until: retry.at };
  }
  const startLimit = definition.startTimeout === undefined ? {} : { until: live.readyAt + definition.startTimeout * 1000 };
  if (attempt === undefined) return { reason: { kind: 'engine-limit', tasks: slots }, since: live.readyAt, ...startLimit };
  if (live.life.state === 'running') {
    const limit = definition.timeout === undefined ? {} : { until: live.life.startedAt + definition.timeout * 1000 };
    return { reason: { kind: 'running' }, since: live.life.startedAt, ...limit };
  }
  const progress = live.progress === undefined ? {} : { progress: live.progress.message };
  return { reason: { kind: 'starting', ...progress }, since: live.progress?.since ?? attempt.created, ...startLimit };
}
