const UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** "512 B", "1.5 KiB", "20 GiB" (IEC 80000-13). */
export function formatSize(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  let value = bytes / 1_024;
  let unit = 0;
  // What would read as 1024 of one unit is 1 of the next.
  while (value >= 1_023.95 && unit < UNITS.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return `${value.toFixed(value < 10 ? 1 : 0)} ${UNITS[unit] ?? ''}`;
}
