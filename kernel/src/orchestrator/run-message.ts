/** What a run's loop is told. Everything that can happen to a run is one of these, and they are handled in the order they came. */
import type { TaskHandle } from '@gofer/contracts';
import type { RunCancellation } from '../domain/index.ts';
import type { TaskCancellation } from '../storage/task-executions-table.ts';
import type { AttemptEnd } from './attempt-watch.ts';

export type RunMessage =
  /** It waits to be admitted. */
  | { readonly kind: 'queued' }
  /** It was admitted. */
  | { readonly kind: 'begin' }
  /** It had begun before this server was started. */
  | { readonly kind: 'resume' }
  /** What was written down to be committed soon has waited long enough. */
  | { readonly kind: 'write' }
  /** A slot was taken for a task that waited for one. */
  | { readonly kind: 'slot'; readonly task: number }
  | {
      readonly kind: 'started';
      readonly task: number;
      readonly attemptUid: string;
      readonly handle: TaskHandle;
      readonly startedAt: number;
    }
  | { readonly kind: 'ended'; readonly task: number; readonly attemptUid: string; readonly end: AttemptEnd }
  /** The pause behind a failed attempt is over. */
  | { readonly kind: 'retry'; readonly task: number }
  /** A limit has passed: `of` names the attempt (`timeout`), or since when the task might have started. */
  | { readonly kind: 'overdue'; readonly task: number; readonly limit: 'timeout' | 'start_timeout'; readonly of: string | number }
  /** A limit of the run itself has passed. */
  | { readonly kind: 'run-overdue'; readonly limit: 'timeout' | 'start_timeout' }
  /** Somebody asks for the end of the whole run. */
  | { readonly kind: 'cancel-run'; readonly cancellation: RunCancellation }
  /** Somebody asks for the end of one task; `done` is called once that is committed, or changes nothing. */
  | {
      readonly kind: 'cancel-task';
      readonly task: number;
      readonly cancellation: TaskCancellation;
      readonly graceMs: number;
      readonly done: () => void;
    }
  /** Somebody has found that nobody moves the run on. */
  | { readonly kind: 'mend' };
