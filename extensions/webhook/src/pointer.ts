/** Where a value is in a body: `/a/b/0` (RFC 6901) or `a.b.0`. */
import { Refusal } from '@gofer/sdk/extension';

export type Pointer = readonly string[];

const MAX_CHARACTERS = 1_000;

/** Throws a `Refusal` for what is none. */
export function parsePointer(text: string): Pointer {
  if (text === '' || text.length > MAX_CHARACTERS) throw new Refusal(`A place in the body has 1 to ${MAX_CHARACTERS} characters.`);
  if (!text.startsWith('/')) return text.split('.');
  if (/~(?![01])/.test(text))
    throw new Refusal(`${JSON.stringify(text)} is no place in the body: "~" is written "~0", and "/" in a name "~1".`);
  return text
    .slice(1)
    .split('/')
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Undefined where there is nothing. Own members only: a body has no prototypes. */
export function valueAt(body: unknown, pointer: Pointer): unknown {
  let value = body;
  for (const name of pointer) {
    if (typeof value !== 'object' || value === null || JSON.isRawJSON(value)) return undefined;
    if (Array.isArray(value) && !/^(0|[1-9]\d*)$/.test(name)) return undefined;
    if (!Object.hasOwn(value, name)) return undefined;
    value = Reflect.get(value, name);
  }
  return value;
}
