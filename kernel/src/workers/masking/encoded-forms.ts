/**
 * The ways in which programs write a secret when they do not write it plainly. Every form is a binary string: each character is one
 * byte, so that forms are compared, sorted and cut by the engine's own string operations.
 */

/** An exact encoding that is longer contributes its end only: the beginning is that of the unpadded forms. */
const MAX_EXACT_CHARACTERS = 512;
const EXACT_END_CHARACTERS = 256;
const SPACE = 32;
const PERCENT = 37;
const PLUS = 43;

/** Text as the bytes of its UTF-8. */
export function toBinary(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** `value` may have white space around it; `trimmed` is the same without. */
export function encodedForms(value: string, trimmed: string): Set<string> {
  return new Set([...base64Forms(value, trimmed), ...percentForms(trimmed), ...jsonForms(trimmed), ...shellForms(trimmed)]);
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
const STRICT = '-._~';
const COMPONENT = `${STRICT}!'()*`;
const PERCENT_TABLES = [
  ...[COMPONENT, STRICT, `${COMPONENT}/`, `${STRICT}/`].map((kept) => percentTable(kept)),
  ...[COMPONENT, STRICT, '-._*'].map((kept) => percentTable(kept, PLUS)),
];
const HEX_DIGITS = [Buffer.from('0123456789ABCDEF'), Buffer.from('0123456789abcdef')];

/** For each byte what it is written as; 0 where it is escaped. */
function percentTable(kept: string, space = 0): Uint8Array {
  const table = new Uint8Array(256);
  for (let byte = 0; byte < 128; byte++) if (/[A-Za-z0-9]/.test(String.fromCharCode(byte))) table[byte] = byte;
  for (const byte of Buffer.from(kept)) table[byte] = byte;
  table[SPACE] = space;
  return table;
}

function percentForms(text: string): string[] {
  if (/^[\w.-]*$/.test(text)) return [];
  const bytes = Buffer.from(text);
  return HEX_DIGITS.flatMap((digits) => PERCENT_TABLES.map((table) => percentEncoded(bytes, table, digits)));
}

/** Byte by byte: a value may be large, and there are many forms of it. */
function percentEncoded(bytes: Uint8Array, table: Uint8Array, digits: Uint8Array): string {
  const out = Buffer.allocUnsafe(3 * bytes.length);
  let length = 0;
  for (const byte of bytes) {
    const same = table[byte] ?? 0;
    if (same !== 0) {
      out[length++] = same;
      continue;
    }
    out[length++] = PERCENT;
    out[length++] = digits[byte >> 4] ?? 0;
    out[length++] = digits[byte & 15] ?? 0;
  }
  return out.toString('latin1', 0, length);
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

/** As a shell that traces its commands (`sh -x`) quotes an apostrophe, in the ways of bash and of dash. */
function shellForms(text: string): string[] {
  return text.includes("'") ? [`'\\''`, `'"'"'`].map((quoted) => toBinary(text.replaceAll("'", quoted))) : [];
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Steps over every escape, so that an escaped backslash before a `u` is not taken for one. */
function withUpperCaseHex(json: string): string {
  return json.replace(/\\(?:u([0-9a-f]{4})|.)/gs, (all, hex?: string) => (hex === undefined ? all : `\\u${hex.toUpperCase()}`));
}
