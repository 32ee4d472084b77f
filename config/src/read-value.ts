/** Whether a written value fits its declaration, and what it then is. */
import { formatDuration, LONGEST_DURATION, parseDuration } from './duration.ts';
import type { SettingSchema } from './setting.ts';

export type ReadValue =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false /** What it must be: "must be …". */; readonly message: string };

/** `textual`: the value is text (an environment variable, a flag) and is read by the declared type, never by its looks. */
export function readValue(schema: SettingSchema, value: unknown, textual: boolean): ReadValue {
  if (schema['x-duration'] === true) return readDuration(schema, value, textual);
  if (schema.enum !== undefined) return readChoice(schema, schema.enum, value);
  switch (schema.type) {
    case 'boolean':
      return readBoolean(schema, value, textual);
    case 'integer':
    case 'number':
      return readNumber(schema, value, textual);
    case 'string':
      return readText(schema, value);
    case 'array':
      return readList(schema, value, textual);
    default:
      // A plugin's schema may use all of JSON Schema; its host validates what is not read here.
      return { ok: true, value };
  }
}

function fail(schema: SettingSchema, expected: string, value: unknown): ReadValue {
  const what = schema['x-secret'] === true ? '' : `, not ${quoted(value)}`;
  return { ok: false, message: `must be ${expected}${what}` };
}

function quoted(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (typeof value === 'boolean' || typeof value === 'number') return String(value);
  if (Array.isArray(value)) return 'a list';
  return value instanceof Date ? 'a date' : 'a table';
}

function readDuration(schema: SettingSchema, value: unknown, textual: boolean): ReadValue {
  const expected = 'a duration such as "4380h", "1h30m" or "250ms", or a whole number of seconds';
  const seconds = typeof value !== 'string' ? value : textual && /^\d+$/.test(value) ? Number(value) : parseDuration(value);
  const whole = typeof value === 'string' || Number.isSafeInteger(value);
  if (typeof seconds !== 'number' || !whole || seconds < 0 || seconds > LONGEST_DURATION) return fail(schema, expected, value);
  if (schema.minimum !== undefined && seconds < schema.minimum) return fail(schema, `at least ${formatDuration(schema.minimum)}`, value);
  if (schema.maximum !== undefined && seconds > schema.maximum) return fail(schema, `at most ${formatDuration(schema.maximum)}`, value);
  return { ok: true, value: seconds };
}

function readChoice(schema: SettingSchema, choices: readonly unknown[], value: unknown): ReadValue {
  return choices.includes(value) ? { ok: true, value } : fail(schema, `one of ${choices.join(', ')}`, value);
}

function readBoolean(schema: SettingSchema, value: unknown, textual: boolean): ReadValue {
  if (typeof value === 'boolean') return { ok: true, value };
  const word = textual && typeof value === 'string' ? value.toLowerCase() : undefined;
  return word === 'true' || word === 'false' ? { ok: true, value: word === 'true' } : fail(schema, 'true or false', value);
}

function readNumber(schema: SettingSchema, value: unknown, textual: boolean): ReadValue {
  const isInteger = schema.type === 'integer';
  const number = textual && typeof value === 'string' && /^[+-]?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number) || (isInteger && !Number.isSafeInteger(number))) {
    return fail(schema, isInteger ? 'a whole number' : 'a number', value);
  }
  if (schema.minimum !== undefined && number < schema.minimum) return fail(schema, `at least ${schema.minimum}`, value);
  if (schema.maximum !== undefined && number > schema.maximum) return fail(schema, `at most ${schema.maximum}`, value);
  return { ok: true, value: number };
}

function readText(schema: SettingSchema, value: unknown): ReadValue {
  if (typeof value !== 'string') return fail(schema, schema['x-expects'] ?? 'a string', value);
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema;
  const length = Array.from(value).length;
  if (length < minLength || length > maxLength) {
    if (minLength === maxLength) return { ok: false, message: `must be exactly ${minLength} characters long, not ${length}` };
    return {
      ok: false,
      message: length === 0 ? 'must not be empty' : `must be ${minLength} to ${maxLength} characters long, not ${length}`,
    };
  }
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value)) {
    return fail(schema, schema['x-expects'] ?? `text of the form ${schema.pattern}`, value);
  }
  if (schema.format === 'uri' && !URL.canParse(value)) return fail(schema, schema['x-expects'] ?? 'a URL', value);
  return { ok: true, value };
}

function readList(schema: SettingSchema, value: unknown, textual: boolean): ReadValue {
  const written = textual && typeof value === 'string' ? splitList(value) : value;
  if (!Array.isArray(written)) return fail(schema, textual ? 'a list, separated by commas' : 'a list in brackets', value);
  // An item of a secret list is a secret.
  const declaration: SettingSchema = schema['x-secret'] === true ? { ...schema.items, 'x-secret': true } : { ...schema.items };
  const items: unknown[] = [];
  for (const [index, item] of written.entries()) {
    const read = readValue(declaration, item, textual);
    if (!read.ok) return { ok: false, message: `item ${index + 1} ${read.message}` };
    items.push(read.value);
  }
  return { ok: true, value: items };
}

function splitList(text: string): readonly string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
