/**
 * The ways in which programs write a secret when they do not write it plainly. Every form is a binary string: each character is one
 * byte, so that forms are compared, sorted and cut by the engine's own string operations.
 */

/** An exact encoding that is longer contributes its end only: the beginning is that of the unpadded forms. */
const MAX_EXACT_CHARACTERS = 4096;
const EXACT_END_CHARACTERS = 2048;

/** Text as the bytes of its UTF-8. */
export function toBinary(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** `value` may have white space around it; `trimmed` is the same without. */
export function encodedForms(value: string, trimmed: string): Set<string> {
  return new Set([...base64Forms(value, trimmed), ...percentForms(trimmed), ...jsonForms(trimmed)]);
}

/**
 * Wherever the secret stands in what is encoded, it begins at one of three places within a group of four characters; of these the
 * characters count that are determined by the secret alone. Where all that is encoded is the secret, its last characters count too.
 */
function* base64Forms(value: string, trimmed: string): Generator<string> {
  const bytes = Buffer.from(trimmed);
  for (const before of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    yield* bothAlphabets(encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6)));
  }
  for (const exact of new Set([value, trimmed, `${value}\n`, `${trimmed}\n`])) {
    const encoded = Buffer.from(exact).toString('base64');
    const kept = encoded.length <= MAX_EXACT_CHARACTERS ? encoded : encoded.slice(-EXACT_END_CHARACTERS);
    yield* bothAlphabets(kept);
    yield* bothAlphabets(kept.replace(/=+$/, ''));
  }
}

function bothAlphabets(encoded: string): string[] {
  return [encoded, encoded.replaceAll('+', '-').replaceAll('/', '_')];
}

/** Percent-encoding: RFC 3986, the laxer set of ECMAScript, and the form encoding of the URL standard, each with the habits there are. */
function percentForms(text: string): string[] {
  if (/^[\w.-]*$/.test(text)) return [];
  const component = encodeURIComponent(text.toWellFormed());
  const strict = component.replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
  const plus = [component, strict].map((form) => form.replaceAll('%20', '+'));
  const form = strict.replaceAll('%20', '+').replaceAll('%2A', '*').replaceAll('~', '%7E');
  const paths = [component, strict].map((one) => one.replaceAll('%2F', '/'));
  const forms = [...new Set([component, strict, ...plus, form, ...paths])];
  return [...forms, ...forms.map((one) => one.replace(/%[0-9A-F]{2}/g, (escape) => escape.toLowerCase()))];
}

/** Inside a JSON string: as `JSON.stringify`, with `\/`, with what HTML could misread escaped, and with nothing beyond ASCII. */
function jsonForms(text: string): string[] {
  const plain = JSON.stringify(text.toWellFormed()).slice(1, -1);
  const forms = [plain];
  if (plain.includes('/')) forms.push(plain.replaceAll('/', '\\/'));
  if (/[<>&]/.test(plain)) forms.push(plain.replace(/[<>&]/g, escapeUnit));
  if (/[\u007f-\uffff]/.test(plain)) forms.push(...forms.map((form) => form.replace(/[\u007f-\uffff]/g, escapeUnit)));
  return [...forms, ...forms.filter((form) => form.includes('\\u')).map(withUpperCaseHex)].map(toBinary);
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Steps over every escape, so that an escaped backslash before a `u` is not taken for one. */
function withUpperCaseHex(json: string): string {
  return json.replace(/\\(?:u([0-9a-f]{4})|.)/gs, (all, hex?: string) => (hex === undefined ? all : `\\u${hex.toUpperCase()}`));
}
