/**
 * Readers of single fields: each gives the value, or notes a fault and gives what lets reading go on. A field's path is put together
 * only where there is a fault. Go's encoders print `null` for what is unset, so `null` and absence are the same everywhere.
 */

import type { FaultList } from './fault-list.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

const MESSAGE_TEXT_LENGTH = 80;
const PATH_KEY_LENGTH = 256;

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
  const short = key.length > PATH_KEY_LENGTH ? `${key.slice(0, PATH_KEY_LENGTH)}…` : key;
  return /^[A-Za-z_][A-Za-z0-9_-]*$/.test(short) ? `${path}.${short}` : `${path}[${JSON.stringify(short)}]`;
}

/** A string that must be there. */
export function readString(object: JsonObject, key: string, path: string, longest: number, faults: FaultList): string | undefined {
  const value = object[key];
  if (typeof value === 'string' && value.length <= longest) return value;
  const wanted = typeof value === 'string' ? `be at most ${longest} characters, has ${value.length}` : `be a string, is ${kindOf(value)}`;
  faults.add(memberPath(path, key), `must ${wanted}`);
  return undefined;
}

export function readOptionalString(object: JsonObject, key: string, path: string, longest: number, faults: FaultList): string {
  const value = object[key];
  return value === undefined || value === null ? '' : (readString(object, key, path, longest, faults) ?? '');
}

export function readOptionalBoolean(object: JsonObject, key: string, path: string, faults: FaultList): boolean {
  const value = object[key];
  if (value === undefined || value === null) return false;
  if (typeof value === 'boolean') return value;
  faults.add(memberPath(path, key), `must be true or false, is ${kindOf(value)}`);
  return false;
}

/** An object, empty where it is absent. */
export function readOptionalObject(object: JsonObject, key: string, path: string, faults: FaultList): JsonObject {
  const value = object[key];
  if (value === undefined || value === null) return {};
  if (isJsonObject(value)) return value;
  faults.add(memberPath(path, key), `must be an object, is ${kindOf(value)}`);
  return {};
}
