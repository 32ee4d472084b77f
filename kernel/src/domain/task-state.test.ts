import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { TaskChange, TaskLife } from './task-state.ts';
import { canChangeTask, changeTask } from './task-state.ts';

const at = fc.nat();
const anyChange: fc.Arbitrary<TaskChange> = fc.oneof(
  fc.constant<TaskChange>({ kind: 'ready' }),
  fc.record({ kind: fc.constant('skipped' as const), parentId: fc.constant('build'), at }),
  fc.record({ kind: fc.constant('started' as const), at }),
  fc.record({
    kind: fc.constant('failed' as const),
    reason: fc.constant('scheduler_error' as const),
    cause: fc.constant('engine' as const),
    description: fc.constant('no image'),
    at,
  }),
  fc.record({ kind: fc.constant('exited' as const), exitCode: fc.nat(255), at }),
  fc.record({
    kind: fc.constant('cancelled' as const),
    cause: fc.constant('task_cancelled' as const),
    description: fc.constant('by a person'),
    exitCode: fc.nat(255),
    at,
  }),
);
const RANK = { waiting: 0, processing: 1, running: 2, complete: 3 };

test('a life goes forward only, refuses what its state does not allow, and nothing follows its end', () => {
  fc.assert(
    fc.property(fc.array(anyChange, { maxLength: 12 }), (changes) => {
      let life: TaskLife = { state: 'waiting' };
      for (const change of changes) {
        if (life.state === 'complete') expect(canChangeTask(life.state, change.kind)).toBe(false);
        if (!canChangeTask(life.state, change.kind)) {
          expect(() => changeTask(life, change)).toThrow(expect.objectContaining({ code: 'FAILED_PRECONDITION' }));
          continue;
        }
        const next = changeTask(life, change);
        expect(RANK[next.state]).toBeGreaterThan(RANK[life.state]);
        if (next.state === 'complete') {
          expect(next.status === 'successful').toBe(change.kind === 'exited' && change.exitCode === 0);
          expect(next.reason === undefined).toBe(next.status === 'successful');
          if (life.state === 'running') expect(next.startedAt).toBe(life.startedAt);
        }
        life = next;
      }
    }),
    { numRuns: 500 },
  );
});

test.each([
  [0, undefined, 'successful', undefined],
  [1, undefined, 'failed', 'exit code 1'],
  [137, 'killed by SIGKILL', 'failed', 'exit code 137: killed by SIGKILL'],
  [255, undefined, 'failed', 'exit code 255'],
])('exit code %d', (exitCode, note, status, description) => {
  const life = changeTask({ state: 'running', startedAt: 5 }, { kind: 'exited', exitCode, ...(note === undefined ? {} : { note }), at: 9 });
  expect(life).toMatchObject({ state: 'complete', status, exitCode, startedAt: 5, endedAt: 9 });
  expect('reason' in life ? life.reason?.description : undefined).toBe(description);
});

test('one that ended before its start was seen has the start that the engine tells', () => {
  expect(changeTask({ state: 'processing' }, { kind: 'exited', exitCode: 0, startedAt: 3, at: 9 })).toMatchObject({
    startedAt: 3,
    endedAt: 9,
  });
});
