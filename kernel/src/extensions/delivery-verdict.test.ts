import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judge, LONGEST_DELAY_MS, MOST_ATTEMPTS } from './delivery-verdict.ts';

const random = fc.double({ min: 0, max: 0.999, noNaN: true });
const LATER = [408, 425, 429];
const failures = fc.integer({ min: 0, max: MOST_ATTEMPTS - 2 });

describe('what becomes of an event that was handed over', () => {
  it('is final where the extension took or refused it, however often it was in vain', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 200, max: 299 }).filter((code) => !LATER.includes(code + 200)),
        fc.nat(50),
        random,
        (statusCode, before, chance) => {
          expect(judge({ statusCode }, before, chance)).toEqual({ state: 'delivered' });
          expect(judge({ statusCode: statusCode + 200 }, before, chance)).toEqual({ state: 'refused' });
        },
      ),
    );
  });

  it('is tried again after anything else, later each time, and given up in the end', () => {
    const handover = fc.oneof(
      fc.constant({ reason: 'no answer' }),
      fc.integer({ min: 500, max: 599 }).map((statusCode) => ({ statusCode })),
      fc.constantFrom(...LATER).map((statusCode) => ({ statusCode })),
      fc.integer({ min: 300, max: 399 }).map((statusCode) => ({ statusCode })),
    );
    fc.assert(
      fc.property(handover, failures, random, (given, before, chance) => {
        const verdict = judge(given, before, chance);
        if (verdict.state !== 'pending') throw new Error(`it is ${verdict.state}`);
        const delay = Math.min(1000 * 2 ** before, LONGEST_DELAY_MS);
        expect(verdict.delayMs).toBeGreaterThanOrEqual(Math.floor(delay * 0.75));
        expect(verdict.delayMs).toBeLessThanOrEqual(delay);
        expect(judge(given, MOST_ATTEMPTS - 1, chance)).toEqual({ state: 'failed' });
      }),
    );
  });
});
