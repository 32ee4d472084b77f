import { formatDuration } from '@gofer/config';
import { codeOf } from '@gofer/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLength } from './parse-length.ts';
import { parseMoment } from './parse-moment.ts';

const NOW = Date.UTC(2026, 1, 28, 12);

describe('lengths', () => {
  it.each([
    ['0', 0],
    ['3600', 3_600],
    ['12h', 43_200],
    ['1h30m', 5_400],
    ['30d', 2_592_000],
    ['1d12h', 129_600],
    ['', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['d', undefined],
    ['1d1d', undefined],
    ['30 d', undefined],
    ['1h1d', undefined],
    ['1e3', undefined],
  ])('%j has %j seconds', (text, seconds) => {
    expect(parseLength(text)).toBe(seconds);
  });

  it('of days add up', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.integer({ min: 1, max: 10_000_000 }), (days, seconds) => {
        expect(parseLength(`${days}d${formatDuration(seconds)}`)).toBe(days * 86_400 + seconds);
      }),
    );
  });
});

describe('points in time', () => {
  it.each([
    ['2h', NOW - 7_200_000],
    ['7d', NOW - 7 * 86_400_000],
    ['0s', NOW],
    ['999999999d', 0],
    ['2026-02-28', Date.UTC(2026, 1, 28)],
    ['2026-02-28T08:30', Date.UTC(2026, 1, 28, 8, 30)],
    ['2026-02-28 08:30:15.5', Date.UTC(2026, 1, 28, 8, 30, 15, 500)],
    ['2026-02-28t08:30:15z', Date.UTC(2026, 1, 28, 8, 30, 15)],
    ['2026-02-28T08:30:00+02:00', Date.UTC(2026, 1, 28, 6, 30)],
    ['1772281800000', 1_772_281_800_000],
  ])('%j', (text, moment) => {
    expect(parseMoment(text, '--since', NOW)).toBe(moment);
  });

  it.each(['', 'yesterday', '3600', '2026-02-30', '2026-13-01', '2026-02-28T25:00', '2026-02-28T08:30+2', '1969-01-01', '28.2.2026'])(
    '%j is refused',
    (text) => {
      try {
        parseMoment(text, '--since', NOW);
        expect.unreachable();
      } catch (error) {
        expect(codeOf(error)).toBe('INVALID_ARGUMENT');
        expect(String(error)).toContain(`--since is a time such as 2026-02-28T08:30:00Z`);
      }
    },
  );

  it('are what JSON and --detail write', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100_000_000_000, max: 99_999_999_999_999 }), (moment) => {
        expect(parseMoment(String(moment), '--since', NOW)).toBe(moment);
        if (moment < Date.UTC(9999, 11, 31)) expect(parseMoment(new Date(moment).toISOString(), '--since', NOW)).toBe(moment);
      }),
    );
  });
});
