import type { DecideOptions } from '../../domain/decide.ts';
import type { Decision, FinishedTask } from '../../domain/decision.ts';
import type { Graph } from '../../domain/graph.ts';
import type { RunCounters } from '../../domain/run-counters.ts';
import type { CompiledPipeline, DagEngine } from './dag-engine.ts';
import { InlineDagEngine } from './inline-dag-engine.ts';
import type { ThreadedDagEngineOptions } from './threaded-dag-engine.ts';
import { ThreadedDagEngine } from './threaded-dag-engine.ts';

export interface HybridDagEngineOptions extends ThreadedDagEngineOptions {
  /** Graphs of up to this many tasks and dependencies together are decided on the calling thread. */
  readonly inlineGraphSize?: number;
  /** Pipelines of up to this many tasks are validated and compiled on the calling thread. */
  readonly inlineCompileTasks?: number;
}

/** Measured; see docs/adr/0003-where-graphs-are-decided.md. */
const INLINE_GRAPH_SIZE = 2_000;
const INLINE_COMPILE_TASKS = 500;

/**
 * Small graphs here, large ones in the pool: the hop costs more than any decision about a small graph, and a decision about a large
 * one could hold up everything else.
 */
export class HybridDagEngine implements DagEngine {
  readonly #inline = new InlineDagEngine();
  readonly #threaded: ThreadedDagEngine;
  readonly #inlineGraphSize: number;
  readonly #inlineCompileTasks: number;

  constructor(options: HybridDagEngineOptions = {}) {
    this.#threaded = new ThreadedDagEngine(options);
    this.#inlineGraphSize = options.inlineGraphSize ?? INLINE_GRAPH_SIZE;
    this.#inlineCompileTasks = options.inlineCompileTasks ?? INLINE_COMPILE_TASKS;
  }

  compile(input: unknown): Promise<CompiledPipeline> {
    return (taskCountOf(input) <= this.#inlineCompileTasks ? this.#inline : this.#threaded).compile(input);
  }

  decide(graph: Graph, counters: RunCounters, finished: readonly FinishedTask[], options?: DecideOptions): Promise<Decision> {
    const size = graph.taskCount + graph.edgeCount;
    return (size <= this.#inlineGraphSize ? this.#inline : this.#threaded).decide(graph, counters, finished, options);
  }

  async close(): Promise<void> {
    await Promise.all([this.#inline.close(), this.#threaded.close()]);
  }
}

function taskCountOf(input: unknown): number {
  return typeof input === 'object' && input !== null && 'tasks' in input && Array.isArray(input.tasks) ? input.tasks.length : 0;
}
