import { GoferError } from '@gofer/contracts';
import { BUILT_IN_NAMES } from './built-in-names.ts';

/** The image of an extension: as given, or for an id of one that comes with the server that one. Throws `INVALID_ARGUMENT`. */
export function imageFor(id: string, image: string | undefined): string {
  if (image !== undefined) return image;
  if ((BUILT_IN_NAMES as readonly string[]).includes(id)) return `builtin:${id}`;
  throw new GoferError(
    'INVALID_ARGUMENT',
    `an extension needs an image: gofer extension install ${id} IMAGE, or builtin:NAME for one that comes with the server (${BUILT_IN_NAMES.join(', ')})`,
  );
}
