import { expect, it } from 'vitest';
import { LeaveKeys } from './leave-keys.ts';

it.each([
  [['~.'], '', true],
  [['~', '.'], '', true],
  [['ls\r~.rest'], 'ls\r', true],
  [['ls\n', '~', '.'], 'ls\n', true],
  [['~~.'], '~.', false],
  [['~a\r~b'], '~a\r~b', false],
  [['~\r~.'], '~\r', true],
  [['a~.'], 'a~.', false],
  [['~a~.'], '~a~.', false],
  [['~'], '', false],
  [['ö\u0003\u0004'], 'ö\u0003\u0004', false],
])('%j types %j, and leaves: %s', (pieces, passed, leaves) => {
  const keys = new LeaveKeys();
  const typed = pieces.map((piece) => keys.read(Buffer.from(piece)));
  expect(Buffer.concat(typed.map(({ bytes }) => bytes)).toString()).toBe(passed);
  expect(typed.at(-1)?.leaves).toBe(leaves);
});
