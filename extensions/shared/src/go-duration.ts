/** Durations as Go writes them: `300ms`, `1.5h`, `2h45m`. */

const UNIT_MS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const WHOLE = /^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;
const PARTS = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;
/** Ten years. */
const LONGEST_MS = 87_600 * 3_600_000;

/** Whole milliseconds; undefined for what is no duration, is negative or longer than ten years. */
export function parseGoDuration(text: string): number | undefined {
  if (!WHOLE.test(text)) return undefined;
  const sum = [...text.matchAll(PARTS)].reduce(
    (total, [, number, unit]) => total + Number(number) * (UNIT_MS[unit ?? ''] ?? Number.NaN),
    0,
  );
  return sum <= LONGEST_MS ? Math.round(sum) : undefined;
}

/** As short as it can be said: `5m`, `1h30m`, `250ms`. */
export function formatGoDuration(milliseconds: number): string {
  const parts: string[] = [];
  let rest = milliseconds;
  for (const unit of ['h', 'm', 's', 'ms']) {
    const size = UNIT_MS[unit] ?? 1;
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * size;
  }
  return parts.length === 0 ? '0s' : parts.join('');
}
