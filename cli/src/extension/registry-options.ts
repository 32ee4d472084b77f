import { GoferError } from '@gofer/contracts';
import { Option } from 'clipanion';
import type { GoferContext } from '../gofer-context.ts';
import { decodeUtf8, readFileAtMost, readStdin } from '../input/read-at-most.ts';
import { askHidden } from '../secrets/ask-hidden.ts';

const LONGEST_PASSWORD = 16_384;

export const REGISTRY_DETAILS =
  'With --registry-user the password of the registry is asked for on a terminal, or taken from standard input or --registry-password-file; it may be a reference such as global_secret{{KEY}}.';
export const registryUserOption = () => Option.String('--registry-user', { description: 'Who pulls the image from its registry' });
export const registryPasswordOption = () =>
  Option.String('--registry-password-file', { description: 'Take the password of --registry-user from this file' });

/** Undefined where none is given. Rejects with `INVALID_ARGUMENT`; no message has any part of the password. */
export async function readRegistryAuth(
  context: GoferContext,
  { user, passwordFile }: { readonly user: string | undefined; readonly passwordFile: string | undefined },
): Promise<{ user: string; pass: string } | undefined> {
  if (user === undefined && passwordFile !== undefined)
    throw new GoferError('INVALID_ARGUMENT', '--registry-password-file is the password of a --registry-user, which is missing');
  if (user === undefined) return undefined;
  const pass = (await readPassword(context, user, passwordFile)).replace(/\r?\n$/u, '');
  if (pass === '')
    throw new GoferError(
      'INVALID_ARGUMENT',
      `there is no password for --registry-user ${user}: give it on standard input, or by --registry-password-file`,
    );
  return { user, pass };
}

async function readPassword(context: GoferContext, user: string, file: string | undefined): Promise<string> {
  if (file === undefined && context.stdin.isTTY === true) {
    return await askHidden(context, `Password of ${user} (nothing is shown): `, 'Give it by --registry-password-file');
  }
  const source = file ?? 'standard input';
  const bytes = file === undefined ? await readStdin(context, LONGEST_PASSWORD) : await readFileAtMost(context, file, LONGEST_PASSWORD);
  const text = bytes === undefined ? undefined : decodeUtf8(bytes);
  if (text === undefined)
    throw new GoferError('INVALID_ARGUMENT', `the password in ${source} is not text (UTF-8) of at most ${LONGEST_PASSWORD} bytes`);
  return text;
}
