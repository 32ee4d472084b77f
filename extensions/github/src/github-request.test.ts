import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limitedUntil, pauseAfter } from './github-request.ts';

const NOW = 1_700_000_000_000;

describe('GitHub asks for silence', () => {
  test.each([
    [429, { 'retry-after': '30' }, '', NOW + 30_000],
    [403, { 'retry-after': '60' }, 'You have exceeded a secondary rate limit.', NOW + 60_000],
    [503, { 'retry-after': '5' }, '', NOW + 5_000],
    [403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW / 1000 + 90) }, '', NOW + 91_000],
    [403, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '5' }, '', NOW],
    [429, {}, '', NOW + 60_000],
    [403, {}, 'API rate limit exceeded', NOW + 60_000],
    [429, { 'retry-after': '999999999' }, '', NOW + 3_600_000],
  ] as const)('%d %j', (status, headers, message, until) => {
    expect(limitedUntil(status, new Headers(headers), message, NOW)).toBe(until);
  });

  test.each([
    [403, { 'x-ratelimit-remaining': '10', 'x-ratelimit-reset': '5' }, 'Resource not accessible by integration'],
    [404, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '5' }, 'Not Found'],
    [500, { 'retry-after': 'soon' }, ''],
  ] as const)('or it does not: %d %j', (status, headers, message) => {
    expect(limitedUntil(status, new Headers(headers), message, NOW)).toBeUndefined();
  });
});

test('pauses grow, and stay below five minutes', () => {
  fc.assert(
    fc.property(fc.nat(), (failures) => {
      expect(pauseAfter(failures)).toBeGreaterThanOrEqual(1_000);
      expect(pauseAfter(failures)).toBeLessThanOrEqual(300_000);
      expect(pauseAfter(failures + 1)).toBeGreaterThanOrEqual(pauseAfter(failures));
    }),
  );
  expect([1, 2, 3, 10].map(pauseAfter)).toEqual([1_000, 2_000, 4_000, 300_000]);
});
