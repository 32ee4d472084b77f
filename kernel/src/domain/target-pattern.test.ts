import * as fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { compilePattern, LONGEST_PATTERN, PatternChecks, patternFault } from './target-pattern.ts';

describe('a pattern', () => {
  it.each([
    ['.*', 'anything', true],
    ['^.*$', '', true],
    ['^default$', 'default', true],
    ['default', 'default', true],
    ['^default$', 'default-2', false],
    ['dev', 'dev-prod', false],
    ['dev', 'my-dev', false],
    ['^devops.*', 'devops-eu', true],
    ['^devops.*', 'my-devops', false],
    ['(?:a|b)', 'b', true],
    ['a|b', 'bc', false],
    ['(?i)team-.*', 'TEAM-x', true],
    ['team-[a-z]+', 'team-blue', true],
    ['team-[a-z]+', 'team-blue\n', false],
  ])('%j for %j: %s', (pattern, id, matches) => {
    expect(compilePattern(pattern).matches(id)).toBe(matches);
  });

  it('means the same by its short way as by the regular expression that it is', () => {
    const id = fc.string({ unit: fc.constantFrom('a', 'b', '-', '_', '.', '\n', 'A'), maxLength: 6 });
    const word = fc.string({ unit: fc.constantFrom('a', 'b', '-', '_'), minLength: 1, maxLength: 4 });
    const pattern = fc
      .tuple(
        fc.constantFrom('', '^'),
        fc.oneof(word, fc.constant('')),
        fc.constantFrom('', '.*', '[ab]*', '*', '?', '+', '{0,2}', '(a|b)', '|a', '.', '[-_]b?', '\\w+', '$'),
        fc.constantFrom('', '$'),
      )
      .map((parts) => parts.join(''))
      .filter((text) => text !== '' && patternFault(text) === undefined);
    fc.assert(
      fc.property(pattern, id, (text, candidate) => {
        // `.*` alone is everything, whatever a line feed may be to a dot.
        if (/^\^?\.\*\$?$/.test(text)) return;
        expect(compilePattern(text).matches(candidate)).toBe(RE2JS.matches(text, candidate));
      }),
      { numRuns: 2000 },
    );
  });

  it('that cannot be used is told', () => {
    expect(patternFault('')).toContain('.* matches everything');
    expect(patternFault('a'.repeat(LONGEST_PATTERN + 1))).toContain('at most');
    for (const pattern of ['[', '(?=x)', '((a{100}){100}){100}', '\\1']) {
      expect(patternFault(pattern)).toContain('is not a regular expression');
    }
    for (const pattern of ['a{101}', 'a{1001}', '.{0,1000}', 'a{3}b{101,}']) expect(patternFault(pattern)).toContain('more than 100 times');
    for (const pattern of ['(.{0,30}){0,30}', '.{0,100}'.repeat(5), '(a?){100}a{100}b{100}'])
      expect(patternFault(pattern)).toContain('is too large');
    for (const pattern of ['team-[a-z0-9-]{3,32}', '(?i)(?:dev|test|prod)-.*', '[0-9]{4}-[0-9]{2}-[0-9]{2}']) {
      expect(patternFault(pattern)).toBeUndefined();
    }
  });

  it('is told as one too many where all of them would be too much work, and nothing more is compiled', () => {
    const checks = new PatternChecks();
    const faults = Array.from({ length: 10_000 }, (_, index) => checks.faultOf(`(?:${index}|[a-z]{1,32}){1,6}`));
    expect(faults[0]).toBeUndefined();
    expect(faults.filter((fault) => fault === undefined).length).toBeLessThan(20);
    expect(faults.at(-1)).toContain('one pattern too many');
    // What is no work is never too much.
    expect([checks.faultOf('.*'), checks.faultOf('default'), checks.faultOf('^team-.*$')]).toEqual([undefined, undefined, undefined]);
  });

  it('is not tried on what cannot be an id', () => {
    expect(compilePattern('[a]+').matches('a'.repeat(64))).toBe(true);
    expect(compilePattern('[a]+').matches('a'.repeat(65))).toBe(false);
  });
});
