import { GoferError } from '@gofer/contracts';
import type { GoferContext } from '../gofer-context.ts';
import { readStdin } from '../input/read-at-most.ts';
import { askHidden } from '../secrets/ask-hidden.ts';
import { isToken, TOKEN_RULE } from './token-form.ts';

/** With blanks around it. */
const LONGEST_INPUT = 65_536;

/**
 * A token from standard input or, on a terminal, by a question; without the blanks around it. Rejects with `INVALID_ARGUMENT` on what cannot
 * be one; no message has any part of it.
 */
export async function readToken(context: GoferContext, { fromStdin }: { readonly fromStdin: boolean }): Promise<string> {
  const isTerminal = context.stdin.isTTY === true;
  if (!isTerminal && !fromStdin)
    throw new GoferError('INVALID_ARGUMENT', 'there is no terminal to ask for the token: give it on standard input, with --token-stdin');
  // What would be typed there must not be seen.
  const text = isTerminal
    ? await askHidden(context, 'Token (nothing is shown): ', 'Give it by --token-stdin, through a pipe')
    : (await readStdin(context, LONGEST_INPUT))?.toString('utf8');
  const token = text?.trim() ?? '';
  if (text !== undefined && isToken(token)) return token;
  throw new GoferError(
    'INVALID_ARGUMENT',
    `${token === '' && text !== undefined ? 'nothing was given' : 'what was given is no token'}: ${TOKEN_RULE}; nothing was stored`,
  );
}
