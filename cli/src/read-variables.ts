import { type Fault, GoferError } from '@gofer/contracts';

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
