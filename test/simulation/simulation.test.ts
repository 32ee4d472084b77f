import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SimulationOptions, type SimulationResult, simulate } from './simulation.ts';
import { makeTemplateDatabase } from './template-database.ts';

const SEEDS = 45;

let options: SimulationOptions;
beforeAll(() => {
  const parent = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'gofer-simulations-'));
  options = { parent, template: makeTemplateDatabase(parent) };
});
afterAll(() => rmSync(options.parent, { recursive: true, force: true }));

const lineOf = ({ seed, violations }: SimulationResult): string =>
  `node test/simulation/simulate.ts --seed ${seed}: ${violations.join('; ')}`;

describe('the simulated orchestrator', () => {
  it('keeps its promises whatever happens around it', async () => {
    const failures: string[] = [];
    const seen = { deaths: 0, leavings: 0, outages: 0, fullDisks: 0, clockSteps: 0, stalls: 0, cancellations: 0, attempts: 0 };
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const result = await simulate(seed, options);
      if (result.violations.length > 0) failures.push(lineOf(result));
      for (const kind of Object.keys(seen) as (keyof typeof seen)[]) seen[kind] += result.counts[kind];
    }
    expect(failures).toEqual([]);
    // A simulation in which nothing happens finds nothing.
    expect(Object.entries(seen).filter(([, count]) => count <= 5)).toEqual([]);
  });

  it('does the same things again for the same seed', async () => {
    for (const seed of [7, 39]) {
      const [first, second] = [await simulate(seed, options), await simulate(seed, options)];
      expect({ digest: second.digest, counts: second.counts }).toEqual({ digest: first.digest, counts: first.counts });
    }
  });
});
