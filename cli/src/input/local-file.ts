import { type FileHandle, open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { GoferError } from '@gofer/contracts';
import type { GoferContext } from '../gofer-context.ts';

export interface LocalFile {
  readonly path: string;
  readonly handle: FileHandle;
  /** Bytes; undefined where only reading it tells: of a pipe, a device, a file of /proc. */
  readonly size: number | undefined;
}

/** Opens a file that an argument names. Rejects with `NOT_FOUND` or `INVALID_ARGUMENT`. The caller closes the handle. */
export async function openLocalFile({ workingDirectory }: Pick<GoferContext, 'workingDirectory'>, name: string): Promise<LocalFile> {
  const path = resolve(workingDirectory, name);
  let handle: FileHandle | undefined;
  try {
    handle = await open(path);
    const stats = await handle.stat();
    if (stats.isDirectory()) throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
    return { path, handle, size: stats.isFile() && stats.size > 0 ? stats.size : undefined };
  } catch (error) {
    await handle?.close();
    throw toFileError(error, path, 'read');
  }
}

/** A failure of the file system in the words of someone who named that file. */
export function toFileError(error: unknown, path: string, doing: 'read' | 'written'): unknown {
  if (error instanceof GoferError || !(error instanceof Error) || !('code' in error)) return error;
  switch (error.code) {
    case 'ENOENT':
      return doing === 'read'
        ? new GoferError('NOT_FOUND', `there is no file ${path}`, { cause: error })
        : new GoferError('NOT_FOUND', `there is no folder for ${path}: make it first`, { cause: error });
    case 'EISDIR':
      return new GoferError('INVALID_ARGUMENT', `${path} is a folder: name a file`, { cause: error });
    case 'ENOSPC':
    case 'EDQUOT':
      return new GoferError('STORAGE_FULL', `${path} cannot be ${doing}: the disk is full`, { cause: error });
    default:
      return new GoferError('INVALID_ARGUMENT', `${path} cannot be ${doing} (${error.message})`, { cause: error });
  }
}
