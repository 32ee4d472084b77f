/** What follows from what has happened in a run: which tasks may run now, which never will, and whether the run is over. Pure. */

import { GoferError } from '@gofer/contracts';
import type { Decision, FinishedTask, SkippedTask } from './decision.ts';
import type { FinalStatus } from './final-status.ts';
import { satisfies } from './final-status.ts';
import type { Graph } from './graph.ts';
import { REQUIRED_STATUSES } from './graph.ts';
import type { RunCounters } from './run-counters.ts';
import { COUNTER, finalStatusOf } from './run-counters.ts';
import { runStatusOf } from './run-result.ts';

export interface DecideOptions {
  /**
   * The run was cancelled as a whole: nothing is started any more but the tasks marked `always`, and those neither where it says
   * `entirely`.
   */
  readonly cancelled?: Cancelled;
}

export type Cancelled = 'sparing-always' | 'entirely';

/**
 * Must not write `counters`; `applyDecision` does, after the commit. `finished` holds the tasks that ended since the last decision:
 * each must be of the graph and must not have ended before (else `INTERNAL`). The first decision on fresh counters looks at every
 * task, so with nothing finished it names the roots; each later one costs the edges of the tasks that ended in it, and those of the
 * parents of the tasks that no longer wait. How the finished tasks are spread over decisions changes nothing in what is decided.
 */
export function decide(graph: Graph, counters: RunCounters, finished: readonly FinishedTask[], options: DecideOptions = {}): Decision {
  const step = new DecisionStep(graph, counters, options.cancelled);
  for (const { task, status } of finished) step.finish(task, status);
  if (counters.totals[COUNTER.started] === 0) step.evaluateAllSettled();
  step.evaluate();
  return step.conclude();
}

/** The counters as they would be, kept beside the real ones. */
class DecisionStep {
  readonly #graph: Graph;
  readonly #counters: RunCounters;
  readonly #cancelled: Cancelled | undefined;
  /** Nothing can become ready any more. */
  readonly #isOver: boolean;
  readonly #endings = new Map<number, FinalStatus>();
  readonly #endedParents = new Map<number, number>();
  /** Tasks whose last parent has ended, in the order it happened. */
  readonly #settled: number[] = [];
  readonly #ready: number[] = [];
  readonly #skipped: SkippedTask[] = [];
  readonly #cancelledTasks: number[] = [];
  #unsuccessful = 0;

  constructor(graph: Graph, counters: RunCounters, cancelled: Cancelled | undefined) {
    this.#graph = graph;
    this.#counters = counters;
    this.#cancelled = cancelled;
    this.#isOver = cancelled === 'entirely' || (cancelled === 'sparing-always' && !graph.always.includes(1));
  }

  finish(task: number, status: FinalStatus): void {
    if (!Number.isInteger(task) || task < 0 || task >= this.#graph.taskCount) {
      throw new GoferError('INTERNAL', `task ${task} finished, but the graph has ${this.#graph.taskCount} tasks`);
    }
    const earlier = this.#statusOf(task);
    if (earlier !== undefined) throw new GoferError('INTERNAL', `task ${task} finished as ${status}, but has ended before as ${earlier}`);
    this.#end(task, status);
  }

  /** Every undecided task whose parents had all ended before this decision. */
  evaluateAllSettled(): void {
    const { remainingParents, statuses } = this.#counters;
    for (let task = 0; task < remainingParents.length; task += 1) {
      if (remainingParents[task] === 0 && statuses[task] === 0) this.#settled.push(task);
    }
  }

  /** Settles tasks, and those that settle by their being skipped or cancelled, until none is left. */
  evaluate(): void {
    if (this.#cancelled !== undefined) this.#cancelUndecided();
    if (this.#isOver) return;
    for (let next = 0; next < this.#settled.length; next += 1) {
      const task = this.#settled[next] ?? 0;
      // One that was cancelled while it waited has ended already.
      if (this.#statusOf(task) !== undefined) continue;
      const because = this.#unfitParentOf(task);
      if (because === undefined) {
        this.#ready.push(task);
      } else {
        this.#skipped.push({ task, because });
        this.#end(task, 'skipped');
      }
    }
  }

  conclude(): Decision {
    const { totals } = this.#counters;
    const unfinished = (totals[COUNTER.unfinished] ?? 0) - this.#endings.size;
    const unsuccessful = (totals[COUNTER.unsuccessful] ?? 0) + this.#unsuccessful;
    const decision = { ready: this.#ready.sort((a, b) => a - b), skipped: this.#skipped, cancelled: this.#cancelledTasks, unfinished };
    if (unfinished > 0) return decision;
    return { ...decision, runStatus: runStatusOf({ cancelled: this.#cancelled !== undefined, unsuccessful }) };
  }

  #cancelUndecided(): void {
    const { totals, statuses } = this.#counters;
    if (totals[COUNTER.undecided] === 0) return;
    for (let task = 0; task < statuses.length; task += 1) {
      const isSpared = !this.#isOver && this.#graph.always[task] === 1;
      if (statuses[task] === 0 && !this.#endings.has(task) && !isSpared) this.#cancelledTasks.push(task);
    }
    for (const task of this.#cancelledTasks) this.#end(task, 'cancelled');
  }

  #end(task: number, status: FinalStatus): void {
    this.#endings.set(task, status);
    if (status === 'failed' || status === 'cancelled') this.#unsuccessful += 1;
    if (this.#isOver) return;
    const { childOffsets, children } = this.#graph;
    const end = childOffsets[task + 1] ?? 0;
    for (let edge = childOffsets[task] ?? 0; edge < end; edge += 1) {
      const child = children[edge] ?? 0;
      const ended = (this.#endedParents.get(child) ?? 0) + 1;
      this.#endedParents.set(child, ended);
      if (ended === this.#counters.remainingParents[child]) this.#settled.push(child);
    }
  }

  #unfitParentOf(task: number): number | undefined {
    const { parentOffsets, parents, requirements } = this.#graph;
    const end = parentOffsets[task + 1] ?? 0;
    for (let edge = parentOffsets[task] ?? 0; edge < end; edge += 1) {
      const parent = parents[edge] ?? 0;
      const required = REQUIRED_STATUSES[requirements[edge] ?? 0];
      const ended = this.#statusOf(parent);
      if (required === undefined || ended === undefined)
        throw new GoferError('INTERNAL', `task ${task} was judged before its parent ${parent} ended`);
      if (!satisfies(required, ended)) return parent;
    }
    return undefined;
  }

  #statusOf(task: number): FinalStatus | undefined {
    return this.#endings.get(task) ?? finalStatusOf(this.#counters, task);
  }
}
