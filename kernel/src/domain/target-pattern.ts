/**
 * Patterns that name things: of permissions' targets, and of the namespaces that may use a global secret. A pattern matches a whole id, in
 * time that is linear in the id's length (RE2); the shapes that nearly all of them have cost no regular expression at all.
 */
import { RE2JS } from 're2js';

export interface TargetPattern {
  /** As it was written. */
  readonly text: string;
  /** It matches every id. */
  readonly matchesAll: boolean;
  matches(id: string): boolean;
}

/** Characters of a pattern. */
export const LONGEST_PATTERN = 256;
/** No id is as long: what is longer is not worth the time of a regular expression. */
const LONGEST_ID = 64;
/** Of a counted repetition, such as `{3,32}`; compiled, it is written out. */
const MOST_REPETITIONS = 100;
/** Instructions of a compiled pattern: so much work is it at most for each character of an id. */
const LARGEST_PATTERN = 500;
/** Of all patterns that are tried for one decision. */
const LARGEST_SUM = 2000;

const EVERYTHING = /^\^?\.\*\$?$/;
const LITERAL = /^\^?([\w-]+)\$?$/;
const PREFIX = /^\^?([\w-]+)\.\*\$?$/;

/** What is wrong with a pattern, for a person; undefined where nothing is. */
export function patternFault(pattern: string, longest = LONGEST_PATTERN): string | undefined {
  return new PatternChecks(longest).faultOf(pattern);
}

/**
 * Checks of patterns that are tried one after the other for the same decision: they may only be so large together. Once they are larger
 * nothing more is compiled, which may take longer than to try it.
 */
export class PatternChecks {
  readonly #longest: number;
  #size = 0;

  constructor(longest = LONGEST_PATTERN) {
    this.#longest = longest;
  }

  /** As `patternFault`. */
  faultOf(pattern: string): string | undefined {
    if (pattern === '') return 'must not be empty; .* matches everything';
    if (pattern.length > this.#longest) return `must have at most ${this.#longest} characters`;
    if (isPlain(pattern)) return undefined;
    if (largestCount(pattern) > MOST_REPETITIONS)
      return `repeats something more than ${MOST_REPETITIONS} times, and no id has as many characters; use + or *`;
    if (this.#size > LARGEST_SUM) return 'is one pattern too many: those before it are too large already';
    let size: number;
    try {
      size = RE2JS.compile(pattern).programSize();
    } catch (error) {
      return `is not a regular expression that can be used (${error instanceof Error ? error.message : String(error)}); the syntax is RE2's, without look-around and back-references`;
    }
    this.#size += size;
    if (size > LARGEST_PATTERN)
      return `is too large: written out it has ${size} steps, and may have ${LARGEST_PATTERN}; use + or * in place of counted repetitions`;
    return this.#size > LARGEST_SUM
      ? `is one pattern too many: written out, those up to it have ${this.#size} steps, and may have ${LARGEST_SUM} together`
      : undefined;
  }
}

function isPlain(pattern: string): boolean {
  return EVERYTHING.test(pattern) || LITERAL.test(pattern) || PREFIX.test(pattern);
}

function largestCount(pattern: string): number {
  return Math.max(
    0,
    ...[...pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g)].map(([, least, most]) => Math.max(Number(least), Number(most ?? 0))),
  );
}

/**
 * Of a pattern without faults. A regular expression is compiled when it is first tried: most of a role's never are, and all roles are
 * read anew when one of them changes.
 */
export function compilePattern(text: string): TargetPattern {
  if (EVERYTHING.test(text)) return { text, matchesAll: true, matches: () => true };
  const literal = LITERAL.exec(text)?.[1];
  if (literal !== undefined) return { text, matchesAll: false, matches: (id) => id === literal };
  const prefix = PREFIX.exec(text)?.[1];
  // A line feed is what a dot does not match.
  if (prefix !== undefined) return { text, matchesAll: false, matches: (id) => id.startsWith(prefix) && !id.includes('\n') };
  const beginning = literalBeginning(text);
  let compiled: RE2JS | undefined;
  const tryIt = (id: string): boolean => {
    compiled ??= RE2JS.compile(text);
    return compiled.matches(id);
  };
  return { text, matchesAll: false, matches: (id) => id.startsWith(beginning) && id.length <= LONGEST_ID && tryIt(id) };
}

/** What everything that the pattern matches begins with: most ids are told apart by it, a hundred times as fast as by the expression. */
function literalBeginning(text: string): string {
  // An alternative or a flag further on may say otherwise of the beginning.
  if (text.includes('|') || text.includes('(?')) return '';
  const beginning = /^\^?([\w-]*)/.exec(text);
  const [whole = '', literal = ''] = beginning ?? [];
  return '*?+{'.includes(text[whole.length] ?? ' ') ? literal.slice(0, -1) : literal;
}
