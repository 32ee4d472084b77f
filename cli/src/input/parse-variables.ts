import { parseEnv } from 'node:util';
import { type Fault, GoferError } from '@gofer/contracts';

/**
 * Variables as text: a JSON object of strings where it begins with `{`, else lines of `KEY=VALUE` as in dotenv files (comments, `export`,
 * quotes, values of several lines in quotes). Throws `INVALID_ARGUMENT` with every fault and its place in the file `name`.
 */
export function parseVariables(text: string, name: string): Record<string, string> {
  const content = text.replace(/^\ufeff/u, '');
  const faults: Fault[] = [];
  const variables = content.trimStart().startsWith('{') ? parseJson(content, name, faults) : parseLines(content, name, faults);
  if (faults.length > 0) throw new GoferError('INVALID_ARGUMENT', `the variables in ${name} cannot be read`, { details: faults });
  return Object.fromEntries(variables);
}

function parseJson(text: string, name: string, faults: Fault[]): Map<string, string> {
  const variables = new Map<string, string>();
  let parsed: object;
  try {
    parsed = JSON.parse(text) as object;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new GoferError('INVALID_ARGUMENT', `${name} begins with { but is not JSON: ${error.message}`, { cause: error });
  }
  for (const [key, value] of Object.entries(parsed) as [string, unknown][]) {
    if (typeof value === 'string') variables.set(key, value);
    else faults.push({ path: `${name}: ${toJsonPath(key)}`, message: `must be a string, not ${describe(value)}` });
  }
  return variables;
}

function parseLines(text: string, name: string, faults: Fault[]): Map<string, string> {
  const variables = new Map<string, string>();
  for (const { entry, line } of entriesOf(text.replaceAll('\r\n', '\n'))) {
    const path = `${name}:${line}`;
    // What is no KEY=VALUE it leaves out without a word, which is why it is given one entry at a time.
    const [variable] = Object.entries(parseEnv(entry));
    const [key = '', value = ''] = variable ?? [];
    if (key === '') faults.push({ path, message: 'must be KEY=VALUE' });
    else if (variables.has(key)) faults.push({ path, message: `${key} is given twice` });
    else variables.set(key, value);
  }
  return variables;
}

/** Each entry with the number of its first line; comments and empty lines are left out. */
function* entriesOf(text: string): Generator<{ entry: string; line: number }> {
  let line = 1;
  for (let start = 0; start < text.length; ) {
    const end = endOfEntry(text, start);
    const entry = text.slice(start, end);
    const trimmed = entry.trim();
    if (trimmed !== '' && !trimmed.startsWith('#')) yield { entry, line };
    line += entry.split('\n').length;
    start = end + 1;
  }
}

/** The end of the line, or of the line on which a quoted value is closed. A quote that is never closed is an ordinary character. */
function endOfEntry(text: string, start: number): number {
  const endOfLine = (from: number) => {
    const found = text.indexOf('\n', from);
    return found === -1 ? text.length : found;
  };
  const end = endOfLine(start);
  const [opening = '', quote] = /^[^=#\n]*=[ \t]*(["'`])/u.exec(text.slice(start, end)) ?? [];
  if (quote === undefined) return end;
  const closing = text.indexOf(quote, start + opening.length);
  return closing === -1 ? end : endOfLine(closing);
}

function toJsonPath(key: string): string {
  return /^[A-Za-z_]\w*$/u.test(key) ? `$.${key}` : `$[${JSON.stringify(key)}]`;
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
