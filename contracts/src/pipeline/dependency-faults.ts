/** What can be wrong between tasks: one id twice, a parent that is not there, a task waiting for itself, tasks waiting in a circle. */

import type { FaultList } from './fault-list.ts';
import { memberPath, quote } from './field-readers.ts';
import type { TaskDefinition } from './pipeline-definition.ts';
import { PIPELINE_LIMITS } from './pipeline-limits.ts';

/** Tasks of one cycle that a message names; what is left out is counted. */
const CYCLE_NAMES = 50;

/** `tasks` has the positions of the input; a hole is a task that could not be read. */
export function addDependencyFaults(tasks: readonly (TaskDefinition | undefined)[], faults: FaultList): void {
  const positions = positionsById(tasks, faults);
  const parents: number[][] = [];
  let edges = 0;
  for (const [index, task] of tasks.entries()) {
    const known: number[] = [];
    parents.push(known);
    if (task === undefined) continue;
    const path = `$.tasks[${index}].depends_on`;
    for (const parent of Object.keys(task.dependsOn)) {
      edges += 1;
      const position = positions.get(parent);
      if (parent === task.id) faults.add(memberPath(path, parent), `task ${quote(task.id)} depends on itself`);
      else if (position === undefined) faults.add(memberPath(path, parent), `there is no task ${quote(parent)}`);
      else known.push(position);
    }
  }
  if (edges > PIPELINE_LIMITS.dependencies) {
    faults.add('$.tasks', `a pipeline has at most ${PIPELINE_LIMITS.dependencies} dependencies in all, this one has ${edges}`);
    return;
  }
  addCycleFaults(tasks, parents, faults);
}

function positionsById(tasks: readonly (TaskDefinition | undefined)[], faults: FaultList): ReadonlyMap<string, number> {
  const positions = new Map<string, number>();
  for (const [index, task] of tasks.entries()) {
    if (task === undefined) continue;
    const earlier = positions.get(task.id);
    if (earlier === undefined) positions.set(task.id, index);
    else faults.add(`$.tasks[${index}].id`, `task id ${quote(task.id)} is already that of $.tasks[${earlier}]`);
  }
  return positions;
}

/**
 * Depth first along the parents, without recursion: each task and each dependency is looked at once. A dependency that leads back
 * into the path being walked closes a cycle. Cycles that share a task with one already named are left out: mending that one may
 * mend them.
 */
function addCycleFaults(tasks: readonly (TaskDefinition | undefined)[], parents: readonly (readonly number[])[], faults: FaultList): void {
  const untouched = -1;
  /** Position in the walked path; `finished` once left. */
  const finished = -2;
  const depths = new Int32Array(tasks.length).fill(untouched);
  const nextParent = new Int32Array(tasks.length);
  const named = new Uint8Array(tasks.length);
  const walked: number[] = [];

  for (let root = 0; root < tasks.length; root += 1) {
    if (depths[root] !== untouched) continue;
    depths[root] = 0;
    walked.push(root);
    while (walked.length > 0) {
      const task = walked.at(-1) ?? root;
      const parent = parents[task]?.[nextParent[task] ?? 0];
      if (parent === undefined) {
        depths[task] = finished;
        walked.pop();
        continue;
      }
      nextParent[task] = (nextParent[task] ?? 0) + 1;
      const depth = depths[parent] ?? finished;
      if (depth === untouched) {
        depths[parent] = walked.length;
        walked.push(parent);
      } else if (depth !== finished) {
        addCycleFault(walked.slice(depth), tasks, named, faults);
      }
    }
  }
}

/** `cycle`: each task waits for the next, the last for the first. */
function addCycleFault(
  cycle: readonly number[],
  tasks: readonly (TaskDefinition | undefined)[],
  named: Uint8Array,
  faults: FaultList,
): void {
  if (cycle.some((task) => named[task] === 1)) return;
  for (const task of cycle) named[task] = 1;
  const ids = cycle.map((task) => tasks[task]?.id ?? '');
  const [first = '', second = ''] = ids;
  const shown = ids.length <= CYCLE_NAMES ? ids : [...ids.slice(0, CYCLE_NAMES), `(${ids.length - CYCLE_NAMES} more)`];
  const path = memberPath(`$.tasks[${cycle[0]}].depends_on`, second);
  faults.add(path, `these tasks wait for each other: ${[...shown, first].join(' → ')}`);
}
