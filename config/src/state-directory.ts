import { isAbsolute, join } from 'node:path';
import type { Environment } from './written-setting.ts';

/** The mode of every directory that holds the server's data. */
export const STATE_DIRECTORY_MODE = 0o700;

/** `$XDG_STATE_HOME/gofer`, else `~/.local/state/gofer`; undefined where neither is known. The XDG text says that a relative one is to be ignored. */
export function stateDirectory(environment: Environment, homeDirectory: string | undefined): string | undefined {
  const state = environment['XDG_STATE_HOME'];
  if (state !== undefined && isAbsolute(state)) return join(state, 'gofer');
  const home = homeDirectory ?? environment['HOME'];
  return home === undefined || home === '' ? undefined : join(home, '.local', 'state', 'gofer');
}
