import { createHash } from 'node:crypto';
import { PatternTable } from './pattern-table.ts';
import { secretPatterns } from './secret-patterns.ts';

/** By a hash of the values. The tables live as long as someone masks with them: tasks of a run that share their secrets share one. */
const tables = new Map<string, WeakRef<PatternTable>>();
const forgotten = new FinalizationRegistry<string>((key) => {
  if (tables.get(key)?.deref() === undefined) tables.delete(key);
});

/** The table of what must not be printed for these values; one that is in use already is not made again. */
export function patternTable(values: readonly string[]): PatternTable {
  const hash = createHash('sha256');
  for (const value of values) hash.update(`${value.length}:`).update(value);
  const key = hash.digest('base64');
  const known = tables.get(key)?.deref();
  if (known !== undefined) return known;
  const table = new PatternTable(secretPatterns(values));
  tables.set(key, new WeakRef(table));
  forgotten.register(table, key);
  return table;
}
