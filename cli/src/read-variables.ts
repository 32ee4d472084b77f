import { type Fault, GoferError } from '@gofer/contracts';
import type { GoferContext } from './gofer-context.ts';
import { parseVariables } from './input/parse-variables.ts';
import { decodeUtf8, readFileAtMost, readStdin } from './input/read-at-most.ts';

const LARGEST_FILE = 8 * 1_048_576;

/** `KEY=VALUE` arguments as a record; the value may hold further `=`. Throws `INVALID_ARGUMENT` naming every one that is not of that form. */
export function readVariables(pairs: readonly string[], flag = '--variable'): Record<string, string> {
  const variables = new Map<string, string>();
  const faults: Fault[] = [];
  for (const pair of pairs) {
    const equals = pair.indexOf('=');
    const key = pair.slice(0, Math.max(equals, 0));
    if (equals < 1) faults.push({ path: `${flag} ${pair}`, message: 'must be KEY=VALUE' });
    else if (variables.has(key)) faults.push({ path: `${flag} ${pair}`, message: `${key} is given twice` });
    else variables.set(key, pair.slice(equals + 1));
  }
  if (faults.length > 0) throw new GoferError('INVALID_ARGUMENT', `${flag} cannot be read`, { details: faults });
  return Object.fromEntries(variables);
}

/** The variables of a file, `-` or `@` for standard input, without those that `over` has: keys compare case-insensitively. */
export async function readVariablesFile(
  context: GoferContext,
  file: string,
  over: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  const isStdin = file === '-' || file === '@';
  const name = isStdin ? 'standard input' : file;
  const bytes = await (isStdin ? readStdin(context, LARGEST_FILE) : readFileAtMost(context, file, LARGEST_FILE));
  if (bytes === undefined)
    throw new GoferError('INVALID_ARGUMENT', `${name} has more than ${LARGEST_FILE} bytes, which is no file of variables`);
  const text = decodeUtf8(bytes);
  if (text === undefined) throw new GoferError('INVALID_ARGUMENT', `${name} is not text (UTF-8)`);
  const beaten = new Set(Object.keys(over).map((key) => key.toUpperCase()));
  return Object.fromEntries(Object.entries(parseVariables(text, name)).filter(([key]) => !beaten.has(key.toUpperCase())));
}
