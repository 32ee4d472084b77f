import { describe, expect, it } from 'vitest';
import { Readiness, type ReadinessCheck } from './readiness.ts';

function readinessOf(checks: ReadinessCheck[], change: { shortages?: string[]; recovering?: () => number; now?: () => number } = {}) {
  const failed: string[] = [];
  const readiness = new Readiness({
    checks,
    diskShortages: () => change.shortages ?? [],
    recoveringRuns: change.recovering ?? (() => 0),
    watchdog: () => ({ checks: 3, mended: 1 }),
    now: change.now ?? (() => 0),
    failed: (part, error) => failed.push(`${part}: ${String(error)}`),
  });
  return { readiness, failed };
}

describe('readiness', () => {
  it('names each part that cannot be used, and tells the operator alone why', async () => {
    const checks: ReadinessCheck[] = [
      { part: 'database', problem: 'the database cannot be written', look: async () => undefined },
      { part: 'scheduler', problem: 'the scheduler cannot start tasks', look: () => Promise.reject(new Error('/secret/path')) },
    ];
    const { readiness, failed } = readinessOf(checks, { shortages: ['the logs'], recovering: () => 2 });
    const report = await readiness.report();
    expect(report.ready).toBe(false);
    expect(report.problems.map(({ part }) => part)).toEqual(['scheduler', 'disk', 'recovery']);
    expect(report.problems[2]?.reason).toBe('recovering 2 runs');
    expect(JSON.stringify(report)).not.toContain('/secret/path');
    expect(failed).toEqual(['scheduler: Error: /secret/path']);
  });

  it('looks once for all who ask meanwhile, and again after five seconds', async () => {
    let looks = 0;
    let time = 0;
    const look = async (): Promise<void> => void (looks += 1);
    const { readiness } = readinessOf([{ part: 'database', problem: '', look }], { now: () => time });
    await Promise.all([readiness.report(), readiness.report()]);
    time = 4999;
    expect((await readiness.report()).ready).toBe(true);
    expect(looks).toBe(1);
    time = 5000;
    await readiness.report();
    expect(looks).toBe(2);
  });

  it('does not wait for a part that does not answer', async () => {
    const { readiness, failed } = readinessOf([{ part: 'scheduler', problem: 'away', look: () => new Promise(() => undefined) }]);
    expect(await readiness.report()).toEqual({
      ready: false,
      problems: [{ part: 'scheduler', reason: 'away' }],
      watchdog: { checks: 3, mended: 1 },
    });
    expect(failed).toEqual(['scheduler: Error: no answer in 3000 ms']);
  });
});
