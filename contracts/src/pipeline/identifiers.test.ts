import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isIdentifier, isObjectKey, isTaskId } from './identifiers.ts';

test('identifiers have 3 to 32 letters, digits and dashes', () => {
  const good = ['abc', 'A-1', '---', 'x'.repeat(32)];
  const bad = ['', 'ab', 'x'.repeat(33), 'a_b', 'a b', 'abc\n', 'ünï', '../x'];
  expect([...good, ...bad].filter(isIdentifier)).toEqual(good);
});

test('task ids have 1 to 63 letters, digits, dashes and underscores', () => {
  const good = ['a', 'task_one', '__proto__', 'x'.repeat(63)];
  const bad = ['', 'x'.repeat(64), 'a.b', 'a/b', 'a\n'];
  expect([...good, ...bad].filter(isTaskId)).toEqual(good);
});

test('object keys have 1 to 1,024 bytes of UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 1_200 }), (key) => {
      const bytes = new TextEncoder().encode(key).length;
      expect(isObjectKey(key)).toBe(bytes >= 1 && bytes <= 1_024);
    }),
  );
  expect(isObjectKey('é'.repeat(512))).toBe(true);
  expect(isObjectKey('é'.repeat(513))).toBe(false);
  expect(isObjectKey('\ud800')).toBe(false);
});
