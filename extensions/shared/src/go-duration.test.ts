import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatGoDuration, parseGoDuration } from './go-duration.ts';

describe('a duration of Go', () => {
  it.each([
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['5m0s', 300_000],
    ['30m1h', 5_400_000],
    ['1500us', 2],
    ['0s', 0],
  ])('%s', (text, milliseconds) => {
    expect(parseGoDuration(text)).toBe(milliseconds);
  });

  it.each(['', '5', 'm', '5 m', '-5m', '5d', '5M', '1e3s', '1..5s', '87601h'])('is not %j', (text) => {
    expect(parseGoDuration(text)).toBeUndefined();
  });

  it('reads what it writes', () => {
    fc.assert(
      fc.property(fc.nat(100_000_000), (duration) => {
        expect(parseGoDuration(formatGoDuration(duration))).toBe(duration);
      }),
    );
  });
});
