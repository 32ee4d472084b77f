import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isDeeperThan } from './json-body.ts';

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

test('depth is counted without parsing, whatever the strings hold', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.nat({ max: 8 }), fc.constantFrom(0, 2), (value, limit, indent) => {
      expect(isDeeperThan(JSON.stringify(value, null, indent), limit)).toBe(depthOf(value) > limit);
    }),
  );
  expect(isDeeperThan('["\\"[[[[", "\\\\", [1]]', 1)).toBe(true);
  expect(isDeeperThan('["\\"[[[[", "\\\\"]', 1)).toBe(false);
});
