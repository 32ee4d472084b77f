/** The first cycle of a graph, as the ids along it, or undefined. `parentsOf` lists what each id waits for; unknown ids count as having none. */
export function findCycle(parentsOf: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>();
  for (const start of parentsOf.keys()) {
    const cycle = findCycleFrom(start, parentsOf, done);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

/** Depth first with a stack of its own: a chain may be longer than the call stack. */
function findCycleFrom(start: string, parentsOf: ReadonlyMap<string, readonly string[]>, done: Set<string>): readonly string[] | undefined {
  const path: { readonly id: string; next: number }[] = [{ id: start, next: 0 }];
  const onPath = new Set([start]);
  for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
    const parent = parentsOf.get(top.id)?.[top.next];
    top.next += 1;
    if (parent === undefined) {
      done.add(top.id);
      onPath.delete(top.id);
      path.pop();
    } else if (onPath.has(parent)) {
      const ids = path.map(({ id }) => id);
      return [...ids.slice(ids.indexOf(parent)), parent];
    } else if (!done.has(parent)) {
      onPath.add(parent);
      path.push({ id: parent, next: 0 });
    }
  }
  return undefined;
}
