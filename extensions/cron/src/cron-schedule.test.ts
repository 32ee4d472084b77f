import { Refusal } from '@gofer/sdk/extension';
import { describe, expect, it } from 'vitest';
import { createCronSchedule } from './cron-schedule.ts';
import { Zone } from './zone-spans.ts';

const now = Date.parse('2026-01-01T00:00:00Z');

function ticks(expression: string, zone: string, from: string, count: number): string[] {
  const found: string[] = [];
  for (const tick of createCronSchedule(expression, new Zone(zone, 'timezone'), now).ticks(Date.parse(from))) {
    found.push(new Date(tick).toISOString().replace(':00.000Z', 'Z'));
    if (found.length === count) break;
  }
  return found;
}

function refusal(expression: string): string {
  try {
    createCronSchedule(expression, new Zone('UTC', 'timezone'), now);
  } catch (error) {
    expect(error).toBeInstanceOf(Refusal);
    return error instanceof Refusal ? error.message : '';
  }
  throw new Error(`${expression} was taken`);
}

describe('a cron schedule', () => {
  it('runs every year on Christmas', () => {
    expect(ticks('0 1 25 12 * *', 'UTC', '2026-01-01T00:00:00Z', 2)).toEqual(['2026-12-25T01:00Z', '2027-12-25T01:00Z']);
  });

  it('needs the day of the month and the day of the week at once', () => {
    expect(ticks('0 0 13 * 5 2026', 'UTC', '2026-01-01T00:00:00Z', 9)).toEqual([
      '2026-02-13T00:00Z',
      '2026-03-13T00:00Z',
      '2026-11-13T00:00Z',
    ]);
  });

  it('takes lists with ranges', () => {
    expect(ticks('1-3,30 0 1 1 * *', 'UTC', '2026-01-01T00:00:00Z', 4)).toEqual([
      '2026-01-01T00:01Z',
      '2026-01-01T00:02Z',
      '2026-01-01T00:03Z',
      '2026-01-01T00:30Z',
    ]);
  });

  it('runs a time that spring skips when the gap has passed, and once', () => {
    expect(ticks('30 2 * * * *', 'America/New_York', '2026-03-07T12:00:00Z', 2)).toEqual(['2026-03-08T07:00Z', '2026-03-09T06:30Z']);
    expect(ticks('0,15,30 2-3 8 3 * 2026', 'America/New_York', '2026-03-07T12:00:00Z', 9)).toEqual([
      '2026-03-08T07:00Z',
      '2026-03-08T07:15Z',
      '2026-03-08T07:30Z',
    ]);
    expect(ticks('30 23 28 3 * 2026', 'America/Nuuk', '2026-03-27T00:00:00Z', 9)).toEqual(['2026-03-29T01:00Z']);
  });

  it('runs a time that autumn shows twice the first time', () => {
    expect(ticks('30 1 * * * *', 'America/New_York', '2026-10-31T12:00:00Z', 2)).toEqual(['2026-11-01T05:30Z', '2026-11-02T06:30Z']);
    expect(ticks('45 1 * * * *', 'Australia/Lord_Howe', '2026-04-04T00:00:00Z', 2)).toEqual(['2026-04-04T14:45Z', '2026-04-05T15:15Z']);
  });

  it('follows the hours where every hour is meant', () => {
    expect(ticks('0 * * * * *', 'America/New_York', '2026-11-01T04:30:00Z', 3)).toEqual([
      '2026-11-01T05:00Z',
      '2026-11-01T06:00Z',
      '2026-11-01T07:00Z',
    ]);
    expect(ticks('0 0-23 * * * *', 'America/New_York', '2026-11-01T04:30:00Z', 2)).toEqual(['2026-11-01T05:00Z', '2026-11-01T06:00Z']);
    expect(ticks('0 * * * * *', 'America/New_York', '2026-03-08T05:30:00Z', 2)).toEqual(['2026-03-08T06:00Z', '2026-03-08T07:00Z']);
  });

  it('finds what is decades away, and ends with the year 2100', () => {
    expect(ticks('59 23 31 12 * 2100', 'America/New_York', '2026-01-01T00:00:00Z', 5)).toEqual(['2101-01-01T04:59Z']);
    expect(ticks('0 0 29 2 0 *', 'Europe/Berlin', '2032-03-01T00:00:00Z', 1)).toEqual(['2060-02-28T23:00Z']);
  });

  it('refuses what is never due', () => {
    expect(refusal('0 0 31 2 * *')).toContain('is never due: no day from 1970 to 2100 fits');
    expect(refusal('0 0 29 2 * 2025,2026,2027')).toContain('is never due: no day');
    expect(refusal('0 0 1 1 * 2020-2025')).toContain('is never due again: everything that fits it has passed in UTC');
  });

  it.each([
    ['0 1 * * *', 'has 5 fields; 6 are needed: minute, hour, day of month, month, day of week, year. Add a year: "0 1 * * * *"'],
    ['0 0 1 * * * *', 'has 7 fields; 6 are needed: minute, hour, day of month, month, day of week, year. There are no seconds'],
    ['', 'has 0 fields; 6 are needed'],
    ['*/5 * * * * *', 'field 1 (minute) is "*/5": steps ("/") are not supported; list the values, at character 2. Allowed: "*", or a list'],
    ['0 1 * JAN * *', 'field 4 (month) is "JAN": names are not supported; write a number, at character 7.'],
    [
      '0 24 * * * *',
      'field 2 (hour) is "24": 24 is out of range, at character 3. Allowed: "*", or a list of numbers and ranges from 0 to 23',
    ],
    ['0 0 * * 7 *', 'field 5 (day of week) is "7": 7 is out of range'],
    ['0 0 * * 5-1 *', 'field 5 (day of week) is "5-1": a range goes from the smaller number to the larger one'],
    ['0 0 1-1 * * *', 'field 3 (day of month) is "1-1": a range goes'],
    ['0 0 1,,3 * * *', 'field 3 (day of month) is "1,,3": a number is missing, at character 7.'],
    ['0 0 1,* * * *', 'field 3 (day of month) is "1,*": "*" must stand alone, at character 7.'],
    ['0 0 1-2-3 * * *', 'field 3 (day of month) is "1-2-3": a range is two numbers'],
    ['0 0 ? * * *', 'field 3 (day of month) is "?": "?" is not allowed'],
    ['0 0 * * * 1969', 'field 6 (year) is "1969": 1969 is out of range'],
    ['0 0 * * * 2026-99999', 'field 6 (year) is "2026-99999": 99999 is out of range, at character 16.'],
  ])('refuses %j', (expression, message) => {
    expect(refusal(expression)).toContain(message);
  });

  it('refuses a zone that there is not', () => {
    expect(() => new Zone('Europe/Berlim', 'timezone')).toThrow('timezone "Europe/Berlim" is not a time zone of the IANA database');
    expect(new Zone('europe/berlin', 'timezone').name).toBe('Europe/Berlin');
  });
});
