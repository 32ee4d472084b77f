/** What a server holds stays flat, and it begins over many unfinished runs; the short forms of the parts `day-load` and `unfinished-runs`. */
import { describe, expect, it } from 'vitest';
import { dayLoad } from './day-load.ts';
import { unfinishedRuns } from './unfinished-runs.ts';

const MEBIBYTE = 2 ** 20;

describe('2,000 runs one after the other', () => {
  it('end, and leave nothing in memory and no file open', { timeout: 180_000 }, async () => {
    const { faults, held, ratio } = await dayLoad(2_000);
    expect(faults).toEqual([]);
    const [first, last] = held;
    expect((last.heap - first.heap) / MEBIBYTE).toBeLessThan(32);
    expect(last.files - first.files).toBeLessThan(32);
    expect(ratio).toBeLessThan(10);
  });
});

describe('500 unfinished runs', () => {
  it('are taken up by the next server, every one', { timeout: 180_000 }, async () => {
    expect((await unfinishedRuns(500)).faults).toEqual([]);
  });
});
