import { expect, it } from 'vitest';
import { formatSize } from './sizes.ts';

it.each([
  [0, '0 B'],
  [1_023, '1023 B'],
  [1_024, '1.0 KiB'],
  [1_536, '1.5 KiB'],
  [20 * 1_024, '20 KiB'],
  [1_048_575, '1.0 MiB'],
  [10 * 1_048_576, '10 MiB'],
  [5 * 1_024 ** 3, '5.0 GiB'],
])('%i bytes read %j', (bytes, text) => {
  expect(formatSize(bytes)).toBe(text);
});
