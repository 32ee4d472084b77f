/** A task between the decision that it may run and its end, as its run's loop holds it in memory. */
import type { TaskHandle } from '@gofer/contracts';
import type { TaskLife, Variable, WaitingReason } from '../domain/index.ts';

export interface LiveAttempt {
  readonly uid: string;
  /** From 1. What an attempt other than the latest says is too late. */
  readonly number: number;
  readonly engine: string;
  /** Present once it has started. */
  handle: TaskHandle | undefined;
  /** Where the secret store has what it was given; absent where nothing of it is a secret, or it is not known yet. */
  given: string | undefined;
}

export interface LiveTask {
  readonly task: number;
  readonly variables: readonly Variable[];
  life: TaskLife;
  /** Absent while it waits for a slot. */
  attempt: LiveAttempt | undefined;
  /** Aborting it takes back a start that has not succeeded yet. */
  readonly cancelStart: AbortController;
  /** Set once its end was asked for: milliseconds between SIGTERM and SIGKILL. */
  cancelGraceMs: number | undefined;
  /** The scheduler's words on why it has not started: `pulling image 42 %`. */
  progress: string | undefined;
}

/** Undefined once it runs and nobody has asked for its end. */
export function waitingReasonOf(live: LiveTask, slots: number): WaitingReason | undefined {
  if (live.cancelGraceMs !== undefined) {
    const detail =
      live.attempt?.handle === undefined
        ? 'taking back its start'
        : `SIGTERM was sent, SIGKILL follows after ${live.cancelGraceMs / 1000} s`;
    return { kind: 'cancelling', detail };
  }
  if (live.attempt === undefined) return { kind: 'engine-limit', tasks: slots };
  if (live.attempt.handle !== undefined) return undefined;
  return live.progress === undefined ? { kind: 'starting' } : { kind: 'starting', progress: live.progress };
}
