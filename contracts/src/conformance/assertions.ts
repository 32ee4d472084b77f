/** The suite's own assertions: it depends on no test library. Codes are asserted, never messages. */

import type { ErrorCode } from '../errors.ts';
import { codeOf } from '../errors.ts';

/** A law is broken. */
export class LawBroken extends Error {
  override readonly name = 'LawBroken';
}

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new LawBroken(message);
}

export function assertEqual(actual: unknown, expected: unknown, what: string): void {
  if (!sameData(actual, expected)) throw new LawBroken(`${what}: expected ${show(expected)}, got ${show(actual)}`);
}

/** Rejecting and throwing at once both count: behind a port they are the same. */
export async function assertRejects(
  operation: () => Promise<unknown>,
  codes: ErrorCode | readonly ErrorCode[],
  what: string,
): Promise<void> {
  const accepted: readonly string[] = typeof codes === 'string' ? [codes] : codes;
  let result: unknown;
  try {
    result = await operation();
  } catch (error) {
    if (error instanceof LawBroken) throw error;
    const has = error instanceof Error && 'code' in error ? String(error.code) : 'no code';
    if (!accepted.includes(has)) throw new LawBroken(`${what}: expected ${accepted.join(' or ')}, got ${has}`, { cause: error });
    assertEqual(codeOf(error), has, `${what}: its code`);
    return;
  }
  throw new LawBroken(`${what}: expected ${accepted.join(' or ')}, but it succeeded with ${show(result)}`);
}

/** For what a law awaits later: should the law break before that, this promise's rejection is nobody's. */
export function begun<Result>(promise: Promise<Result>): Promise<Result> {
  promise.catch(() => undefined);
  return promise;
}

/** Plain, cloneable data: what `structuredClone` gives back as it was. */
export function assertData(value: unknown, what: string): void {
  let clone: unknown;
  try {
    clone = structuredClone(value);
  } catch (error) {
    throw new LawBroken(`${what} cannot be cloned`, { cause: error });
  }
  if (!sameData(value, clone)) throw new LawBroken(`${what} is not plain data: ${show(value)} becomes ${show(clone)}`);
}

/** Deep equality of plain data. Bytes are equal by content; an object of a class equals nothing. */
function sameData(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return typeof a !== 'function';
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Uint8Array || b instanceof Uint8Array) return a instanceof Uint8Array && b instanceof Uint8Array && sameBytes(a, b);
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, index) => sameData(item, b[index]));
  }
  if (!isPlain(a) || !isPlain(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameData(Reflect.get(a, key), Reflect.get(b, key)))
  );
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && firstDifference(a, b) === -1;
}

export function assertBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  if (sameBytes(actual, expected)) return;
  const at = firstDifference(actual, expected);
  const excerpt = (bytes: Uint8Array): string => JSON.stringify(new TextDecoder().decode(bytes.subarray(Math.max(0, at - 20), at + 40)));
  throw new LawBroken(
    `${what}: expected ${expected.byteLength} bytes, got ${actual.byteLength}; they differ from byte ${at}: ` +
      `expected …${excerpt(expected)}…, got …${excerpt(actual)}…`,
  );
}

function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.byteLength, b.byteLength);
  for (let index = 0; index < length; index++) if (a[index] !== b[index]) return index;
  return a.byteLength === b.byteLength ? -1 : length;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function show(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`;
  const text = typeof value === 'object' || typeof value === 'string' ? JSON.stringify(value) : `${value as number | undefined}`;
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
