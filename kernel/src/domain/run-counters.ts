/**
 * How far a run is: what decisions read and only the run's loop writes, after the commit. On a `SharedArrayBuffer`, so that a
 * decision in another thread sees it without a copy. A run has at most one decision under way, and its counters are not written
 * meanwhile: that is why no access needs to be atomic.
 */

import { GoferError } from '@gofer/contracts';
import type { Decision, FinishedTask } from './decision.ts';
import type { FinalStatus } from './final-status.ts';
import { FINAL_STATUSES } from './final-status.ts';
import type { Graph } from './graph.ts';

export interface RunCounters {
  /** Holds every array below; `countersOn(buffer)` gives them again in another thread. */
  readonly buffer: SharedArrayBuffer;
  /** See `COUNTER`. */
  readonly totals: Int32Array;
  /** Of each task: its parents that have not ended. */
  readonly remainingParents: Int32Array;
  /** Of each task: 0 while no decision has named it, 1 + its position in `FINAL_STATUSES` once it has ended, else `READY`. */
  readonly statuses: Uint8Array;
}

/** Positions in `RunCounters.totals`. */
export const COUNTER = {
  /** Tasks in the run; constant. */
  tasks: 0,
  /** Tasks that have not ended. */
  unfinished: 1,
  /** Tasks that have not ended and that no decision has named. */
  undecided: 2,
  /** Tasks that ended `failed` or `cancelled`. */
  unsuccessful: 3,
  /** 1 once a first decision was applied, else 0. */
  started: 4,
} as const;

/** In `RunCounters.statuses`: a decision said that the task may run, and it has not ended. */
export const READY = 1 + FINAL_STATUSES.length;

const TOTALS = 5;
const INTEGER_BYTES = Int32Array.BYTES_PER_ELEMENT;

/** The counters of a run that has not begun. */
export function createRunCounters(graph: Graph): RunCounters {
  const { taskCount, parentOffsets } = graph;
  const buffer = new SharedArrayBuffer((TOTALS + taskCount) * INTEGER_BYTES + taskCount);
  new Int32Array(buffer, 0, 1).set([taskCount]);
  const counters = countersOn(buffer);
  for (let task = 0; task < taskCount; task += 1) {
    counters.remainingParents[task] = (parentOffsets[task + 1] ?? 0) - (parentOffsets[task] ?? 0);
  }
  counters.totals[COUNTER.unfinished] = taskCount;
  counters.totals[COUNTER.undecided] = taskCount;
  return counters;
}

/**
 * The counters of a run found again: `statuses` holds every task that has ended, and no other; `live` those that were started, or are
 * being started, and have not ended. The next decision is a first one: it names every other task that may run by now, or, where the
 * run is being cancelled, ends every other task.
 */
export function countersFrom(graph: Graph, statuses: ReadonlyMap<number, FinalStatus>, live: Iterable<number> = []): RunCounters {
  const counters = createRunCounters(graph);
  for (const [task, status] of statuses) recordEnd(graph, counters, task, status);
  for (const task of live) recordReady(counters, task);
  return counters;
}

/** The arrays on the buffer of counters. Copies nothing. */
export function countersOn(buffer: SharedArrayBuffer): RunCounters {
  const totals = new Int32Array(buffer, 0, TOTALS);
  const taskCount = totals[COUNTER.tasks] ?? 0;
  return {
    buffer,
    totals,
    remainingParents: new Int32Array(buffer, TOTALS * INTEGER_BYTES, taskCount),
    statuses: new Uint8Array(buffer, (TOTALS + taskCount) * INTEGER_BYTES, taskCount),
  };
}

/** The status a task ended with, by these counters. */
export function finalStatusOf(counters: RunCounters, task: number): FinalStatus | undefined {
  return FINAL_STATUSES[(counters.statuses[task] ?? 0) - 1];
}

/**
 * Writes what a committed decision says: what had finished, and what the decision ended. Must be called once for each decision, by
 * the run's loop, after the commit and before the next decision. Costs the edges of the tasks that ended.
 */
export function applyDecision(graph: Graph, counters: RunCounters, finished: readonly FinishedTask[], decision: Decision): void {
  for (const { task, status } of finished) recordEnd(graph, counters, task, status);
  for (const { task } of decision.skipped) recordEnd(graph, counters, task, 'skipped');
  for (const task of decision.cancelled) recordEnd(graph, counters, task, 'cancelled');
  for (const task of decision.ready) recordReady(counters, task);
  counters.totals[COUNTER.started] = 1;
}

function recordReady(counters: RunCounters, task: number): void {
  if (counters.statuses[task] !== 0)
    throw new GoferError('INTERNAL', `task ${task} of a run cannot become ready: ${foundOf(counters, task)}`);
  counters.statuses[task] = READY;
  add(counters.totals, COUNTER.undecided, -1);
}

function recordEnd(graph: Graph, counters: RunCounters, task: number, status: FinalStatus): void {
  const { totals, remainingParents, statuses } = counters;
  const earlier = statuses[task];
  if (earlier !== 0 && earlier !== READY) {
    throw new GoferError('INTERNAL', `task ${task} of a run cannot end as ${status}: ${foundOf(counters, task)}`);
  }
  statuses[task] = 1 + FINAL_STATUSES.indexOf(status);
  add(totals, COUNTER.unfinished, -1);
  if (earlier === 0) add(totals, COUNTER.undecided, -1);
  if (status === 'failed' || status === 'cancelled') add(totals, COUNTER.unsuccessful, 1);

  const end = graph.childOffsets[task + 1] ?? 0;
  for (let edge = graph.childOffsets[task] ?? 0; edge < end; edge += 1) add(remainingParents, graph.children[edge] ?? 0, -1);
}

function foundOf(counters: RunCounters, task: number): string {
  if (counters.statuses[task] === undefined) return 'it is not in its graph';
  return `it is ${finalStatusOf(counters, task) ?? 'ready'} already`;
}

function add(array: Int32Array, at: number, amount: number): void {
  array[at] = (array[at] ?? 0) + amount;
}
