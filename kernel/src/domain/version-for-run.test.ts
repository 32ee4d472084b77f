import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { versionForRun } from './version-for-run.ts';

const draw = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('no deployed version, no version', () => {
  fc.assert(fc.property(draw, (at) => versionForRun([], at) === undefined));
  expect(versionForRun([{ version: 1, share: 0 }], 0.5)).toBeUndefined();
});

test('the only deployed version gets every run, even if a higher version exists', () => {
  const deployed = [
    { version: 3, share: 1 },
    { version: 4, share: 0 },
  ];
  fc.assert(fc.property(draw, (at) => versionForRun(deployed, at) === 3));
  expect(versionForRun(deployed, 0.999)).toBe(3);
});

test('several share the runs as they say, in whatever order they are listed', () => {
  const canary = [
    { version: 2, share: 90 },
    { version: 3, share: 10 },
  ];
  const drawn = Array.from({ length: 1_000 }, (_, index) => versionForRun(canary, index / 1_000));
  expect(drawn.filter((version) => version === 3)).toHaveLength(100);
  fc.assert(fc.property(draw, (at) => versionForRun(canary.toReversed(), at) === versionForRun(canary, at)));
});
