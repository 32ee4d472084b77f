import { expect, test } from 'vitest';
import { admitsNamespace } from './namespace-patterns.ts';
import { patternFault } from './target-pattern.ts';

test.each([
  ['test', 'test', true],
  ['test-longer', 'test', false],
  ['^test\\d+$', 'test123', true],
  ['^test\\d{4}$', 'test123', false],
  ['[', 'test', false],
  ['.*', 'anything', true],
  ['', 'test', false],
  // The whole id, never a part of it.
  ['default', 'my-default', false],
  ['default', 'default-2', false],
  ['^default', 'default-2', false],
  ['a|b', 'bc', false],
  ['dev.*', 'development', true],
])('the pattern %j for %s: %s', (pattern, namespace, admits) => {
  expect(admitsNamespace([pattern], namespace)).toBe(admits);
});

test('one of several is enough, and none admits nobody', () => {
  expect(admitsNamespace(['[', 'team-a', 'team-b'], 'team-b')).toBe(true);
  expect(admitsNamespace([], 'team-b')).toBe(false);
});

test('what cannot be a pattern is told', () => {
  expect(patternFault('team-.*')).toBeUndefined();
  expect(patternFault('')).toContain('.* matches everything');
  for (const pattern of ['[', '(?=x)', '\\1']) expect(patternFault(pattern)).toContain('is not a regular expression');
});

test('is linear in time, whatever the pattern', () => {
  const id = `${'a'.repeat(31)}!`;
  expect(admitsNamespace(['(a+)+b', '(a|a)*b', '(.*)*(.*)*(.*)*x'], id)).toBe(false);
});
