/** What a run's loop is told. Everything that can happen to a run is one of these, and they are handled in the order they came. */
import type { TaskHandle } from '@gofer/contracts';
import type { RunCancellation } from '../domain/index.ts';
import type { AttemptEnd } from './attempt-watch.ts';

export type RunMessage =
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
  /** Somebody asks for the end of the whole run. */
  | { readonly kind: 'cancel-run'; readonly cancellation: RunCancellation; readonly graceMs: number }
  /** Somebody asks for the end of one task. */
  | { readonly kind: 'cancel-task'; readonly task: number; readonly graceMs: number };
