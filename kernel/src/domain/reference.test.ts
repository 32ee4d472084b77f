import { codeOf } from '@gofer/contracts';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatReference, isSecretReference, parseReference, REFERENCE_KINDS } from './reference.ts';

describe('a value is a reference', () => {
  test.each([
    ['pipeline_secret{{ example_key }}', 'pipeline_secret', 'example_key'],
    [' global_secret{{ another_value }} ', 'global_secret', 'another_value'],
    ['pipeline_object{{  nested   }}', 'pipeline_object', 'nested'],
    ['run_object{{run123}}', 'run_object', 'run123'],
    ['PIPELINE_SECRET{{ uppercase_key }}', 'pipeline_secret', 'uppercase_key'],
    ['run_object{{a {{b}}', 'run_object', 'a {{b'],
    ['run_object{{two\nlines}}', 'run_object', 'two\nlines'],
  ])('%j', (value, kind, name) => {
    expect(parseReference(value)).toEqual({ kind, name });
  });

  test.each([
    'pipeline_secret example',
    'pipeline_secret value }}',
    'pipeline_secret{{ value }',
    'foobar{{ some_value }}',
    'pipeline_secret {{x}}',
    'prefix pipeline_secret{{x}}',
    'pipeline_secret{{x}} suffix',
    'pipeline_secret{{}}',
    'pipeline_secret{{   }}',
    'pipeline_secret{{a}}{{b}}',
    '',
  ])('but not %j, which means itself', (value) => {
    expect(parseReference(value)).toBeUndefined();
  });

  test('and one of the kind unknown is refused', () => {
    for (const value of ['unknown{{x}}', 'Unknown{{ x }}']) {
      try {
        parseReference(value);
        expect.unreachable();
      } catch (error) {
        expect(codeOf(error)).toBe('INVALID_ARGUMENT');
        expect(String(error)).toContain('pipeline_secret, global_secret, pipeline_object, run_object');
      }
    }
  });
});

test('what is formatted is read back', () => {
  const name = fc.string({ minLength: 1 }).filter((text) => text.trim() === text && !`${text}}}`.slice(0, -1).includes('}}'));
  fc.assert(
    fc.property(fc.constantFrom(...REFERENCE_KINDS), name, (kind, text) => {
      expect(parseReference(formatReference({ kind, name: text }))).toEqual({ kind, name: text });
    }),
  );
});

test('secrets are told from objects', () => {
  expect(REFERENCE_KINDS.map((kind) => isSecretReference({ kind, name: 'x' }))).toEqual([true, true, false, false]);
  expect(isSecretReference(undefined)).toBe(false);
});
