/**
 * Everything that crosses between the main thread and a graph worker. Graphs and counters are `SharedArrayBuffer`s: their memory is
 * never copied, a message holds handles only, so a worker needs to remember nothing and any worker can answer any message.
 */

import type { Failure, Fault } from '@gofer/contracts';
import type { DecideOptions } from '../../domain/decide.ts';
import type { Decision, FinishedTask } from '../../domain/decision.ts';
import type { PipelineText } from './pipeline-text.ts';

export interface DecideItem {
  /** `Graph.buffer`. */
  readonly graph: SharedArrayBuffer;
  /** `RunCounters.buffer`. */
  readonly counters: SharedArrayBuffer;
  readonly finished: readonly FinishedTask[];
  readonly options: DecideOptions;
}

export type DagRequest =
  | { readonly kind: 'compile'; readonly input: PipelineText }
  /** The decisions of one tick. */
  | { readonly kind: 'decide'; readonly items: readonly DecideItem[] };

export type CompileReply =
  | { readonly kind: 'compiled' /** A `PipelineDefinition`. */; readonly definition: PipelineText; readonly graph: SharedArrayBuffer }
  | { readonly kind: 'faulty'; readonly faults: readonly Fault[] }
  | { readonly kind: 'failed'; readonly failure: Failure };

export type DecideReply =
  | { readonly kind: 'decided'; readonly decision: Decision }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** The answer to each kind of request; a batch is answered item by item, in its order. */
export interface DagReplies {
  readonly compile: CompileReply;
  readonly decide: readonly DecideReply[];
}
