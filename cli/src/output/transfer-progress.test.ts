import { expect, it } from 'vitest';
import { TransferProgress } from './transfer-progress.ts';

const MEBIBYTE = 1_048_576;

function start(total: number | undefined): { progress: TransferProgress; written: string[]; at: (time: number) => void } {
  let now = 5_000;
  const written: string[] = [];
  const progress = new TransferProgress({ write: (text) => void written.push(text), now: () => now, total });
  return { progress, written, at: (time) => (now = 5_000 + time) };
}

it('is silent for a second, redraws now and then, and is wiped at the end', () => {
  const { progress, written, at } = start(10 * MEBIBYTE);
  at(999);
  progress.update(MEBIBYTE);
  expect(written).toEqual([]);
  at(2_000);
  progress.update(4 * MEBIBYTE);
  progress.update(5 * MEBIBYTE);
  expect(written).toEqual(['\r\u001b[K████████░░░░░░░░░░░░ 40 %  4.0 MiB of 10 MiB  2.0 MiB/s']);
  progress.end();
  expect(written.at(-1)).toBe('\r\u001b[K');
});

it('knows no share of what has no known size', () => {
  const { progress, written, at } = start(undefined);
  at(4_000);
  progress.update(2 * MEBIBYTE);
  expect(written).toEqual(['\r\u001b[K2.0 MiB  512 KiB/s']);
});

it('wipes nothing where nothing was drawn', () => {
  const { progress, written } = start(1);
  progress.end();
  expect(written).toEqual([]);
});
