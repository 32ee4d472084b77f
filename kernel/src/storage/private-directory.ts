/** A directory of this server's own. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { GoferError } from '@gofer/contracts';

/**
 * Makes a directory (absolute path, mode 0700) and what is missing above it. Level by level, since `mkdirSync` with `recursive` goes round
 * for ever where a parent exists and answers ENOENT all the same, as under /proc. Throws `CONFIG_INVALID` with what stands in the way.
 */
export function makePrivateDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const parent = dirname(path);
  if (parent !== path) makePrivateDirectory(parent);
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
    const why = error instanceof Error ? error.message : String(error);
    throw new GoferError(
      'CONFIG_INVALID',
      `The directory "${path}" cannot be made (${why}). Set server.storage_path and api.task_execution_logs_dir, or XDG_STATE_HOME, to where this user may write.`,
      { cause: error },
    );
  }
}
