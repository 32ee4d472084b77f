import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, LONGEST_DURATION, parseDuration } from './duration.ts';

describe('parseDuration', () => {
  it.each([
    ['4380h', 15_768_000],
    ['5m', 300],
    ['15s', 15],
    ['1h30m', 5400],
    ['250ms', 0.25],
    ['1s1ms', 1.001],
    ['0', 0],
    ['0s', 0],
    ['007s', 7],
  ])('reads %s', (text, seconds) => {
    expect(parseDuration(text)).toBe(seconds);
  });

  it.each([
    '',
    '10',
    '1h foo',
    '5m5m',
    '30m1h',
    '-5m',
    '+5m',
    '1.5h',
    ' 5m',
    '5m ',
    '5 m',
    'h',
    '1d',
    '1H',
    '9007199254740991h',
    `${'9'.repeat(70)}s`,
  ])('refuses %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it('reads every duration that formatDuration writes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: LONGEST_DURATION * 1000 }), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds / 1000))).toBe(milliseconds / 1000);
      }),
    );
  });

  it('never reads text that has anything but digits and units', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseDuration(text) === undefined || /^(\d+(h|m|s|ms))+$|^0$/.test(text)).toBe(true);
      }),
    );
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0s'],
    [15_768_000, '4380h'],
    [5400, '1h30m'],
    [0.25, '250ms'],
  ])('writes %d as %s', (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });

  it.each([-1, Number.NaN, LONGEST_DURATION * 1.01, Number.POSITIVE_INFINITY])('refuses %d', (seconds) => {
    expect(() => formatDuration(seconds)).toThrow(RangeError);
  });
});
