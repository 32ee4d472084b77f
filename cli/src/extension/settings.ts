import { type Fault, GoferError } from '@gofer/contracts';
import { Option } from 'clipanion';
import type { GoferContext } from '../gofer-context.ts';
import { decodeUtf8, readFileAtMost } from '../input/read-at-most.ts';

const LARGEST_VALUE = 1_048_576;

export const SETTINGS_DETAILS =
  'A value that begins with @ is the content of that file, without a line break at its end; one that begins with @ itself is written @@. A value among the arguments can be seen by others on this machine in the list of processes; a file or a reference to a secret, such as global_secret{{KEY}}, cannot.';

export const settingOption = () =>
  Option.Array('-s,--setting', [], { description: 'A setting of the subscription, KEY=VALUE or KEY=@FILE; may be given several times' });
export const configOption = () =>
  Option.Array('-c,--config', [], { description: 'A setting of the extension, KEY=VALUE or KEY=@FILE; may be given several times' });

/**
 * `KEY=VALUE` arguments as a record; the value may hold further `=`, and `@FILE` stands for what is in that file. Rejects with
 * `INVALID_ARGUMENT` naming every one that is not of that form, and as reading the file does; no message has any part of a value.
 */
export async function readSettings(context: GoferContext, pairs: readonly string[], flag: string): Promise<Record<string, string>> {
  const settings = new Map<string, string>();
  const faults: Fault[] = [];
  for (const [index, pair] of pairs.entries()) {
    const equals = pair.indexOf('=');
    const key = pair.slice(0, Math.max(equals, 0));
    if (equals < 1) faults.push({ path: `${flag}, number ${index + 1}`, message: 'must be KEY=VALUE' });
    else if (settings.has(key)) faults.push({ path: `${flag} ${key}`, message: 'is given twice' });
    else settings.set(key, pair.slice(equals + 1));
  }
  if (faults.length > 0) throw new GoferError('INVALID_ARGUMENT', `${flag} cannot be read`, { details: faults });
  for (const [key, value] of settings) settings.set(key, await readValue(context, value, `${flag} ${key}`));
  return Object.fromEntries(settings);
}

async function readValue(context: GoferContext, value: string, what: string): Promise<string> {
  if (value.startsWith('@@')) return value.slice(1);
  if (!value.startsWith('@')) return value;
  const name = value.slice(1);
  if (name === '') throw new GoferError('INVALID_ARGUMENT', `${what} names no file: write KEY=@FILE, or KEY=@@ for the value @`);
  const bytes = await readFileAtMost(context, name, LARGEST_VALUE);
  if (bytes === undefined) throw new GoferError('INVALID_ARGUMENT', `${what}: ${name} has more than ${LARGEST_VALUE} bytes`);
  const text = decodeUtf8(bytes);
  if (text === undefined) throw new GoferError('INVALID_ARGUMENT', `${what}: ${name} is not text (UTF-8); encode it first, as with base64`);
  return text.replace(/\r?\n$/u, '');
}
