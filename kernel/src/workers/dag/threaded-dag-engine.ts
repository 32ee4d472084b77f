import { fileURLToPath } from 'node:url';
import { fromFailure, GoferError } from '@gofer/contracts';
import type { PipelineDefinition } from '@gofer/contracts/pipeline';
import { Piscina } from 'piscina';
import type { DecideOptions } from '../../domain/decide.ts';
import type { Decision, FinishedTask } from '../../domain/decision.ts';
import type { Graph } from '../../domain/graph.ts';
import { graphOn } from '../../domain/graph.ts';
import type { RunCounters } from '../../domain/run-counters.ts';
import { workerEntry } from '../assets.ts';
import { compilePipeline } from './compile-pipeline.ts';
import type { CompiledPipeline, DagEngine } from './dag-engine.ts';
import type { DagReplies, DagRequest, DecideItem, DecideReply } from './dag-protocol.ts';
import type { PipelineInput } from './pipeline-text.ts';
import { readPipelineTextByTurns, writePipelineTextByTurns } from './pipeline-text.ts';

export interface ThreadedDagEngineOptions {
  /** A module whose `answer` takes a `DagRequest`. */
  readonly entry?: URL;
  /** The most threads there may be; the pool's own default is one and a half for each processor. */
  readonly threads?: number;
}

/** How often a request is handed to a worker. One that ends its worker each time is at fault itself. */
const TRIES = 3;

interface PendingDecision {
  readonly item: DecideItem;
  readonly resolve: (decision: Decision) => void;
  readonly reject: (error: GoferError) => void;
}

/**
 * Decides in a pool of threads, which is made when it is first needed. The decisions that are asked for in one turn of the event
 * loop travel in one message. A worker that dies is replaced and what it was doing is done again: that is safe, since nothing in a
 * worker writes.
 */
export class ThreadedDagEngine implements DagEngine {
  readonly #entry: string;
  readonly #limit: { maxThreads?: number };
  readonly #underWay = new Set<Promise<unknown>>();
  #pool: Piscina<DagRequest> | undefined;
  #batch: PendingDecision[] = [];
  #closing: Promise<void> | undefined;

  constructor(options: ThreadedDagEngineOptions = {}) {
    this.#entry = fileURLToPath(options.entry ?? workerEntry('dag'));
    this.#limit = options.threads === undefined ? {} : { maxThreads: options.threads };
  }

  async compile(input: unknown): Promise<CompiledPipeline> {
    this.#refuseIfClosed();
    // Without tasks there is nothing to compile, and what is wrong is found at once.
    if (!hasTasks(input)) return compilePipeline(input);
    return await this.#track(this.#compile(input));
  }

  async decide(graph: Graph, counters: RunCounters, finished: readonly FinishedTask[], options: DecideOptions = {}): Promise<Decision> {
    this.#refuseIfClosed();
    const { promise, resolve, reject } = Promise.withResolvers<Decision>();
    const item = { graph: graph.buffer, counters: counters.buffer, finished, options };
    if (this.#batch.length === 0) setImmediate(() => this.#sendBatch());
    this.#batch.push({ item, resolve, reject });
    return await this.#track(promise);
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    await this.#pool?.destroy();
  }

  async #compile(input: PipelineInput): Promise<CompiledPipeline> {
    const reply = await this.#ask<'compile'>({ kind: 'compile', input: await writePipelineTextByTurns(input) });
    switch (reply.kind) {
      case 'compiled': {
        // The worker's definition, through JSON and back: plain data, so nothing is lost on the way.
        const definition = (await readPipelineTextByTurns(reply.definition)) as PipelineDefinition;
        return { definition, graph: { ...graphOn(reply.graph), taskIds: definition.tasks.map((task) => task.id) } };
      }
      case 'faulty':
        return { faults: reply.faults };
      case 'failed':
        throw fromFailure(reply.failure);
    }
  }

  #sendBatch(): void {
    const batch = this.#batch;
    this.#batch = [];
    void this.#decideAll(batch);
  }

  /** Settles every decision of the batch; never rejects. */
  async #decideAll(batch: readonly PendingDecision[]): Promise<void> {
    const items = batch.map(({ item }) => item);
    try {
      const replies = await this.#askOnce<'decide'>({ kind: 'decide', items });
      for (const [index, pending] of batch.entries()) settle(pending, replies[index]);
    } catch {
      // The worker died, and one decision of the batch may be why: each goes on alone, so that it takes no other with it.
      await Promise.all(batch.map((pending) => this.#decideAlone(pending)));
    }
  }

  async #decideAlone(pending: PendingDecision): Promise<void> {
    try {
      const [reply] = await this.#ask<'decide'>({ kind: 'decide', items: [pending.item] });
      settle(pending, reply);
    } catch (error) {
      pending.reject(fromFailure({ code: 'INTERNAL', message: errorText(error) }));
    }
  }

  async #ask<K extends DagRequest['kind']>(request: Extract<DagRequest, { kind: K }>): Promise<DagReplies[K]> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#askOnce<K>(request);
      } catch (cause) {
        if (tries < TRIES) continue;
        throw new GoferError('INTERNAL', `a graph worker died ${TRIES} times at the same request: ${errorText(cause)}`, { cause });
      }
    }
  }

  /** Rejects if and only if the worker died: an answer that says `failed` is an answer. */
  #askOnce<K extends DagRequest['kind']>(request: Extract<DagRequest, { kind: K }>): Promise<DagReplies[K]> {
    return this.#threads().run(request) as Promise<DagReplies[K]>;
  }

  #threads(): Piscina<DagRequest> {
    if (this.#pool !== undefined) return this.#pool;
    const pool = new Piscina<DagRequest>({ filename: this.#entry, name: 'answer', minThreads: 1, ...this.#limit });
    // Emitted for a worker that dies without a request. The pool replaces it, unless it cannot even start: then the pool keeps
    // waiting requests for ever, so it is given up, which rejects them; the next try gets a new one.
    pool.on('error', () => {
      if (pool.threads.length > 0) return;
      if (this.#pool === pool) this.#pool = undefined;
      void this.#track(pool.destroy());
    });
    this.#pool = pool;
    return pool;
  }

  #track<T>(work: Promise<T>): Promise<T> {
    const forget = (): void => {
      this.#underWay.delete(work);
    };
    this.#underWay.add(work);
    work.then(forget, forget);
    return work;
  }

  #refuseIfClosed(): void {
    if (this.#closing !== undefined) throw new GoferError('UNAVAILABLE', 'the graph engine is closed');
  }
}

function settle(pending: PendingDecision, reply: DecideReply | undefined): void {
  if (reply === undefined) pending.reject(new GoferError('INTERNAL', 'a graph worker left a decision unanswered'));
  else if (reply.kind === 'failed') pending.reject(fromFailure(reply.failure));
  else pending.resolve(reply.decision);
}

function hasTasks(input: unknown): input is PipelineInput {
  return typeof input === 'object' && input !== null && 'tasks' in input && Array.isArray(input.tasks) && input.tasks.length > 0;
}

function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
