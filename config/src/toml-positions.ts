/**
 * On which line of a TOML text each key stands. The parser gives values without places, and a start-up error without a line is a
 * search. The text must already have been accepted by the parser: this reads structure only and judges nothing.
 */

/** The line (from 1) of a key by its path (table names, keys, and indices of arrays as decimal strings); undefined if it is not there. */
export type LineOf = (path: readonly string[]) => number | undefined;

const BARE_KEY = /[A-Za-z0-9_-]/;
const ESCAPES: Readonly<Record<string, string>> = { b: '\b', t: '\t', n: '\n', f: '\f', r: '\r', e: '\u001b', '"': '"', '\\': '\\' };

export function scanTomlPositions(text: string): LineOf {
  const scanner = new PositionScanner(text);
  scanner.document();
  return (path) => scanner.lines.get(JSON.stringify(path));
}

/** A key of the table that a text begins with, and where it stands: offsets in the text, each end behind the last character. */
export interface TomlEntry {
  /** More than one where it is dotted. */
  readonly names: readonly string[];
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

export function scanTomlRoot(text: string): {
  readonly entries: readonly TomlEntry[] /** Where the first header stands. */;
  readonly tables: number | undefined;
} {
  const scanner = new PositionScanner(text);
  scanner.document();
  return { entries: scanner.rootEntries, tables: scanner.firstHeader };
}

class PositionScanner {
  /** The line of the first mention, by the path as JSON. */
  readonly lines = new Map<string, number>();
  readonly rootEntries: TomlEntry[] = [];
  firstHeader: number | undefined;
  readonly #text: string;
  #offset = 0;
  #line = 1;
  /** How many elements each array of tables has had so far. */
  readonly #elements = new Map<string, number>();

  constructor(text: string) {
    this.#text = text;
  }

  document(): void {
    let table: readonly string[] = [];
    for (this.#skipBlank(); this.#offset < this.#text.length; this.#skipBlank()) {
      const start = this.#offset;
      if (this.#peek() === '[') {
        this.firstHeader ??= start;
        table = this.#header();
        continue;
      }
      const { names, valueStart } = this.#keyValue(table);
      if (this.firstHeader === undefined) this.rootEntries.push({ names, start, valueStart, end: this.#endOfValue() });
    }
  }

  /** A value without quotes or brackets is read up to what ends it, blanks before that included. */
  #endOfValue(): number {
    let end = this.#offset;
    while (' \t\r'.includes(this.#text[end - 1] ?? '.')) end -= 1;
    return end;
  }

  #peek(ahead = 0): string {
    return this.#text[this.#offset + ahead] ?? '';
  }

  #next(): string {
    const character = this.#peek();
    if (character === '\n') this.#line += 1;
    this.#offset += 1;
    return character;
  }

  /** White space, line ends and comments. */
  #skipBlank(): void {
    for (;;) {
      const character = this.#peek();
      if (character === '#') while (this.#offset < this.#text.length && this.#peek() !== '\n') this.#next();
      else if (character === ' ' || character === '\t' || character === '\n' || character === '\r' || character === '\uFEFF') this.#next();
      else return;
    }
  }

  #record(path: readonly string[], line: number): void {
    for (let length = 1; length <= path.length; length += 1) {
      const key = JSON.stringify(path.slice(0, length));
      if (!this.lines.has(key)) this.lines.set(key, line);
    }
  }

  #header(): readonly string[] {
    const line = this.#line;
    this.#next();
    const isArray = this.#peek() === '[';
    if (isArray) this.#next();
    const written = this.#dottedKey();
    this.#skipBlank();
    this.#next();
    if (isArray) this.#next();
    const path = this.#insideArrays(written, isArray);
    this.#record(path, line);
    return path;
  }

  /** A header's names with the index of the current element after each name that is an array of tables. */
  #insideArrays(names: readonly string[], opensElement: boolean): readonly string[] {
    const path: string[] = [];
    for (const [index, name] of names.entries()) {
      path.push(name);
      const key = JSON.stringify(path);
      const known = this.#elements.get(key);
      if (opensElement && index === names.length - 1) {
        this.#elements.set(key, (known ?? 0) + 1);
        path.push(String(known ?? 0));
      } else if (known !== undefined) {
        path.push(String(known - 1));
      }
    }
    return path;
  }

  #keyValue(table: readonly string[]): { readonly names: readonly string[]; readonly valueStart: number } {
    const line = this.#line;
    const names = this.#dottedKey();
    const path = [...table, ...names];
    this.#record(path, line);
    this.#skipBlank();
    this.#next();
    this.#skipBlank();
    const valueStart = this.#offset;
    this.#value(path);
    return { names, valueStart };
  }

  #dottedKey(): string[] {
    const names: string[] = [];
    for (;;) {
      this.#skipBlank();
      names.push(this.#simpleKey());
      this.#skipBlank();
      if (this.#peek() !== '.') return names;
      this.#next();
    }
  }

  #simpleKey(): string {
    if (this.#peek() === '"' || this.#peek() === "'") return this.#string();
    let name = '';
    while (BARE_KEY.test(this.#peek())) name += this.#next();
    return name;
  }

  #value(path: readonly string[]): void {
    const character = this.#peek();
    if (character === '"' || character === "'") this.#string();
    else if (character === '[') this.#array(path);
    else if (character === '{') this.#inlineTable(path);
    else while (this.#offset < this.#text.length && !',]}#\n'.includes(this.#peek())) this.#next();
  }

  #array(path: readonly string[]): void {
    this.#next();
    for (let index = 0; this.#offset < this.#text.length; index += 1) {
      this.#skipBlank();
      if (this.#peek() === ']') break;
      this.#record([...path, String(index)], this.#line);
      this.#value([...path, String(index)]);
      this.#skipBlank();
      if (this.#peek() === ',') this.#next();
    }
    this.#next();
  }

  #inlineTable(path: readonly string[]): void {
    this.#next();
    while (this.#offset < this.#text.length) {
      this.#skipBlank();
      if (this.#peek() === '}') break;
      this.#keyValue(path);
      this.#skipBlank();
      if (this.#peek() === ',') this.#next();
    }
    this.#next();
  }

  /** A string of any of the four kinds; returns its content (exact for the single-line kinds, which is what keys are made of). */
  #string(): string {
    const quote = this.#next();
    if (this.#peek() === quote && this.#peek(1) === quote) {
      this.#multiLineString(quote);
      return '';
    }
    let content = '';
    while (this.#offset < this.#text.length && this.#peek() !== quote) {
      content += quote === '"' && this.#peek() === '\\' ? this.#escape() : this.#next();
    }
    this.#next();
    return content;
  }

  #multiLineString(quote: string): void {
    this.#next();
    this.#next();
    while (this.#offset < this.#text.length) {
      if (quote === '"' && this.#peek() === '\\') {
        this.#next();
        this.#next();
      } else if (this.#peek() === quote && this.#peek(1) === quote && this.#peek(2) === quote) {
        // Up to two quotes more belong to the text: the last three of a row close it.
        while (this.#peek() === quote) this.#next();
        return;
      } else {
        this.#next();
      }
    }
  }

  #escape(): string {
    this.#next();
    const kind = this.#next();
    const digits = kind === 'U' ? 8 : kind === 'u' ? 4 : kind === 'x' ? 2 : 0;
    if (digits === 0) return ESCAPES[kind] ?? '';
    let hex = '';
    while (hex.length < digits) hex += this.#next();
    return String.fromCodePoint(Number.parseInt(hex, 16));
  }
}
