/**
 * External events as they come: JSON in which each byte of the body may be a number of its own. `JSON.parse` would stand still for seconds
 * over a large one and take sixteen times its size, so the list of numbers is read by hand, with a breath now and then.
 */
import { setImmediate as breathe } from 'node:timers/promises';
import type { ExternalEvent } from './extension.ts';
import { malformed, parseObject, textsOf } from './request-body.ts';

/** Some ten milliseconds of reading. */
const BYTES_A_BREATH = 2 * 1024 * 1024;
const CHARACTER = { quote: 0x22, comma: 0x2c, colon: 0x3a, open: 0x5b, backslash: 0x5c, close: 0x5d, begin: 0x7b, end: 0x7d } as const;

/** `{headers, body}`, the body as a list of numbers, as v0 writes it, or as base64. Rejects with 400 for anything else. */
export async function parseExternalEvent(json: Buffer): Promise<ExternalEvent> {
  const found = findBody(json);
  // Without the list, whatever is left is small and JSON.
  const list = found === undefined ? undefined : await readBytes(json, found);
  const rest = list === undefined ? json : Buffer.concat([json.subarray(0, list.from), Buffer.from('""'), json.subarray(list.to)]);
  const request = parseObject(rest);
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(textsOf(request, 'headers'))) {
    const lower = name.toLowerCase();
    const earlier = headers.get(lower);
    headers.set(lower, earlier === undefined ? value : `${earlier}, ${value}`);
  }
  return { headers: Object.fromEntries(headers), body: list?.bytes ?? decoded(request['body']) };
}

function decoded(body: unknown): Uint8Array {
  if (typeof body !== 'string') throw malformed('body must be a list of bytes, or base64');
  if (body.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(body)) throw malformed('body is not base64');
  return Buffer.from(body, 'base64');
}

/** Where the list of the last member `body` of the outermost object begins; undefined where that is no list, or the JSON is broken. */
function findBody(json: Buffer): number | undefined {
  let found: number | undefined;
  let at = afterSpace(json, 0);
  if (json[at] !== CHARACTER.begin) return undefined;
  do {
    const key = afterSpace(json, at + 1);
    if (json[key] !== CHARACTER.quote) return found;
    const keyEnd = afterString(json, key);
    const colon = afterSpace(json, keyEnd);
    if (json[colon] !== CHARACTER.colon) return found;
    const value = afterSpace(json, colon + 1);
    if (isBody(json.subarray(key, keyEnd))) found = json[value] === CHARACTER.open ? value : undefined;
    at = afterSpace(json, afterValue(json, value));
  } while (json[at] === CHARACTER.comma);
  return found;
}

/** However it is escaped. */
function isBody(key: Buffer): boolean {
  if (key.length > 26) return false;
  try {
    return JSON.parse(key.toString()) === 'body';
  } catch {
    return false;
  }
}

function afterSpace(json: Buffer, from: number): number {
  let at = from;
  while (isSpace(json[at])) at += 1;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function afterString(json: Buffer, quote: number): number {
  for (let at = quote + 1; at < json.length; at += 1) {
    if (json[at] === CHARACTER.backslash) at += 1;
    else if (json[at] === CHARACTER.quote) return at + 1;
  }
  return json.length;
}

/** Behind a value of any kind, by its brackets: whether it is one is for the parser to say. */
function afterValue(json: Buffer, from: number): number {
  if (json[from] === CHARACTER.quote) return afterString(json, from);
  const closing = json[from] === CHARACTER.open ? json.indexOf(CHARACTER.close, from) : -1;
  // A list of numbers ends at the first bracket, which is found much faster than one by one.
  if (closing > 0 && json.subarray(from, closing).indexOf(CHARACTER.quote) < 0 && json.indexOf(CHARACTER.open, from + 1) > closing)
    return closing + 1;
  let depth = 0;
  for (let at = from; at < json.length; at += 1) {
    const byte = json[at];
    if (byte === CHARACTER.quote) at = afterString(json, at) - 1;
    else if (byte === CHARACTER.open || byte === CHARACTER.begin) depth += 1;
    else if (byte === CHARACTER.close || byte === CHARACTER.end) {
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (byte === CHARACTER.comma && depth === 0) return at;
  }
  return json.length;
}

interface ByteList {
  readonly bytes: Uint8Array;
  readonly from: number;
  /** Behind its bracket. */
  readonly to: number;
}

async function readBytes(json: Buffer, from: number): Promise<ByteList> {
  // Each takes a digit and a comma.
  const bytes = new Uint8Array(Math.ceil((json.length - from) / 2));
  let size = 0;
  for (let at = afterSpace(json, from + 1), breath = at + BYTES_A_BREATH; ; at = afterSpace(json, at + 1)) {
    if (size === 0 && json[at] === CHARACTER.close) return { bytes: new Uint8Array(0), from, to: at + 1 };
    const first = at;
    let value = 0;
    for (let digit = (json[at] ?? 0) - 0x30; digit >= 0 && digit <= 9 && at - first < 3; digit = (json[at] ?? 0) - 0x30) {
      value = value * 10 + digit;
      at += 1;
    }
    const hasLeadingZero = at - first > 1 && json[first] === 0x30;
    if (at === first || value > 255 || hasLeadingZero) throw malformed(`body[${size}] is not a byte`);
    bytes[size] = value;
    size += 1;
    at = afterSpace(json, at);
    if (json[at] === CHARACTER.close) return { bytes: bytes.slice(0, size), from, to: at + 1 };
    if (json[at] !== CHARACTER.comma) throw malformed(`body[${size}] is not a byte`);
    if (at < breath) continue;
    breath = at + BYTES_A_BREATH;
    await breathe();
  }
}
