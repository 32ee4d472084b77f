import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { restartDelay } from './restart-delay.ts';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('the pause before a start is between half and all of what doubles with each failure, up to the longest', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.integer({ min: 1000, max: 86_400_000 }), random, (failures, longest, chance) => {
      const full = Math.min(1000 * 2 ** Math.min(failures - 1, 20), longest);
      const delay = restartDelay(failures, longest, chance);
      expect(delay).toBeGreaterThanOrEqual(full / 2);
      expect(delay).toBeLessThanOrEqual(full);
    }),
  );
});
