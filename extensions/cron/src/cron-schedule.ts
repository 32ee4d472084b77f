/**
 * When an expression is due in a time zone. An expression speaks of what clocks on the wall show, and a wall clock skips times in
 * spring and shows others twice in autumn. The rules:
 *
 * - A time that does not exist is due at the first instant after the gap; several such times are due there once.
 * - A time that occurs twice is due the first time only.
 * - An expression whose minute or hour is `*` follows the hours as they pass instead: it is due whenever a clock shows a time that fits,
 *   so in the hour that occurs twice both times, and for what is skipped not at all.
 *
 * Croner walks the calendar of the wall clock, without a zone; the zone's spans of constant offset turn its times into instants. (Its own
 * zones lose a time whose gap ends on the next day, as in America/Nuuk.)
 */
import { Refusal } from '@gofer/sdk/extension';
import { Cron } from 'croner';
import { type CronExpression, parseCronExpression } from './cron-expression.ts';
import type { Zone, ZoneSpan } from './zone-spans.ts';

const DAY = 86_400_000;
/** No wall clock shows anything of the documented years before or after these instants. */
const FIRST_INSTANT = Date.UTC(1969, 11, 30);
const LAST_INSTANT = Date.UTC(2101, 0, 2);

export class CronSchedule {
  readonly expression: CronExpression;
  readonly zone: Zone;

  constructor(expression: CronExpression, zone: Zone) {
    this.expression = expression;
    this.zone = zone;
  }

  /** The first instant behind `after` (epoch milliseconds) at which it is due: a whole second. Undefined where there is none any more. */
  next(after: number): number | undefined {
    return this.ticks(after).next().value;
  }

  /** Every such instant, ascending. */
  *ticks(after: number): Generator<number, undefined> {
    const calendar = calendarOf(this.expression);
    let from = Math.max(after, FIRST_INSTANT);
    while (from < LAST_INSTANT) {
      // A span that begins right behind `from` begins with what the gap before it has skipped.
      const span = this.zone.at(from + 1);
      yield* this.#ticksOf(span, from, calendar);
      const ahead = calendar.next(span.end + span.offset - DAY);
      if (ahead === undefined) return undefined;
      // Far from the next time there is nothing to look for; a wall clock is never two days away from UTC.
      from = Math.max(span.end - 1, ahead - 2 * DAY);
    }
    return undefined;
  }

  *#ticksOf(span: ZoneSpan, after: number, calendar: WallCalendar): Generator<number, undefined> {
    const previous = this.zone.at(span.start - 1);
    const shown = span.start + previous.offset;
    const shows = span.start + span.offset;
    const followsClock = !this.expression.everyHourOrMinute;
    if (followsClock && after < span.start && shown < shows) {
      const skipped = calendar.next(shown - 1);
      const exists = calendar.next(shows - 1) === shows;
      if (skipped !== undefined && skipped < shows && !exists) yield span.start;
    }
    // What the clock has shown before it was turned back was due then.
    let wall = Math.max(after + span.offset, (followsClock ? Math.max(shown, shows) : shows) - 1);
    for (;;) {
      const next = calendar.next(wall);
      if (next === undefined || next - span.offset >= span.end) return undefined;
      yield next - span.offset;
      wall = next;
    }
  }
}

/** Times of a wall clock as if it were in UTC (milliseconds). */
class WallCalendar {
  readonly #cron: Cron;

  constructor({ values }: CronExpression) {
    this.#cron = new Cron(['0', ...values.map((allowed) => allowed.join(','))].join(' '), {
      mode: '7-part',
      domAndDow: true,
      utcOffset: 0,
      paused: true,
    });
  }

  next(after: number): number | undefined {
    return this.#cron.nextRun(new Date(after))?.getTime();
  }
}

/** A calendar's table of years is large, and most subscriptions say the same few things: those used last are kept. */
const MOST_CALENDARS = 64;
const calendars = new Map<string, WallCalendar>();

function calendarOf(expression: CronExpression): WallCalendar {
  const calendar = calendars.get(expression.text) ?? new WallCalendar(expression);
  calendars.delete(expression.text);
  calendars.set(expression.text, calendar);
  const oldest = calendars.keys().next().value;
  if (calendars.size > MOST_CALENDARS && oldest !== undefined) calendars.delete(oldest);
  return calendar;
}

/** Throws a `Refusal` for what cannot be read, and for what is never due behind `now`. */
export function createCronSchedule(expression: string, zone: Zone, now: number): CronSchedule {
  const schedule = new CronSchedule(parseCronExpression(expression), zone);
  if (schedule.next(now) !== undefined) return schedule;
  const last = schedule.next(FIRST_INSTANT);
  throw new Refusal(
    last === undefined
      ? `expression ${JSON.stringify(schedule.expression.text)} is never due: no day from 1970 to 2100 fits its day of month, month, day of week and year together`
      : `expression ${JSON.stringify(schedule.expression.text)} is never due again: everything that fits it has passed in ${zone.name}`,
  );
}
