/**
 * Durations as the configuration writes them: Go's notation (`4380h`, `1h30m`, `250ms`), in our code a number of seconds.
 *
 * Stricter than Go: no sign, no fraction, each unit at most once and the largest first, so that one text has one meaning and a slip
 * (`5m5m`, `1h foo`, `10`) is an error and not a guess.
 */

/** Milliseconds of each unit, largest first. */
const UNITS = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const;

const DURATION = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;

/** The longest duration, in seconds (71,000 years): up to here a number of seconds tells every millisecond apart. */
export const LONGEST_DURATION = 2 ** 51 / 1_000;

/** Seconds, exact to the millisecond; undefined for what is not a duration. */
export function parseDuration(text: string): number | undefined {
  if (text === '' || text.length > 64) return undefined;
  if (text === '0') return 0;
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  let milliseconds = 0;
  for (const [index, [, size]] of UNITS.entries()) {
    milliseconds += Number(match[index + 1] ?? 0) * size;
  }
  return milliseconds / 1_000 <= LONGEST_DURATION ? milliseconds / 1_000 : undefined;
}

/** The shortest text that `parseDuration` reads as these seconds (0 or more, rounded to the millisecond). */
export function formatDuration(seconds: number): string {
  let rest = Math.round(seconds * 1_000);
  if (!(rest >= 0 && rest / 1_000 <= LONGEST_DURATION)) throw new RangeError(`not a duration in seconds: ${seconds}`);
  if (rest === 0) return '0s';
  let text = '';
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}
