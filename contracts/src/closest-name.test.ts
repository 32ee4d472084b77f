import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closestName, editDistance } from './closest-name.ts';

describe('editDistance', () => {
  it.each([
    ['', '', 0],
    ['abc', 'abc', 0],
    ['abc', 'acb', 1],
    ['levle', 'level', 1],
    ['kitten', 'sitting', 3],
  ])('of %j and %j is %d', (from, to, distance) => {
    expect(editDistance(from, to)).toBe(distance);
  });

  it('is symmetric, zero only for equals, and bounded by the longer text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (from, to) => {
        const distance = editDistance(from, to);
        expect(distance).toBe(editDistance(to, from));
        expect(distance === 0).toBe(from === to);
        expect(distance).toBeLessThanOrEqual(Math.max(from.length, to.length));
      }),
    );
  });
});

describe('closestName', () => {
  it('finds a slip of the pen in any case', () => {
    expect(closestName('LOG_LEVLE', ['log_level', 'admin_key'])).toBe('log_level');
    expect(closestName('dokcer', ['process', 'docker'])).toBe('docker');
  });

  it('names nothing where nothing is near', () => {
    expect(closestName('colour', ['log_level', 'admin_key'])).toBeUndefined();
    expect(closestName('x'.repeat(1000), ['x'])).toBeUndefined();
  });
});
