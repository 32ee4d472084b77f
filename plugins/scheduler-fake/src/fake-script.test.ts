import { assert, constantFrom, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchesWildcard } from './fake-script.ts';

/** The obvious definition, by trying every split. */
function matches(pattern: string, text: string): boolean {
  if (pattern === '') return text === '';
  const rest = pattern.slice(1);
  if (pattern[0] !== '*') return text[0] === pattern[0] && matches(rest, text.slice(1));
  return Array.from({ length: text.length + 1 }, (_, from) => text.slice(from)).some((tail) => matches(rest, tail));
}

describe('matchesWildcard', () => {
  it('takes * for any text and everything else for itself', () => {
    const letters = string({ unit: constantFrom('a', 'b'), maxLength: 8 });
    const pattern = string({ unit: constantFrom('a', 'b', '*'), maxLength: 6 });
    assert(property(pattern, letters, (wild, text) => matchesWildcard(wild, text) === matches(wild, text)));
    expect(matchesWildcard('a.c', 'abc')).toBe(false);
  });
});
