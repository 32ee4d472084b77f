import { GoferError, TOKEN_PREFIX } from '@gofer/contracts';
import { Option } from 'clipanion';

export const tokenIdOption = () => Option.String({ name: 'id' });

/** Of words that stand where an id may, in the paths of the API. */
const NO_IDS = new Set(['bootstrap', 'whoami']);

/** The id of a token as an argument. Throws `INVALID_ARGUMENT` for the token itself, which belongs into no path and no log. */
export function readTokenId(id: string): string {
  if (NO_IDS.has(id)) throw new GoferError('INVALID_ARGUMENT', `"${id}" is no id of a token: gofer token list has them`);
  if (!id.startsWith(TOKEN_PREFIX)) return id;
  throw new GoferError(
    'INVALID_ARGUMENT',
    'that is a token itself, and its id is wanted: gofer token list has it, and gofer token whoami that of your own',
  );
}
