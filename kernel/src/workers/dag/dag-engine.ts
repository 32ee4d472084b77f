import type { Fault } from '@gofer/contracts';
import type { PipelineDefinition } from '@gofer/contracts/pipeline';
import type { DecideOptions } from '../../domain/decide.ts';
import type { Decision, FinishedTask } from '../../domain/decision.ts';
import type { CompiledGraph, Graph } from '../../domain/graph.ts';
import type { RunCounters } from '../../domain/run-counters.ts';

export type CompiledPipeline =
  | { readonly definition: PipelineDefinition; readonly graph: CompiledGraph; readonly faults?: undefined }
  | { readonly definition?: undefined; readonly graph?: undefined; readonly faults: readonly Fault[] };

/**
 * Where graphs are read and decided: on the calling thread or in a pool. Both are the same code of `domain/`, and whoever calls
 * cannot tell them apart but by the clock. Every method rejects with `UNAVAILABLE` after `close`.
 */
export interface DagEngine {
  /** Validates the JSON of a pipeline (v0's SDK JSON) and compiles its graph. Never rejects for what the input holds. */
  compile(input: unknown): Promise<CompiledPipeline>;

  /**
   * What follows from these tasks having finished; see `decide` of the domain. A run must have at most one decision under way, and
   * its counters must not be written meanwhile. Rejects with `INTERNAL` for a task that is not of the graph or has ended before.
   */
  decide(graph: Graph, counters: RunCounters, finished: readonly FinishedTask[], options?: DecideOptions): Promise<Decision>;

  /** Answers what is under way, then ends every thread. Calling it twice is fine. */
  close(): Promise<void>;
}
