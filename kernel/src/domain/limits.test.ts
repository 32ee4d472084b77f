import { expect, test } from 'vitest';
import { effectiveRunLimit } from './limits.ts';

test.each([
  [0, 0, Number.POSITIVE_INFINITY],
  [0, 200, 200],
  [3, 0, 3],
  [3, 200, 3],
  [300, 200, 200],
])('parallelism %d under a server limit of %d: %d', (parallelism, server, expected) => {
  expect(effectiveRunLimit(parallelism, server)).toBe(expected);
});
