/** Which results of a run another one may take over, when only what failed is to be repeated. Pure. */
import type { FinalStatus } from './final-status.ts';
import type { GraphTask } from './graph.ts';

/**
 * The tasks that were successful, and all of whose parents' results are taken over too: what depends on something that is repeated is
 * repeated. `statusOf`: how a task of the earlier run ended; undefined where it had none of that id. The tasks have no cycle.
 */
export function tasksToTakeOver(tasks: readonly GraphTask[], statusOf: (taskId: string) => FinalStatus | undefined): ReadonlySet<string> {
  const children = new Map<string, string[]>();
  const missing = new Map<string, number>();
  const settled: string[] = [];
  for (const { id, dependsOn } of tasks) {
    const parents = Object.keys(dependsOn);
    missing.set(id, parents.length);
    if (parents.length === 0) settled.push(id);
    for (const parent of parents) {
      const known = children.get(parent);
      if (known === undefined) children.set(parent, [id]);
      else known.push(id);
    }
  }
  const taken = new Set<string>();
  for (let id = settled.pop(); id !== undefined; id = settled.pop()) {
    if (statusOf(id) !== 'successful') continue;
    taken.add(id);
    for (const child of children.get(id) ?? []) {
      const left = (missing.get(child) ?? 0) - 1;
      missing.set(child, left);
      if (left === 0) settled.push(child);
    }
  }
  return taken;
}
