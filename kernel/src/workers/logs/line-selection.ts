/** Which lines of a log are wanted, and how a line is tried: by stream, time and number from the index alone, by its text only where a literal says that it may match. */
import { RE2JS } from 're2js';
import type { LogStream } from './log-store.ts';

/** What is not given selects nothing out. */
export interface LineSelection {
  readonly stream?: LogStream;
  /** Epoch milliseconds: lines that came then or later. */
  readonly since?: number;
  /** Numbers of lines, counted from 0: the first one, and the one behind the last. Not together with `tail`. */
  readonly lines?: { readonly first: number; readonly end: number };
  /** A regular expression in RE2's syntax, found anywhere in a line. A line over 1 MiB is tried piece by piece. */
  readonly grep?: string;
  /** Of the lines that the rest selects, the last so many and what comes behind them; not heeded behind a cursor. */
  readonly tail?: number;
}

/** Characters of an expression. */
const LONGEST_EXPRESSION = 256;
/** Of a counted repetition, such as `{3,32}`; compiled, it is written out. */
const MOST_REPETITIONS = 100;
/** Instructions of a compiled expression: so much work is it at most for each character of a log. */
const LARGEST_EXPRESSION = 500;

/** What is wrong with an expression, for a person; undefined where nothing is. */
export function expressionFault(expression: string): string | undefined {
  if (expression === '') return 'must not be empty';
  if (expression.length > LONGEST_EXPRESSION) return `must have at most ${LONGEST_EXPRESSION} characters`;
  for (const [, least, most] of expression.matchAll(/\{(\d+)(?:,(\d*))?\}/g))
    if (Math.max(Number(least), Number(most ?? 0)) > MOST_REPETITIONS)
      return `repeats something more than ${MOST_REPETITIONS} times; use + or *`;
  try {
    const size = RE2JS.compile(expression).programSize();
    if (size <= LARGEST_EXPRESSION) return undefined;
    return `is too large: written out it has ${size} steps, and may have ${LARGEST_EXPRESSION}`;
  } catch (error) {
    return `is not a regular expression that can be used (${error instanceof Error ? error.message : String(error)}); the syntax is RE2's, without look-around and back-references`;
  }
}

/** Tries lines against one expression without faults, in time that is linear in their length. */
export class LineMatcher {
  /** UTF-8 that every line that matches has in it: what has it not need not be tried. Undefined where none is known. */
  readonly literal: Buffer | undefined;
  /** Undefined where the literal is all there is to find. */
  readonly #expression: RE2JS | undefined;

  constructor(expression: string) {
    const required = requiredLiteral(expression);
    this.literal = required.text === '' ? undefined : Buffer.from(required.text);
    this.#expression = required.whole && this.literal !== undefined ? undefined : RE2JS.compile(expression);
  }

  /** `start` to `end` in `text`: one line, without its newline, that has the literal in it. */
  matches(text: Buffer, start: number, end: number): boolean {
    return this.#expression === undefined || this.#expression.test(text.toString('utf8', start, end));
  }
}

/** Escapes that stand for one of many characters, or for a place between two. */
const CLASSES = 'dDsSwWbBAz';

/**
 * The longest text that whatever matches must contain, and whether that is the whole expression. An expression is only understood as far
 * as that is simple: where there is an alternative, a flag or an escape of another kind, nothing is known.
 */
export function requiredLiteral(expression: string): { readonly text: string; readonly whole: boolean } {
  const unknown = { text: '', whole: false };
  if (/[|\n\u{fffd}]|\(\?/u.test(expression)) return unknown;
  const characters = Array.from(expression);
  let longest = '';
  let run: string[] = [];
  let depth = 0;
  let plain = true;
  const endRun = (): void => {
    plain = false;
    if (run.join('').length > longest.length) longest = run.join('');
    run = [];
  };
  for (let at = 0; at < characters.length; at++) {
    let character = characters[at] ?? '';
    if (character === '\\') {
      character = characters[++at] ?? '';
      if (CLASSES.includes(character) && character !== '') endRun();
      else if (/^[!-/:-@[-`{-~]$/.test(character)) {
        if (depth === 0) run.push(character);
      } else return unknown;
    } else if (character === '[') {
      endRun();
      const end = endOfClass(characters, at);
      if (end === undefined) return unknown;
      at = end;
    } else if (character === '(' || character === ')') {
      endRun();
      depth += character === '(' ? 1 : -1;
    } else if ('*?{'.includes(character)) {
      // What stands before may be there not once.
      run.pop();
      endRun();
      if (character === '{') at = characters.indexOf('}', at);
      if (at < 0) return unknown;
    } else if ('.^$+'.includes(character)) endRun();
    else if (depth === 0) run.push(character);
  }
  const whole = plain;
  endRun();
  return { text: longest, whole };
}

/** Where a class that begins at `start` ends; undefined where it is not simple. */
function endOfClass(characters: readonly string[], start: number): number | undefined {
  let at = start + 1;
  if (characters[at] === '^') at++;
  // A bracket at the beginning stands for itself.
  if (characters[at] === ']') at++;
  for (; at < characters.length; at++) {
    if (characters[at] === '\\') at++;
    else if (characters[at] === '[') return undefined;
    else if (characters[at] === ']') return at;
  }
  return undefined;
}
