import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asLiteral } from './as-literal.ts';

/** How the server tells a reference: the whole value, trimmed, whatever the case of its kind. */
const isReference = (value: string): boolean =>
  /^(pipeline_secret|global_secret|pipeline_object|run_object|unknown)\{\{[^]*\}\}$/i.test(value.trim());

describe('text from outside', () => {
  test.each([
    ['pipeline_secret{{key}}', 'pipeline_secret {{key}}'],
    [' Global_Secret{{ key }}\n', ' Global_Secret {{ key }}\n'],
    ['unknown{{x}}', 'unknown {{x}}'],
    ['run_object\0{{x}}', 'run_object {{x}}'],
  ])('%j becomes %j, which is no reference', (text, literal) => {
    expect(isReference(asLiteral(text))).toBe(false);
    expect(asLiteral(text)).toBe(literal);
  });

  test.each(['', 'main', 'feature/pipeline_secret', 'a pipeline_secret{{key}}', '{{x}}', 'größer 🐹'])('%j stays as it is', (text) => {
    expect(asLiteral(text)).toBe(text);
  });

  test('never reads as a reference, and holds nothing that an environment cannot carry', () => {
    const kind = fc.constantFrom('pipeline_secret', 'GLOBAL_SECRET', 'pipeline_object', 'run_object', 'unknown', 'other');
    const piece = fc.oneof(kind, fc.constantFrom('{{', '}}', '\0', ' ', '\n', '\ud800'), fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const literal = asLiteral(pieces.join(''));
        expect(isReference(literal)).toBe(false);
        expect(literal.includes('\0')).toBe(false);
        expect(literal.isWellFormed()).toBe(true);
      }),
    );
  });
});
