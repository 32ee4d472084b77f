/**
 * What the clients published for v0 accept: exactly one status for each operation, every required field there and of its type, and no
 * value of an enumeration that they do not know. From v0's own description, in `v0-operations.json`.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Operation {
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly status?: number;
  readonly response?: string;
}
interface V0 {
  readonly operations: readonly Operation[];
  readonly objects: Readonly<Record<string, { readonly required: readonly string[]; readonly fields: Readonly<Record<string, string>> }>>;
  readonly enums: Readonly<Record<string, readonly string[]>>;
}

const FIXTURE = join(import.meta.dirname, '../../kernel/src/http/fixtures/v0-operations.json');
const v0 = JSON.parse(readFileSync(FIXTURE, 'utf8')) as V0;

export function v0Operation(name: string): Operation {
  const found = v0.operations.find(({ operation }) => operation === name);
  if (found === undefined) throw new Error(`v0 has no operation ${name}`);
  return found;
}

/** What a client of v0 would refuse of this answer, each with its place. */
export function v0Faults(type: string, value: unknown, at = '$'): readonly string[] {
  if (type.endsWith('?')) return value === null || value === undefined ? [] : v0Faults(type.slice(0, -1), value, at);
  if (type.startsWith('[')) {
    if (!Array.isArray(value)) return [`${at} is no list`];
    return value.flatMap((item, index) => v0Faults(type.slice(1, -1), item, `${at}[${index}]`));
  }
  if (type.startsWith('{')) {
    if (!isRecord(value)) return [`${at} is no object`];
    return Object.entries(value).flatMap(([key, item]) => v0Faults(type.slice(1, -1), item, `${at}.${key}`));
  }
  if (type === 'integer') return Number.isSafeInteger(value) && Number(value) >= 0 ? [] : [`${at} is no count: ${JSON.stringify(value)}`];
  if (type === 'string' || type === 'boolean') return typeof value === type ? [] : [`${at} is no ${type}: ${JSON.stringify(value)}`];
  const words = v0.enums[type];
  if (words !== undefined) return words.includes(String(value)) ? [] : [`${at} is no ${type}: ${JSON.stringify(value)}`];
  const object = v0.objects[type];
  if (object === undefined) return [`${at} is of a type that the fixture does not have: ${type}`];
  if (!isRecord(value)) return [`${at} is no ${type}`];
  const missing = object.required.filter((field) => !(field in value)).map((field) => `${at}.${field} is missing`);
  const wrong = Object.entries(object.fields).flatMap(([field, each]) =>
    field in value ? v0Faults(each, value[field], `${at}.${field}`) : [],
  );
  return [...missing, ...wrong];
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
