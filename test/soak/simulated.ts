/** The simulation, seed after seed, until the time is up. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SimulationCounts, simulate } from '../simulation/simulation.ts';
import { makeTemplateDatabase } from '../simulation/template-database.ts';
import type { Figures } from './figures.ts';

/** `end`: epoch milliseconds. At least one seed is simulated. */
export async function simulated(first: number, end: number): Promise<Figures> {
  const parent = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'gofer-simulations-'));
  const totals: Partial<Record<keyof SimulationCounts, number>> = {};
  const faults: string[] = [];
  let seed = first;
  try {
    const template = makeTemplateDatabase(parent);
    do {
      const { violations, counts } = await simulate(seed, { parent, template });
      for (const [name, value] of Object.entries(counts) as [keyof SimulationCounts, number][]) totals[name] = (totals[name] ?? 0) + value;
      if (violations.length > 0) faults.push(`node test/simulation/simulate.ts --seed ${seed}: ${violations.join('; ')}`);
      seed += 1;
    } while (Date.now() < end);
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
  return { figures: { seeds: seed - first, ...totals }, faults };
}
