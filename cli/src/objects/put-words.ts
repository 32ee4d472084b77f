import { GoferError } from '@gofer/contracts';
import { checkObjectKey } from './object-key.ts';

/** Where the bytes of an object come from. */
export type ObjectContent =
  | { readonly kind: 'value'; readonly value: string }
  | { readonly kind: 'stdin' }
  | { readonly kind: 'file'; readonly path: string };

export interface PutWords {
  /** Undefined where none was named. */
  readonly run: string | undefined;
  readonly key: string;
  readonly content: ObjectContent;
}

const RUN = /^\d+$/u;

/** Reads `KEY PATH`, `KEY @` or `KEY=VALUE`. `command` is what stands before them. Throws `INVALID_ARGUMENT`. */
export function readPutWords(words: readonly string[], command: string): Omit<PutWords, 'run'> {
  const [first = '', second] = words;
  return second === undefined ? readPair(first, command) : readKeyAndPath(first, second);
}

/** As `readPutWords`, with a run before them or not: a first word of digits only is the run. */
export function readRunPutWords(words: readonly string[], command: string): PutWords {
  const [first = '', second, third] = words;
  if (third !== undefined) return { run: first, ...readKeyAndPath(second ?? '', third) };
  if (!RUN.test(first)) return { run: undefined, ...readPutWords(words, command) };
  if (second?.includes('=') === true) return { run: first, ...readPair(second, command) };
  throw second === undefined
    ? new GoferError(
        'INVALID_ARGUMENT',
        `an argument is missing: ${first} is a run. Give what to put:\n${spellings(`${command} ${first}`)}`,
      )
    : ambiguous([
        [`the object ${second} of run ${first}`, `${command} ${first} ${second} PATH`],
        [`an object with the key ${first}, from the file ${second}`, `${command} RUN ${first} ${second}`],
      ]);
}

/** Reads `[RUN] KEY`. `command` is what stands before them. Throws `INVALID_ARGUMENT`. */
export function readRunKeyWords(
  { run, key }: { run: string | undefined; key: string },
  command: string,
): { run: string | undefined; key: string } {
  if (run === undefined && RUN.test(key)) {
    throw ambiguous([
      [`an object of run ${key}`, `${command} ${key} KEY`],
      [`the object with the key ${key}`, `${command} RUN ${key}`],
    ]);
  }
  checkObjectKey(key);
  return { run, key };
}

function readPair(pair: string, command: string): Omit<PutWords, 'run'> {
  const equals = pair.indexOf('=');
  if (equals === -1) throw new GoferError('INVALID_ARGUMENT', `"${pair}" has no value. Give one of:\n${spellings(command)}`);
  const key = pair.slice(0, equals);
  checkObjectKey(key);
  return { key, content: { kind: 'value', value: pair.slice(equals + 1) } };
}

function readKeyAndPath(key: string, path: string): Omit<PutWords, 'run'> {
  checkObjectKey(key);
  return { key, content: path === '@' ? { kind: 'stdin' } : { kind: 'file', path } };
}

function spellings(command: string): string {
  return [`  ${command} KEY=VALUE   the value itself`, `  ${command} KEY PATH    a file`, `  ${command} KEY @       standard input`].join(
    '\n',
  );
}

function ambiguous(readings: readonly (readonly [meaning: string, command: string])[]): GoferError {
  const lines = readings.map(([meaning, command]) => `  ${command}   ${meaning}`);
  return new GoferError(
    'INVALID_ARGUMENT',
    `a first word of digits only is a run, so that this can be read in two ways. Write one of:\n${lines.join('\n')}`,
  );
}
