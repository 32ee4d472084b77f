/** What a part of the proof has measured: printed as a table, kept as JSON. */
export interface Figures {
  /** Name → value with its unit. */
  readonly figures: Readonly<Record<string, string | number>>;
  /** Everything that is not as it must be, a sentence each. */
  readonly faults: readonly string[];
}

/** The smallest value that so many percent are not above; NaN of none. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN;
}

export function milliseconds(value: number): string {
  return value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** In Markdown. */
export function toTable(title: string, { figures, faults }: Figures): string {
  const rows = Object.entries(figures).map(([name, value]) => `| ${name} | ${value} |`);
  return [
    `### ${title}`,
    '',
    '| | |',
    '|---|---|',
    ...rows,
    `| faults | ${faults.length} |`,
    ...faults.map((fault) => `\n- ${fault}`),
  ].join('\n');
}
