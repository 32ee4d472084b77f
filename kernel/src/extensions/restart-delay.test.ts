import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { restartDelay } from './restart-delay.ts';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('the pause before a start is between half and all of what doubles with each failure, and 5 minutes at most', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000 }), random, (failures, chance) => {
      const full = Math.min(1000 * 2 ** Math.min(failures - 1, 30), 300_000);
      const delay = restartDelay(failures, chance);
      expect(delay).toBeGreaterThanOrEqual(full / 2);
      expect(delay).toBeLessThanOrEqual(full);
    }),
  );
});
