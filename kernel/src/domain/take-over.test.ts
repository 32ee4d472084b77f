import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FinalStatus } from './final-status.ts';
import { anyGraph } from './graph.arbitrary.ts';
import { tasksToTakeOver } from './take-over.ts';

test('what was successful is taken over if and only if everything before it is', () => {
  const ends = fc.array(fc.constantFrom<FinalStatus | undefined>('successful', 'successful', 'failed', 'cancelled', 'skipped', undefined), {
    minLength: 20,
    maxLength: 20,
  });
  fc.assert(
    fc.property(anyGraph, ends, (tasks, statuses) => {
      const statusOf = (id: string): FinalStatus | undefined => statuses[Number(id.slice(1))];
      const taken = tasksToTakeOver(tasks, statusOf);
      for (const { id, dependsOn } of tasks) {
        const expected = statusOf(id) === 'successful' && Object.keys(dependsOn).every((parent) => taken.has(parent));
        expect([id, taken.has(id)]).toEqual([id, expected]);
      }
    }),
  );
});
