import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RequestLanes } from './request-lanes.ts';

describe('lanes of requests', () => {
  it('run each request once, at most 64 at a time and two of a lane, in the order of their lane', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(fc.nat(40), { maxLength: 200 }), async (scheduler, names) => {
        const lanes = new RequestLanes();
        const active = new Map<number, number>();
        const began: { readonly lane: number; readonly index: number }[] = [];
        const all = Promise.all(
          names.map((lane, index) =>
            lanes.run(String(lane), async () => {
              began.push({ lane, index });
              active.set(lane, (active.get(lane) ?? 0) + 1);
              expect(active.get(lane)).toBeLessThanOrEqual(2);
              expect([...active.values()].reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(64);
              await scheduler.schedule(Promise.resolve());
              active.set(lane, (active.get(lane) ?? 0) - 1);
              return index;
            }),
          ),
        );
        await scheduler.waitFor(all);
        expect(await all).toEqual(names.map((_, index) => index));
        for (const lane of new Set(names)) {
          const indexes = began.filter((each) => each.lane === lane).map(({ index }) => index);
          expect(indexes).toEqual(indexes.toSorted((a, b) => a - b));
        }
      }),
      { numRuns: 30 },
    );
  });

  it('let others pass a lane that is stuck, and go on behind a failure', async () => {
    const lanes = new RequestLanes();
    const stuck = Promise.withResolvers<void>();
    const waiting = Array.from({ length: 100 }, () => lanes.run('stuck', () => stuck.promise));
    await expect(lanes.run('other', () => Promise.reject(new Error('refused')))).rejects.toThrow('refused');
    expect(await lanes.run('other', () => Promise.resolve('served'))).toBe('served');
    stuck.resolve();
    await Promise.all(waiting);
  });
});
