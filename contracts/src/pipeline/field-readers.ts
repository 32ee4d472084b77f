/**
 * Readers of single fields: each gives the value, or notes a fault and gives what lets reading go on. Go's encoders print `null`
 * for what is unset, so `null` and absence are the same everywhere.
 */

import type { FaultList } from './fault-list.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

const MESSAGE_TEXT_LENGTH = 80;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a value is, for a message. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  return `a ${typeof value}`;
}

/** A user's text inside a message: one line, bounded. */
export function quote(text: string): string {
  const short = text.length > MESSAGE_TEXT_LENGTH ? `${text.slice(0, MESSAGE_TEXT_LENGTH)}…` : text;
  return `'${JSON.stringify(short).slice(1, -1)}'`;
}

/** The path of an object's member: `$.a.b`, or `$.a["odd key"]`. */
export function memberPath(path: string, key: string): string {
  return /^[A-Za-z_][A-Za-z0-9_-]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

export function readString(value: unknown, path: string, longest: number, faults: FaultList): string | undefined {
  if (typeof value !== 'string') {
    faults.add(path, `must be a string, is ${kindOf(value)}`);
    return undefined;
  }
  if (value.length > longest) {
    faults.add(path, `must be at most ${longest} characters, has ${value.length}`);
    return undefined;
  }
  return value;
}

export function readOptionalString(value: unknown, path: string, longest: number, faults: FaultList): string {
  return value === undefined || value === null ? '' : (readString(value, path, longest, faults) ?? '');
}

export function readOptionalBoolean(value: unknown, path: string, faults: FaultList): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value === 'boolean') return value;
  faults.add(path, `must be true or false, is ${kindOf(value)}`);
  return false;
}

/** An absent, null or empty object has no entries. */
export function readEntries(value: unknown, path: string, faults: FaultList): readonly [string, unknown][] {
  if (value === undefined || value === null) return [];
  if (isJsonObject(value)) return Object.entries(value);
  faults.add(path, `must be an object, is ${kindOf(value)}`);
  return [];
}
