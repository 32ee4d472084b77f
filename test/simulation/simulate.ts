/**
 * The simulation, for as many seeds as one likes:
 *
 *   node test/simulation/simulate.ts --seeds 5000            seeds 1 to 5000
 *   node test/simulation/simulate.ts --seeds 500 --from 9000 seeds 9000 to 9499
 *   node test/simulation/simulate.ts --seed 1234             one seed, with everything that happens in it
 *
 * Prints the line that repeats each seed that fails, and exits 1 where one does.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type SimulationCounts, simulate } from './simulation.ts';
import { makeTemplateDatabase } from './template-database.ts';

const { values } = parseArgs({
  options: { seed: { type: 'string' }, seeds: { type: 'string', default: '100' }, from: { type: 'string', default: '1' } },
});
const single = values.seed === undefined ? undefined : toWhole(values.seed, '--seed');
const [first, count] = single === undefined ? [toWhole(values.from, '--from'), toWhole(values.seeds, '--seeds')] : [single, 1];
const parent = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'gofer-simulations-'));
const totals: Partial<Record<keyof SimulationCounts, number>> = {};
let failed = 0;
const begun = performance.now();
try {
  const template = makeTemplateDatabase(parent);
  const tell = single === undefined ? {} : { tell: (line: string) => console.log(line) };
  for (let seed = first; seed < first + count; seed += 1) {
    const { violations, counts, digest } = await simulate(seed, { parent, template, ...tell });
    for (const [name, value] of Object.entries(counts) as [keyof SimulationCounts, number][]) totals[name] = (totals[name] ?? 0) + value;
    if (single !== undefined) console.log(`digest ${digest}`);
    if (violations.length === 0) continue;
    failed += 1;
    console.log(`node test/simulation/simulate.ts --seed ${seed}`);
    for (const violation of violations) console.log(`  ${violation}`);
  }
} finally {
  rmSync(parent, { recursive: true, force: true });
}
const seconds = ((performance.now() - begun) / 1000).toFixed(1);
console.log(`${count - failed} of ${count} seeds passed in ${seconds} s: ${JSON.stringify(totals)}`);
process.exitCode = failed > 0 ? 1 : 0;

function toWhole(text: string, option: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`${option} takes a whole number, not ${JSON.stringify(text)}`);
  return number;
}
