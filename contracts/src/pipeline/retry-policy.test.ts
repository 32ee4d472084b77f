import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { retryPolicyOf } from './retry-policy.ts';

const EVERY_CAUSE = ['failure', 'infrastructure', 'timeout'] as const;

test('where nothing is said there are no retries', () => {
  expect(retryPolicyOf({}, {})).toEqual({ retries: 0, retryOn: EVERY_CAUSE, backoff: { initial: 1, maximum: 300, factor: 2 } });
});

test("each setting is the task's own, else its pipeline's", () => {
  const pipeline = { retries: 5, retryOn: ['infrastructure'], retryBackoff: { initial: 10, maximum: 20, factor: 3 } } as const;
  expect(retryPolicyOf(pipeline, {})).toEqual({ retries: 5, retryOn: ['infrastructure'], backoff: pipeline.retryBackoff });
  expect(retryPolicyOf(pipeline, { retries: 0 })).toMatchObject({ retries: 0, retryOn: ['infrastructure'] });
  expect(retryPolicyOf(pipeline, { retryOn: [75] })).toMatchObject({ retries: 5, retryOn: [75], backoff: pipeline.retryBackoff });
});

test("a task's backoff is a whole one: what it leaves out is the default, not its pipeline's", () => {
  const pipeline = { retryBackoff: { initial: 10, maximum: 20, factor: 3 } };
  expect(retryPolicyOf(pipeline, { retryBackoff: { factor: 5 } }).backoff).toEqual({ initial: 1, maximum: 300, factor: 5 });
  expect(retryPolicyOf(pipeline, { retryBackoff: {} }).backoff).toEqual({ initial: 1, maximum: 300, factor: 2 });
});

test('a pause that is written alone holds, and the first is never above the longest', () => {
  expect(retryPolicyOf({}, { retryBackoff: { initial: 600 } }).backoff).toEqual({ initial: 600, maximum: 600, factor: 2 });
  expect(retryPolicyOf({}, { retryBackoff: { maximum: 0.5 } }).backoff).toEqual({ initial: 0.5, maximum: 0.5, factor: 2 });
  const seconds = fc.double({ min: 0, max: 31_536_000, noNaN: true });
  fc.assert(
    fc.property(seconds, seconds, (one, other) => {
      const both = retryPolicyOf({}, { retryBackoff: { initial: Math.min(one, other), maximum: Math.max(one, other) } }).backoff;
      expect([both.initial, both.maximum]).toEqual([Math.min(one, other), Math.max(one, other)]);
      for (const retryBackoff of [{ initial: one }, { maximum: one }]) {
        const { initial, maximum } = retryPolicyOf({}, { retryBackoff }).backoff;
        expect(initial).toBeLessThanOrEqual(maximum);
        expect([initial, maximum]).toContain(one);
      }
    }),
  );
});
