import type { RetryPolicy } from '@gofer/contracts/pipeline';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextAttemptAfter } from './retry.ts';
import type { TaskCause } from './task-state.ts';

const policy = (given: Partial<RetryPolicy> = {}): RetryPolicy => ({
  retries: 3,
  retryOn: ['failure', 'infrastructure', 'timeout'],
  backoff: { initial: 1, maximum: 10, factor: 2 },
  ...given,
});

test('the pause doubles up to its maximum, and is between a half and the whole of that', () => {
  const failure = { cause: 'exit_code', exitCode: 1 } as const;
  const many = policy({ retries: 100 });
  expect([1, 2, 3, 4, 5, 50].map((made) => nextAttemptAfter(many, made, failure, 0))).toEqual([500, 1000, 2000, 4000, 5000, 5000]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (made, chance) => {
      const whole = Math.min(2 ** (made - 1), 10) * 1000;
      const pause = nextAttemptAfter(many, made, failure, chance) ?? -1;
      expect(pause).toBeGreaterThanOrEqual(Math.floor(whole / 2));
      expect(pause).toBeLessThanOrEqual(whole);
    }),
  );
});

test('there are as many further attempts as are allowed, and no more', () => {
  const failure = { cause: 'exit_code', exitCode: 1 } as const;
  expect([1, 2, 3, 4, 5].map((made) => nextAttemptAfter(policy(), made, failure, 0) !== undefined)).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
  expect(nextAttemptAfter(policy({ retries: 0 }), 1, failure, 0)).toBeUndefined();
});

test.each<[TaskCause | undefined, number, RetryPolicy['retryOn'], boolean]>([
  ['exit_code', 7, ['failure'], true],
  ['exit_code', 7, [7], true],
  ['exit_code', 8, [7], false],
  ['exit_code', 7, ['infrastructure', 'timeout'], false],
  ['timeout', 143, ['timeout'], true],
  ['timeout', 143, ['failure', 143], false],
  ['orphaned', 1, ['infrastructure'], true],
  ['orphaned', 1, ['failure', 1], false],
  ['image_pull', 1, ['infrastructure'], true],
  ['start_timeout', 1, ['infrastructure'], true],
  ['engine', 1, ['infrastructure'], true],
  ['not_executable', 1, ['failure', 'infrastructure', 'timeout', 1], false],
  ['missing_reference', 1, ['failure', 'infrastructure', 'timeout', 1], false],
  ['task_cancelled', 143, ['failure', 'infrastructure', 'timeout', 143], false],
  ['run_timeout', 143, ['failure', 'infrastructure', 'timeout', 143], false],
  [undefined, 0, ['failure', 'infrastructure', 'timeout'], false],
])('%s with exit code %i and retry_on %j: %s', (cause, exitCode, retryOn, expected) => {
  expect(nextAttemptAfter(policy({ retryOn }), 1, { cause, exitCode }, 0) !== undefined).toBe(expected);
});
