/** Runs that start by themselves; the short forms of the parts `ticks` and `extension-kills`. How late they are depends on the machine. */
import { describe, expect, it } from 'vitest';
import { ticks } from './ticks.ts';

describe('twenty intervals of a second', () => {
  it('lose no tick and double none', { timeout: 120_000 }, async () => {
    const { faults, intervalLateness } = await ticks({ crons: 0, intervals: 20, durationMs: 5_000 });
    expect(faults).toEqual([]);
    expect(intervalLateness.length).toBeGreaterThanOrEqual(20 * 4);
  });

  it('are kept, and start nothing twice, when their extension is killed again and again', { timeout: 120_000 }, async () => {
    const { faults } = await ticks({ crons: 0, intervals: 20, durationMs: 5_000, kills: 3 });
    expect(faults).toEqual([]);
  });
});
