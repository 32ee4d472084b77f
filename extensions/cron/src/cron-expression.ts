/** The six fields of an expression: minute, hour, day of month, month, day of week, year, each `*` or a list of numbers and ranges. */
import { Refusal } from '@gofer/sdk/extension';

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
}

export const FIELDS = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12 },
  { name: 'day of week', min: 0, max: 6 },
  { name: 'year', min: 1970, max: 2100 },
] as const satisfies readonly Field[];

/** What each field allows, ascending; a field that lists every value is the same as `*`. */
export type FieldValues = readonly (readonly number[])[];

export interface CronExpression {
  /** As it was written, with one space between the fields. */
  readonly text: string;
  /** Minute, hour, day of month, month, day of week, year. */
  readonly values: FieldValues;
  /** Every minute or every hour is allowed: it follows the hours as they pass, not the times on the clock. */
  readonly everyHourOrMinute: boolean;
}

/** Throws a `Refusal` that names the field, where it stands and what it allows. */
export function parseCronExpression(source: string): CronExpression {
  const words = [...source.matchAll(/\S+/g)].map((match) => ({ text: match[0], at: match.index + 1 }));
  if (words.length !== FIELDS.length) throw new Refusal(countMessage(source, words.length));
  const values = FIELDS.map((field, index) => fieldValues(words[index]?.text ?? '', field, index, words[index]?.at ?? 1));
  const [minutes = [], hours = []] = values;
  return {
    text: words.map(({ text }) => text).join(' '),
    values,
    everyHourOrMinute: minutes.length === 60 || hours.length === 24,
  };
}

function countMessage(source: string, count: number): string {
  const start = `expression ${JSON.stringify(source)} has ${count} ${count === 1 ? 'field' : 'fields'}; 6 are needed: minute, hour, day of month, month, day of week, year`;
  if (count === 5) return `${start}. Add a year: ${JSON.stringify(`${source.trim()} *`)}`;
  if (count === 7) return `${start}. There are no seconds: leave the first field out if it is one`;
  return `${start}. Every day at 1:30 is "30 1 * * * *"`;
}

function fieldValues(text: string, field: Field, index: number, at: number): readonly number[] {
  const refuse = (offset: number, what: string): never => {
    throw new Refusal(
      `expression: field ${index + 1} (${field.name}) is ${JSON.stringify(text)}: ${what}, at character ${at + offset}. Allowed: "*", or a list of numbers and ranges from ${field.min} to ${field.max} such as "${example(field)}"`,
    );
  };
  if (text === '*') return rangeOf(field.min, field.max);
  const allowed = new Set<number>();
  let offset = 0;
  for (const part of text.split(',')) {
    for (const value of partValues(part, field, (within, what) => refuse(offset + within, what))) allowed.add(value);
    offset += part.length + 1;
  }
  return [...allowed].sort((a, b) => a - b);
}

function partValues(part: string, field: Field, refuse: (offset: number, what: string) => never): readonly number[] {
  if (part === '') return refuse(0, 'a number is missing');
  const step = part.indexOf('/');
  if (step !== -1) return refuse(step, 'steps ("/") are not supported; list the values');
  const letter = part.search(/[a-zA-Z]/);
  if (letter !== -1) return refuse(letter, 'names are not supported; write a number');
  const star = part.indexOf('*');
  if (star !== -1) return refuse(star, '"*" must stand alone');
  const other = part.search(/[^\d-]/);
  if (other !== -1) return refuse(other, `${JSON.stringify(String.fromCodePoint(part.codePointAt(other) ?? 0))} is not allowed`);
  const match = /^(\d+)(?:-(\d+))?$/.exec(part);
  if (match === null) return refuse(part.indexOf('-'), 'a range is two numbers with one "-" between them');
  const [, first = '', last] = match;
  const from = Number(first);
  if (from < field.min || from > field.max) return refuse(0, `${first} is out of range`);
  if (last === undefined) return [from];
  const to = Number(last);
  if (to < field.min || to > field.max) return refuse(first.length + 1, `${last} is out of range`);
  if (from >= to) return refuse(0, `a range goes from the smaller number to the larger one`);
  return rangeOf(from, to);
}

function rangeOf(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

function example({ min, max }: Field): string {
  return max > 1_000 ? '2026,2028-2030' : `${min + 1}-${min + 3},${max}`;
}
