import { GoferError } from '@gofer/contracts';
import type { DecideOptions } from '../../domain/decide.ts';
import { decide } from '../../domain/decide.ts';
import type { Decision, FinishedTask } from '../../domain/decision.ts';
import type { Graph } from '../../domain/graph.ts';
import type { RunCounters } from '../../domain/run-counters.ts';
import { compilePipeline } from './compile-pipeline.ts';
import type { CompiledPipeline, DagEngine } from './dag-engine.ts';

/** Decides on the calling thread. */
export class InlineDagEngine implements DagEngine {
  #closed = false;

  async compile(input: unknown): Promise<CompiledPipeline> {
    this.#refuseIfClosed();
    return compilePipeline(input);
  }

  async decide(graph: Graph, counters: RunCounters, finished: readonly FinishedTask[], options?: DecideOptions): Promise<Decision> {
    this.#refuseIfClosed();
    return decide(graph, counters, finished, options);
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #refuseIfClosed(): void {
    if (this.#closed) throw new GoferError('UNAVAILABLE', 'the graph engine is closed');
  }
}
