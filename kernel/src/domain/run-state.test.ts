import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RunChange, RunLife } from './run-state.ts';
import { canChangeRun, changeRun } from './run-state.ts';

const at = fc.nat();
const cancellation = fc.record({
  cause: fc.constantFrom('cancelled' as const, 'timeout' as const, 'concurrency' as const),
  graceMs: fc.nat(),
  force: fc.boolean(),
  at,
  reason: fc.constantFrom('user_cancelled' as const, 'admin_cancelled' as const),
  description: fc.string(),
});
const CANCELLATION = { cause: 'cancelled', reason: 'user_cancelled', description: 'on request', at: 1, graceMs: 5, force: false } as const;
const anyChange: fc.Arbitrary<RunChange> = fc.oneof(
  fc.constant<RunChange>({ kind: 'admitted' }),
  fc.record({ kind: fc.constant('cancelled' as const), cancellation, at }),
  fc.record({ kind: fc.constant('finished' as const), unsuccessfulTaskIds: fc.array(fc.constant('build')), at }),
  fc.record({
    kind: fc.constant('failed' as const),
    reason: fc.constant('failed_precondition' as const),
    cause: fc.constant('internal' as const),
    description: fc.string(),
    at,
  }),
);

test('nothing follows the end; cancelled is exactly what was cancelled as a whole, with the first reason', () => {
  fc.assert(
    fc.property(fc.array(anyChange, { maxLength: 8 }), (changes) => {
      let life: RunLife = { state: 'pending' };
      let first: RunChange | undefined;
      for (const change of changes) {
        if (!canChangeRun(life.state, change.kind)) {
          expect(() => changeRun(life, change)).toThrow(expect.objectContaining({ code: 'FAILED_PRECONDITION' }));
          continue;
        }
        expect(life.state).not.toBe('complete');
        if (change.kind === 'cancelled') first ??= change;
        const next = changeRun(life, change);
        if (next.state === 'complete' && change.kind !== 'failed') {
          const cause = first?.kind === 'cancelled' ? first.cancellation.cause : undefined;
          const isPending = life.state === 'pending';
          expect(next.status === 'cancelled').toBe(cause !== undefined && (isPending || cause !== 'timeout'));
          if (first?.kind === 'cancelled') expect(next.reason).toMatchObject({ cause, description: first.cancellation.description });
        }
        life = next;
      }
    }),
    { numRuns: 500 },
  );
});

test('a finished run is successful, or failed with the tasks named, at most five', () => {
  const finish = (unsuccessfulTaskIds: readonly string[]): RunLife =>
    changeRun({ state: 'running' }, { kind: 'finished', unsuccessfulTaskIds, at: 7 });
  expect(finish([])).toEqual({ state: 'complete', status: 'successful', endedAt: 7 });
  expect(finish(['build', 'test'])).toEqual({
    state: 'complete',
    status: 'failed',
    reason: { reason: 'abnormal_exit', description: 'tasks that did not succeed: build, test' },
    endedAt: 7,
  });
  expect(finish(['a', 'b', 'c', 'd', 'e', 'f', 'g'])).toMatchObject({
    reason: { description: 'tasks that did not succeed: a, b, c, d, e and 2 more' },
  });
});

test('cancelling a pending run ends it; a running one goes on until its tasks have ended', () => {
  const cancel = { kind: 'cancelled', cancellation: CANCELLATION, at: 1 } as const;
  expect(changeRun({ state: 'pending' }, cancel)).toMatchObject({ state: 'complete', status: 'cancelled', endedAt: 1 });
  const running = changeRun({ state: 'running' }, cancel);
  expect(running).toEqual({ state: 'running', cancellation: cancel.cancellation });
  expect(changeRun(running, { kind: 'finished', unsuccessfulTaskIds: [], at: 3 })).toMatchObject({
    status: 'cancelled',
    reason: { reason: 'user_cancelled' },
  });
});
