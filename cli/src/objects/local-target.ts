import { randomBytes } from 'node:crypto';
import { link, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { GoferError } from '@gofer/contracts';
import type { GoferContext } from '../gofer-context.ts';
import { toFileError } from '../input/local-file.ts';

/** A file that something is to be written to. */
export interface LocalTarget {
  readonly path: string;
  readonly force: boolean;
  /** A device or a pipe, such as /dev/null: it is written to as it is, and never replaced. */
  readonly isSpecial: boolean;
}

/** Finds out before anything is transferred whether a file may be written. Rejects with `ALREADY_EXISTS` or `INVALID_ARGUMENT`. */
export async function findLocalTarget(
  { workingDirectory }: Pick<GoferContext, 'workingDirectory'>,
  name: string,
  { force }: { force: boolean },
): Promise<LocalTarget> {
  const named = resolve(workingDirectory, name);
  try {
    // What a link points to is replaced, not the link.
    const path = await realpath(named);
    const stats = await stat(path);
    if (stats.isDirectory()) throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
    if (stats.isFile() && !force) throw alreadyExists(path);
    return { path, force, isSpecial: !stats.isFile() };
  } catch (error) {
    if (isCode(error, 'ENOENT')) return { path: named, force, isSpecial: false };
    throw toFileError(error, named, 'written');
  }
}

/** Writes all of it or nothing: it grows beside the target and takes its name once it is whole. Resolves with its bytes' number. */
export async function writeLocalTarget({ path, force, isSpecial }: LocalTarget, source: AsyncIterable<Uint8Array>): Promise<number> {
  if (isSpecial) return await writeAll(path, 'w', source);
  const partial = join(dirname(path), `.${basename(path).slice(0, 200)}.${randomBytes(6).toString('hex')}.partial`);
  try {
    const size = await writeAll(partial, 'wx', source);
    await (force ? rename(partial, path) : nameNew(partial, path));
    return size;
  } catch (error) {
    throw isCode(error, 'EEXIST') ? alreadyExists(path) : toFileError(error, path, 'written');
  } finally {
    await rm(partial, { force: true });
  }
}

async function writeAll(path: string, flags: 'w' | 'wx', source: AsyncIterable<Uint8Array>): Promise<number> {
  const handle = await open(path, flags);
  let size = 0;
  try {
    for await (const chunk of source) {
      await handle.writeFile(chunk);
      size += chunk.byteLength;
    }
    if (flags === 'wx') await handle.sync();
    return size;
  } finally {
    await handle.close();
  }
}

/** Unlike a rename, a link never replaces what has come to be there meanwhile. Not every file system knows links. */
async function nameNew(partial: string, path: string): Promise<void> {
  try {
    await link(partial, path);
  } catch (error) {
    if (!isCode(error, 'EPERM') && !isCode(error, 'ENOTSUP') && !isCode(error, 'ENOSYS')) throw error;
    await rename(partial, path);
  }
}

function alreadyExists(path: string): GoferError {
  return new GoferError('ALREADY_EXISTS', `${path} is there already and was left as it is: name another file, or replace it with --force`);
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
