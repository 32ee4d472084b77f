import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, readlink, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { GoferError } from '@gofer/contracts';
import { toFileError } from '../input/local-file.ts';
import { decodeUtf8 } from '../input/read-at-most.ts';

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
const MOST_LINKS = 40;

export interface ChangedFile {
  /** The file itself, where `path` was a link to it. */
  readonly path: string;
  /** The mode that it had, where others could read or change it; they no longer can. */
  readonly narrowed: number | undefined;
}

/**
 * Changes a file that holds a secret, or makes it with its folders: the old text or the new one is there at any time, and only its owner can
 * read it. A link is followed and stays. Resolves with undefined where `change` does: then nothing is done. Rejects as `toFileError` says.
 */
export async function changeConfigFile(path: string, change: (text: string) => string): Promise<ChangedFile>;
export async function changeConfigFile(path: string, change: (text: string) => string | undefined): Promise<ChangedFile | undefined>;
export async function changeConfigFile(path: string, change: (text: string) => string | undefined): Promise<ChangedFile | undefined> {
  try {
    const file = await followLinks(path);
    const before = await readWithMode(file);
    const text = change(before?.text ?? '');
    if (text === undefined) return undefined;
    await replace(file, text);
    return { path: file, narrowed: before !== undefined && (before.mode & 0o077) !== 0 ? before.mode : undefined };
  } catch (error) {
    throw toFileError(error, path, 'written');
  }
}

/** Where a link leads, even where nothing is there. */
async function followLinks(path: string, links = 0): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (codeOfFile(error) !== 'ENOENT' || links > MOST_LINKS) throw error;
  }
  const target = await readlink(path).catch((error: unknown) => {
    if (codeOfFile(error) === 'ENOENT') return undefined;
    throw error;
  });
  return target === undefined ? path : await followLinks(resolve(dirname(path), target), links + 1);
}

async function readWithMode(path: string): Promise<{ readonly text: string; readonly mode: number } | undefined> {
  try {
    const stats = await stat(path);
    if (!stats.isFile())
      throw new GoferError('INVALID_ARGUMENT', `${path} is no regular file, so that it cannot keep a token: name another by --config`);
    const text = decodeUtf8(await readFile(path));
    if (text === undefined) throw new GoferError('CONFIG_INVALID', `${path} is not UTF-8 text`);
    return { text, mode: stats.mode & 0o777 };
  } catch (error) {
    if (codeOfFile(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** All of the new text is on the disk before it takes the place of the old one. */
async function replace(path: string, text: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: FOLDER_MODE });
  const temporary = join(folder, `.${basename(path)}.${randomUUID()}`);
  try {
    const handle = await open(temporary, 'wx', FILE_MODE);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  const directory = await open(folder);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function codeOfFile(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
