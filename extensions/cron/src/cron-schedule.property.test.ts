/** The schedule against a model that knows nothing of spans or calendars: it looks at a wall clock in every minute that passes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCronExpression } from './cron-expression.ts';
import { CronSchedule } from './cron-schedule.ts';
import { Zone } from './zone-spans.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

/** Zones with days around which their clocks are turned, and one on which they are not. */
const ZONES: Readonly<Record<string, readonly string[]>> = {
  'America/New_York': ['2026-03-08', '2026-11-01', '2026-07-04'],
  'Europe/Berlin': ['2026-03-29', '2026-10-25', '2028-02-29'],
  // Half an hour.
  'Australia/Lord_Howe': ['2026-04-05', '2026-10-04', '2026-12-31'],
  // The gap is the last hour of a day.
  'America/Nuuk': ['2026-03-29', '2026-10-25', '2027-01-01'],
  // The gap is the first hour of a day.
  'Africa/Cairo': ['2026-04-24', '2026-10-30', '2026-01-01'],
  // A day that was left out, and an offset that is not a whole hour.
  'Pacific/Apia': ['2011-12-30', '2012-04-01', '2026-05-05'],
  'Asia/Kathmandu': ['2026-03-29', '1986-01-01', '2026-12-31'],
  UTC: ['2026-03-29', '2026-12-31', '2100-12-30'],
};

interface Wall {
  readonly time: number;
  /** Orders walls: what the clock shows as if it were UTC. */
  readonly shown: number;
}

const walls = new Map<string, readonly Wall[]>();
function wallsAround(zone: string, day: string): readonly Wall[] {
  const key = `${zone} ${day}`;
  let seen = walls.get(key);
  if (seen === undefined) {
    const format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      hourCycle: 'h23',
    });
    const start = Date.parse(`${day}T00:00:00Z`) - 2 * DAY;
    seen = Array.from({ length: (4 * DAY) / MINUTE }, (_, index) => {
      const time = start + index * MINUTE;
      const part = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, Number(value)]));
      return { time, shown: Date.UTC(part['year'] ?? 0, (part['month'] ?? 0) - 1, part['day'], part['hour'], part['minute']) };
    });
    walls.set(key, seen);
  }
  return seen;
}

function fits(shown: number, values: readonly (readonly number[])[]): boolean {
  const date = new Date(shown);
  const fields = [
    date.getUTCMinutes(),
    date.getUTCHours(),
    date.getUTCDate(),
    date.getUTCMonth() + 1,
    date.getUTCDay(),
    date.getUTCFullYear(),
  ];
  return fields.every((field, index) => values[index]?.includes(field) === true);
}

function model(zone: string, day: string, expression: string): readonly number[] {
  const seen = wallsAround(zone, day);
  const { values } = parseCronExpression(expression);
  const due = new Set<number>();
  if (values[0]?.length === 60 || values[1]?.length === 24) {
    for (const { time, shown } of seen) if (fits(shown, values)) due.add(time);
    return [...due];
  }
  const first = seen[0]?.shown ?? 0;
  const last = seen.at(-1)?.shown ?? 0;
  for (let shown = first; shown <= last; shown += MINUTE) {
    if (!fits(shown, values)) continue;
    const at = seen.find((wall) => wall.shown === shown) ?? seen.find((wall) => wall.shown > shown);
    if (at !== undefined) due.add(at.time);
  }
  return [...due].sort((a, b) => a - b);
}

/** Lists and ranges of a few values; never all of them. */
function fieldOf(values: fc.Arbitrary<number>): fc.Arbitrary<string> {
  const range = fc.uniqueArray(values, { minLength: 2, maxLength: 2 }).map(([a = 0, b = 0]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
  return fc
    .array(fc.oneof({ weight: 3, arbitrary: values.map(String) }, range), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.join(','));
}
const star = fc.constant('*');
const mostly = (arbitrary: fc.Arbitrary<string>) => fc.oneof({ weight: 3, arbitrary }, { weight: 1, arbitrary: star });
const seldom = (arbitrary: fc.Arbitrary<string>) => fc.oneof({ weight: 1, arbitrary }, { weight: 3, arbitrary: star });

const expressions = fc
  .tuple(
    mostly(fieldOf(fc.constantFrom(0, 1, 15, 29, 30, 31, 45, 58))),
    mostly(fieldOf(fc.constantFrom(0, 1, 2, 3, 4, 12, 22, 23))),
    seldom(fieldOf(fc.constantFrom(1, 4, 5, 8, 24, 25, 28, 29, 30, 31))),
    seldom(fieldOf(fc.constantFrom(1, 3, 4, 10, 11, 12))),
    seldom(fieldOf(fc.integer({ min: 0, max: 5 }))),
    seldom(fieldOf(fc.constantFrom(1986, 2011, 2012, 2026, 2027, 2100))),
  )
  .map((fields) => fields.join(' '));
const places = fc.constantFrom(...Object.entries(ZONES).flatMap(([zone, days]) => days.map((day) => [zone, day] as const)));

describe('a schedule', () => {
  it('is due when a wall clock says so, whatever its zone does', () => {
    fc.assert(
      fc.property(places, expressions, ([zone, day], expression) => {
        const from = Date.parse(`${day}T00:00:00Z`) - 36 * 3_600_000;
        const to = from + 3 * DAY;
        const due: number[] = [];
        for (const tick of new CronSchedule(parseCronExpression(expression), new Zone(zone, 'timezone')).ticks(from)) {
          if (tick > to) break;
          due.push(tick);
        }
        expect(due).toEqual(model(zone, day, expression).filter((time) => time > from && time <= to));
      }),
      { numRuns: 100 },
    );
  });

  it('answers for any instant with the first tick behind it', () => {
    fc.assert(
      fc.property(places, expressions, fc.integer({ min: -DAY, max: DAY }), ([zone, day], expression, shift) => {
        const schedule = new CronSchedule(parseCronExpression(expression), new Zone(zone, 'timezone'));
        const after = Date.parse(`${day}T00:00:00Z`) + shift;
        const next = schedule.next(after);
        if (next === undefined) return;
        expect(next).toBeGreaterThan(after);
        expect(schedule.next(next - 1)).toBe(next);
        const earlier = schedule.ticks(after - DAY);
        let tick = earlier.next().value;
        while (tick !== undefined && tick <= after) tick = earlier.next().value;
        expect(tick).toBe(next);
      }),
      { numRuns: 100 },
    );
  });
});
