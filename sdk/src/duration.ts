/** Durations as pipelines write them: seconds as a number, or a text such as `90s`, `10m` or `1h30m`. */
import { quote } from './identifier.ts';
import { PipelineError } from './pipeline-error.ts';

/**
 * A number of seconds, or whole numbers of hours, minutes, seconds and milliseconds, the largest unit first and each at most once:
 * `'10m'`, `'1h30m'`, `'500ms'`. More than three units, such as `'1h1m1s1ms'`, are taken where a program is not held by the types.
 */
export type Duration =
  | number
  | `${number}${'h' | 'm' | 's' | 'ms'}`
  | `${number}h${number}${'m' | 's' | 'ms'}`
  | `${number}m${number}${'s' | 'ms'}`
  | `${number}s${number}ms`
  | `${number}h${number}m${number}s`;

/** The longest duration that the server takes: 365 days. */
const LONGEST_SECONDS = 31_536_000;
const DURATION = /^(?=\d)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?$/;
const UNIT_MILLISECONDS = [3_600_000, 60_000, 1_000, 1] as const;

/** Seconds: whole ones, 1 or more. */
export function checkTimeLimit(limit: Duration, what: string): number {
  const seconds = checkDuration(limit, what);
  if (Number.isInteger(seconds) && seconds >= 1) return seconds;
  throw new PipelineError(`${what} must be whole seconds, 1 or more, not ${quote(limit)}`);
}

/** Seconds, 0 or more, with fractions of one. */
export function checkDuration(duration: Duration, what: string): number {
  const seconds = typeof duration === 'string' ? parseSeconds(duration) : duration;
  if (typeof seconds !== 'number' || !(seconds >= 0)) {
    throw new PipelineError(`${what} must be a number of seconds or a duration such as "90s", "10m" or "1h30m", not ${quote(duration)}`);
  }
  if (seconds <= LONGEST_SECONDS) return seconds;
  throw new PipelineError(`${what} must be at most 365 days ("8760h"), not ${quote(duration)}`);
}

function parseSeconds(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  return UNIT_MILLISECONDS.reduce((sum, size, index) => sum + Number(match[index + 1] ?? 0) * size, 0) / 1_000;
}
