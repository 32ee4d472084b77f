import { GoferError } from '@gofer/contracts';
import { parseLength } from './parse-length.ts';

const DATE = /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|z|[+-]\d{2}:\d{2})?)?$/u;
const EPOCH_MILLISECONDS = /^\d{12,14}$/u;

/**
 * Epoch milliseconds of a point in time: `2h` or `7d` ago, a date or time as in ISO 8601 (UTC where it has no zone), or epoch milliseconds as
 * JSON has them. Throws `INVALID_ARGUMENT`, naming `flag`.
 */
export function parseMoment(text: string, flag: string, now: number): number {
  const [, date, time = '00:00', zone = 'Z'] = DATE.exec(text) ?? [];
  const moment = date === undefined ? parseOther(text, now) : parseDate(date, time, zone.toUpperCase());
  if (moment !== undefined && moment >= 0) return moment;
  throw new GoferError(
    'INVALID_ARGUMENT',
    `${flag} is a time such as 2026-02-28T08:30:00Z or 2026-02-28, or how long ago it was, such as 90m or 7d; not "${text}"`,
  );
}

function parseOther(text: string, now: number): number | undefined {
  if (EPOCH_MILLISECONDS.test(text)) return Number(text);
  const seconds = /^\d+$/u.test(text) ? undefined : parseLength(text);
  return seconds === undefined ? undefined : Math.max(0, Math.round(now - seconds * 1_000));
}

/** Undefined for what no calendar has; the platform takes the 30th of February for the 2nd of March. */
function parseDate(date: string, time: string, zone: string): number | undefined {
  const day = new Date(`${date}T00:00Z`);
  if (Number.isNaN(day.getTime()) || !day.toISOString().startsWith(date)) return undefined;
  const moment = Date.parse(`${date}T${time}${zone}`);
  return Number.isNaN(moment) ? undefined : moment;
}
