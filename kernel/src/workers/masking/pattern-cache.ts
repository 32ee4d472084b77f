import { createHash } from 'node:crypto';
import { PatternTable } from './pattern-table.ts';
import { secretPatterns } from './secret-patterns.ts';

/** The tables of the values that were asked for last stay, unless they are large: tasks of one pipeline often follow each other. */
const MAX_RECENT = 4;
const MAX_RECENT_PATTERNS = 20_000;

/** By a hash of the values. A table is here as long as someone masks with it: tasks that share their secrets share it. */
const tables = new Map<string, WeakRef<PatternTable>>();
const recent = new Set<PatternTable>();
const forgotten = new FinalizationRegistry<string>((key) => {
  if (tables.get(key)?.deref() === undefined) tables.delete(key);
});

/** The table of what must not be printed for these values; one that is known already is not made again. */
export function patternTable(values: readonly string[]): PatternTable {
  const key = keyOf(values);
  const table = tables.get(key)?.deref() ?? makeTable(key, values);
  recent.delete(table);
  if (table.size <= MAX_RECENT_PATTERNS) recent.add(table);
  const [oldest] = recent;
  if (recent.size > MAX_RECENT && oldest !== undefined) recent.delete(oldest);
  return table;
}

function makeTable(key: string, values: readonly string[]): PatternTable {
  const table = new PatternTable(secretPatterns(values));
  tables.set(key, new WeakRef(table));
  forgotten.register(table, key);
  return table;
}

function keyOf(values: readonly string[]): string {
  const hash = createHash('sha256');
  for (const value of values) hash.update(`${value.length}:`).update(value);
  return hash.digest('base64');
}
