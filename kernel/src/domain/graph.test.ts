import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyGraph } from './graph.arbitrary.ts';
import { compileGraph, graphOn, REQUIRED_STATUSES } from './graph.ts';

test('the arrays hold exactly the dependencies of the tasks, in both directions', () => {
  fc.assert(
    fc.property(anyGraph, (tasks) => {
      const graph = compileGraph(tasks);
      expect(graph.taskIds).toEqual(tasks.map((task) => task.id));
      const children = new Set<string>();
      for (const [number, task] of tasks.entries()) {
        const begin = graph.parentOffsets[number] ?? 0;
        const end = graph.parentOffsets[number + 1] ?? 0;
        const found = Array.from({ length: end - begin }, (_, at) => [
          graph.taskIds[graph.parents[begin + at] ?? -1],
          REQUIRED_STATUSES[graph.requirements[begin + at] ?? -1],
        ]);
        expect(found).toEqual(Object.entries(task.dependsOn));
        for (let at = graph.childOffsets[number] ?? 0; at < (graph.childOffsets[number + 1] ?? 0); at += 1) {
          children.add(`${task.id} → ${graph.taskIds[graph.children[at] ?? -1]}`);
        }
      }
      expect(children).toEqual(new Set(tasks.flatMap((task) => Object.keys(task.dependsOn).map((parent) => `${parent} → ${task.id}`))));
    }),
  );
});

test('another reader of the buffer sees the same graph', () => {
  fc.assert(
    fc.property(anyGraph, (tasks) => {
      const { taskIds: _, ...graph } = compileGraph(tasks);
      expect(graphOn(graph.buffer)).toEqual(graph);
    }),
  );
});

test('a parent that is not there is refused', () => {
  expect(() => compileGraph([{ id: 'a', dependsOn: { b: 'any' } }])).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
});
