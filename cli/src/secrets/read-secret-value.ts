import { GoferError } from '@gofer/contracts';
import type { GoferContext } from '../gofer-context.ts';
import { decodeUtf8, readFileAtMost, readStdin } from '../input/read-at-most.ts';
import { askHidden } from './ask-hidden.ts';

const LARGEST_VALUE = 1_048_576;
const RULE = `a secret has 1 to ${LARGEST_VALUE.toLocaleString('en')} bytes`;

export interface SecretSource {
  readonly key: string;
  /** The argument itself, `@` for standard input; undefined where there is none. */
  readonly value: string | undefined;
  readonly file: string | undefined;
}

/**
 * The value of a secret from where it is to come from: the argument, standard input, a file or, on a terminal, a question. Rejects with
 * `INVALID_ARGUMENT` on what cannot be one; no message has any part of the value.
 */
export async function readSecretValue(context: GoferContext, { key, value, file }: SecretSource): Promise<string> {
  if (value !== undefined && file !== undefined) {
    throw new GoferError('INVALID_ARGUMENT', 'the value is given twice, by an argument and by --file: give it once');
  }
  if (file !== undefined) return checkBytes(await readFileAtMost(context, file, LARGEST_VALUE), `the file ${file}`);
  const isTerminal = context.stdin.isTTY === true;
  // What would be typed there must not be seen either.
  const isAsked = value === undefined || (value === '@' && isTerminal);
  if (value === '@' && !isAsked) return checkBytes(await readStdin(context, LARGEST_VALUE), 'standard input');
  if (!isAsked) return checkText(value);
  if (!isTerminal) {
    throw new GoferError(
      'INVALID_ARGUMENT',
      `there is no value for the secret ${key}, and no terminal to ask for it. Give it by one of:\n` +
        `  @            standard input, all of it\n  --file FILE  a file\n  ${key}=VALUE  an argument, which others on this machine can see`,
    );
  }
  return checkText(
    await askHidden(context, `Value of the secret ${key} (nothing is shown): `, 'Give them by --file, or by @ through a pipe'),
  );
}

function checkText(value: string): string {
  return checkSize(Buffer.byteLength(value), 'the value') && value;
}

function checkBytes(bytes: Buffer | undefined, what: string): string {
  if (bytes === undefined)
    throw new GoferError('INVALID_ARGUMENT', `${what} has more than ${LARGEST_VALUE.toLocaleString('en')} bytes; ${RULE}`);
  checkSize(bytes.byteLength, what);
  const text = decodeUtf8(bytes);
  if (text === undefined) {
    throw new GoferError(
      'INVALID_ARGUMENT',
      `${what} is not UTF-8, and a secret must be: encode it first, as with base64, and decode it in the task`,
    );
  }
  return text;
}

function checkSize(size: number, what: string): true {
  if (size >= 1 && size <= LARGEST_VALUE) return true;
  throw new GoferError('INVALID_ARGUMENT', `${what} has ${size.toLocaleString('en')} bytes; ${RULE}`);
}
