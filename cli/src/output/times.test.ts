import { describe, expect, it } from 'vitest';
import { formatDuration, formatTime } from './times.ts';

const NOW = Date.UTC(2026, 10, 23, 12);

describe('times', () => {
  it.each([
    [0, 'never'],
    [NOW - 300, 'just now'],
    [NOW - 1_000, '1 second ago'],
    [NOW - 179_999, '2 minutes ago'],
    [NOW - 3 * 3_600_000, '3 hours ago'],
    [NOW - 40 * 86_400_000, '1 month ago'],
    [NOW + 7_200_000, 'in 2 hours'],
  ])('%i reads %j', (time, text) => {
    expect(formatTime(time, { now: NOW, exact: false })).toBe(text);
  });

  it('are exact on demand', () => {
    expect(formatTime(NOW, { now: NOW + 5, exact: true })).toBe('2026-11-23T12:00:00.000Z');
  });
});

describe('durations', () => {
  it.each([
    [430, '430 ms'],
    [2_100, '2.1 s'],
    [59_949, '59.9 s'],
    [59_999, '1 m 0 s'],
    [184_000, '3 m 4 s'],
    [7_500_000, '2 h 5 m'],
    [90_000_000, '1 d 1 h'],
  ])('%i ms read %j', (length, text) => {
    expect(formatDuration(NOW, NOW + length, NOW)).toBe(text);
  });

  it('of what goes on last until now, of what has not begun there are none', () => {
    expect(formatDuration(NOW - 2_000, 0, NOW)).toBe('2.0 s');
    expect(formatDuration(0, 0, NOW)).toBe('-');
  });
});
