import { GoferError } from '@gofer/contracts';
import { isTaskId, TASK_ID_RULE } from '@gofer/contracts/pipeline';
import { Option } from 'clipanion';

export const SECRET_PUT_DETAILS = `Best leave the value out: on a terminal it is asked for, and nothing of it is shown. @ takes it from standard input, --file from a file, both with every byte, the newline at their end too. A value among the arguments, as KEY VALUE or KEY=VALUE, can be seen by others on this machine in the list of processes, and stays in the history of the shell.

A value is 1 to 1,048,576 bytes of UTF-8. Tasks that run keep the value that they were given.`;

export const SECRET_GET_DETAILS =
  'JSON has the shape {"metadata", "secret"}, the value exactly as it was put, or null where it was not asked for.';

export const secretForceOption = () => Option.Boolean('-f,--force', false, { description: 'Replace the value where there is one' });
export const secretFileOption = () => Option.String('--file', { description: 'Take the value from this file' });
export const includeSecretOption = () => Option.Boolean('-i,--include-secret', false, { description: 'Show the value too' });

/** Reads `KEY`, `KEY VALUE` or `KEY=VALUE`. Throws `INVALID_ARGUMENT`, without any part of the value. */
export function readSecretWords(word: string, value: string | undefined): { key: string; value: string | undefined } {
  const equals = word.indexOf('=');
  const key = equals === -1 ? word : word.slice(0, equals);
  checkSecretKey(key);
  if (equals === -1) return { key, value };
  if (value === undefined) return { key, value: word.slice(equals + 1) };
  throw new GoferError('INVALID_ARGUMENT', `there is more behind ${key}=VALUE: a value with spaces needs quotes`);
}

/** Throws `INVALID_ARGUMENT` on what cannot be the key of a secret. What is long may be a value in the wrong place, and is not repeated. */
export function checkSecretKey(key: string): void {
  if (isTaskId(key)) return;
  const why = key.length > 63 ? `one of ${key.length}` : key === '' ? 'an empty one' : 'what was given';
  throw new GoferError('INVALID_ARGUMENT', `the key of a secret is ${TASK_ID_RULE}, not ${why}`);
}
