import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { countNewlines } from './count-newlines.ts';

test('counts as one would by hand, whatever the bytes and wherever they lie', () => {
  const byte = fc.constantFrom(0, 9, 10, 10, 11, 0x0b, 0x7f, 0x80, 0x8a, 0xff);
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 60 }), fc.nat({ max: 5 }), fc.nat({ max: 30 }), (all, start, repeat) => {
      const bytes = Uint8Array.from(
        Array(repeat * 10 + 1)
          .fill(all)
          .flat(),
      ).subarray(start);
      expect(countNewlines(bytes)).toBe(bytes.filter((one) => one === 10).length);
    }),
  );
});

test('counts a block of nothing else', () => {
  expect(countNewlines(new Uint8Array(100_003).fill(10).subarray(1))).toBe(100_002);
});
