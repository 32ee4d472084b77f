/**
 * A pipeline's tasks and dependencies as immutable arrays on one `SharedArrayBuffer`: every thread reads the same memory, and
 * handing a graph over copies nothing. A task is a number here: its position in the definition.
 */

import { GoferError } from '@gofer/contracts';
import type { RequiredParentStatus, TaskDefinition } from '@gofer/contracts/pipeline';

/**
 * The shape alone, as a decision needs it. Edges are in compressed rows: the parents of task t are
 * `parents[parentOffsets[t] .. parentOffsets[t + 1]]` in the order of its `dependsOn`, and the children likewise.
 */
export interface Graph {
  /** Holds every array below; `graphOn(buffer)` gives them again in another thread. */
  readonly buffer: SharedArrayBuffer;
  readonly taskCount: number;
  readonly edgeCount: number;
  readonly childOffsets: Int32Array;
  readonly children: Int32Array;
  readonly parentOffsets: Int32Array;
  readonly parents: Int32Array;
  /** Beside `parents`: a position in `REQUIRED_STATUSES`. */
  readonly requirements: Uint8Array;
  /** Of each task: 1 where it runs even though the run was cancelled, else 0. */
  readonly always: Uint8Array;
}

export interface CompiledGraph extends Graph {
  /** Task number → task id, in the order of the definition. */
  readonly taskIds: readonly string[];
}

/** What compiling needs of a task. */
export type GraphTask = Pick<TaskDefinition, 'id' | 'dependsOn'> & Partial<Pick<TaskDefinition, 'always'>>;

export const REQUIRED_STATUSES = ['any', 'success', 'failure'] as const satisfies readonly RequiredParentStatus[];
const REQUIREMENT_NUMBERS: Readonly<Record<RequiredParentStatus, number>> = { any: 0, success: 1, failure: 2 };

const HEADER_INTEGERS = 2;
const INTEGER_BYTES = Int32Array.BYTES_PER_ELEMENT;

/** The tasks must be those of a parsed definition: no cycle, no unknown parent. Rejects an unknown parent with `INTERNAL`. */
export function compileGraph(tasks: readonly GraphTask[]): CompiledGraph {
  const numbers = new Map<string, number>();
  let edgeCount = 0;
  const dependencies = tasks.map((task, number) => {
    numbers.set(task.id, number);
    const entries = Object.entries(task.dependsOn);
    edgeCount += entries.length;
    return entries;
  });

  const graph = allocateGraph(tasks.length, edgeCount);
  const { childOffsets, children, parentOffsets, parents, requirements, always } = graph;
  let edge = 0;
  for (const [task, entries] of dependencies.entries()) {
    parentOffsets[task] = edge;
    if (tasks[task]?.always === true) always[task] = 1;
    for (const [parentId, required] of entries) {
      const parent = numbers.get(parentId);
      if (parent === undefined)
        throw new GoferError('INTERNAL', `task '${tasks[task]?.id}' depends on '${parentId}', which is not in the graph`);
      parents[edge] = parent;
      requirements[edge] = REQUIREMENT_NUMBERS[required];
      childOffsets[parent + 1] = (childOffsets[parent + 1] ?? 0) + 1;
      edge += 1;
    }
  }
  parentOffsets[tasks.length] = edge;

  for (let task = 0; task < tasks.length; task += 1) childOffsets[task + 1] = (childOffsets[task + 1] ?? 0) + (childOffsets[task] ?? 0);
  const filled = childOffsets.slice();
  for (let child = 0; child < tasks.length; child += 1) {
    for (let at = parentOffsets[child] ?? 0; at < (parentOffsets[child + 1] ?? 0); at += 1) {
      const parent = parents[at] ?? 0;
      const slot = filled[parent] ?? 0;
      children[slot] = child;
      filled[parent] = slot + 1;
    }
  }
  return { ...graph, taskIds: tasks.map((task) => task.id) };
}

/** The arrays on the buffer of a compiled graph. Copies nothing. */
export function graphOn(buffer: SharedArrayBuffer): Graph {
  const [taskCount = 0, edgeCount = 0] = new Int32Array(buffer, 0, HEADER_INTEGERS);
  let offset = HEADER_INTEGERS * INTEGER_BYTES;
  const integers = (length: number): Int32Array => {
    const array = new Int32Array(buffer, offset, length);
    offset += length * INTEGER_BYTES;
    return array;
  };
  return {
    buffer,
    taskCount,
    edgeCount,
    childOffsets: integers(taskCount + 1),
    children: integers(edgeCount),
    parentOffsets: integers(taskCount + 1),
    parents: integers(edgeCount),
    requirements: new Uint8Array(buffer, offset, edgeCount),
    always: new Uint8Array(buffer, offset + edgeCount, taskCount),
  };
}

function allocateGraph(taskCount: number, edgeCount: number): Graph {
  const integers = HEADER_INTEGERS + 2 * (taskCount + 1) + 2 * edgeCount;
  const buffer = new SharedArrayBuffer(integers * INTEGER_BYTES + edgeCount + taskCount);
  new Int32Array(buffer, 0, HEADER_INTEGERS).set([taskCount, edgeCount]);
  return graphOn(buffer);
}
