import { GoferError, isGoferError } from '@gofer/contracts';

/**
 * An error of the configuration with flags named as they are typed: the configuration knows them by their keys (`--server.bind_address`).
 * `typed`: key → flag. Other errors come back as they are.
 */
export function asTyped(error: unknown, typed: Readonly<Record<string, string>>): unknown {
  if (!isGoferError(error) || error.code !== 'CONFIG_INVALID') return error;
  const rename = (text: string) => Object.entries(typed).reduce((renamed, [key, flag]) => renamed.replaceAll(`--${key}`, flag), text);
  const details = error.details.map(({ path, message }) => ({ path: rename(path), message: rename(message) }));
  return new GoferError(error.code, rename(error.message), { cause: error, details });
}
