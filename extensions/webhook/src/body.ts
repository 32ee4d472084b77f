/** What the sender sent, as a value: JSON with its numbers as they are written, or the fields of a form. */
import { Refusal } from '@gofer/sdk/extension';

/** Bytes. */
export const MAX_BODY = 4 * 1024 * 1024;
const MAX_DEPTH = 100;

declare global {
  /** Numbers as they are written (ECMAScript, "JSON.parse source text access"). */
  interface JSON {
    rawJSON(text: string): RawJson;
    isRawJSON(value: unknown): value is RawJson;
  }
}
interface RawJson {
  readonly rawJSON: string;
}

/** Throws a `Refusal`. */
export function parseBody(text: string, contentType: string): unknown {
  const type = contentType.split(';')[0]?.trim().toLowerCase() ?? '';
  if (type === 'application/x-www-form-urlencoded') return parseForm(text);
  if (type === 'application/json' || /^[a-z]+\/[a-z0-9.+-]+\+json$/.test(type)) return parseJson(text);
  throw new Refusal('The content type is to be application/json or application/x-www-form-urlencoded.');
}

function parseJson(text: string): unknown {
  if (isDeeperThan(text, MAX_DEPTH)) throw new Refusal(`The body is nested deeper than ${MAX_DEPTH}.`);
  let value: unknown;
  try {
    value = JSON.parse(text, keepNumber);
  } catch {
    throw new Refusal('The body is no JSON.');
  }
  if (typeof value === 'object' && value !== null && !JSON.isRawJSON(value)) return value;
  throw new Refusal('The body is to be a JSON object or array.');
}

/** `12345678901234567890` and `1.50` would be others as numbers of JavaScript. */
function keepNumber(this: unknown, _key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined || String(value) === context.source) return value;
  return JSON.rawJSON(context.source);
}

function parseForm(text: string): unknown {
  // What was signed with a time, sent again without it, reads `TIME.BODY`.
  if (/^\d+\./.test(text)) throw new Refusal('The body is no form.');
  const fields = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    const values = fields.get(name);
    if (values === undefined) fields.set(name, [value]);
    else values.push(value);
  }
  return Object.fromEntries([...fields].map(([name, values]) => [name, values.length === 1 ? values[0] : values]));
}

/** Of brackets outside of strings. */
export function isDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index];
    if (inString) {
      if (character === '\\') index += 1;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '{' || character === '[') {
      depth += 1;
      if (depth > limit) return true;
    } else if (character === '}' || character === ']') depth -= 1;
  }
  return false;
}

/** A value as a variable carries it: text as it is, anything else as JSON. Undefined: there is none. */
export function toText(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
}
