import { codeOf } from '@gofer/contracts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { advance, BEGINNING, fromCursor, reaches, toCursor } from './output-position.ts';

it('survives being a cursor', () => {
  const bytes = fc.nat({ max: 999_999_999_999_999 });
  fc.assert(
    fc.property(bytes, bytes, (stdout, stderr) => {
      expect(fromCursor(toCursor({ stdout, stderr }))).toEqual({ stdout, stderr });
    }),
  );
  expect(fromCursor(undefined)).toEqual(BEGINNING);
});

it('counts each stream for itself', () => {
  const position = advance(advance(BEGINNING, 'stdout', 3), 'stderr', 5);
  expect(position).toEqual({ stdout: 3, stderr: 5 });
  expect(reaches(position, { stdout: 3, stderr: 4 })).toBe(true);
  expect(reaches(position, { stdout: 4, stderr: 0 })).toBe(false);
});

it.each(['', '1', '1-', '-1-2', '1-2-3', 'a-b', '1e3-0', '9999999999999999-0'])('refuses the cursor "%s"', (cursor) => {
  let code: string | undefined;
  try {
    fromCursor(cursor);
  } catch (error) {
    code = codeOf(error);
  }
  expect(code).toBe('INVALID_ARGUMENT');
});
