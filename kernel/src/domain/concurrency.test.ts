import { expect, test } from 'vitest';
import { runsThatGiveWay } from './concurrency.ts';

test.each([
  ['queue', 1, [1, 2, 3], []],
  ['cancelOldest', 1, [1, 2, 3], [1, 2]],
  ['cancelNewest', 1, [1, 2, 3], [2, 3]],
  ['cancelOldest', 2, [1, 2, 3], [1]],
  ['cancelNewest', 2, [1, 2, 3], [3]],
  ['cancelOldest', 3, [1, 2, 3], []],
  ['cancelNewest', Number.POSITIVE_INFINITY, [1, 2, 3], []],
] as const)('%s with a limit of %d of %j: %j give way', (concurrency, limit, runs, expected) => {
  expect(runsThatGiveWay(concurrency, limit, runs)).toEqual(expected);
});
