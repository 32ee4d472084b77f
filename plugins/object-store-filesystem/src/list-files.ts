/** Walks the files below a directory, by the keys that they are named by. */
import type { Dirent } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredObject } from '@gofer/contracts';
import { isMissing } from './store-error.ts';

/** A word of a key. What has another name (bodies on their way, a file system's own folders) is no object. */
const WORD = /^[a-z0-9-]+$/;
const NAMES_AT_ONCE = 256;

/** Every key that begins with `prefix`, which may end within a word. */
export function listFiles(root: string, prefix: string): AsyncGenerator<StoredObject> {
  const slash = prefix.lastIndexOf('/') + 1;
  return walk(root, prefix.slice(0, slash), prefix.slice(slash));
}

/** `above`: the beginning of the keys in this directory, empty or with a slash at its end. */
async function* walk(root: string, above: string, beginning: string): AsyncGenerator<StoredObject> {
  for await (const entry of entries(join(root, above))) {
    if (!entry.name.startsWith(beginning) || !WORD.test(entry.name)) continue;
    const key = `${above}${entry.name}`;
    if (entry.isDirectory()) yield* walk(root, `${key}/`, '');
    else {
      const size = await sizeOf(join(root, key));
      if (size !== undefined) yield { key, size };
    }
  }
}

async function* entries(path: string): AsyncGenerator<Dirent> {
  try {
    yield* await opendir(path, { bufferSize: NAMES_AT_ONCE });
  } catch (error) {
    // Removed meanwhile, or never there.
    if (!isMissing(error)) throw error;
  }
}

/** `undefined`: no file, or none any more. */
export async function sizeOf(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
