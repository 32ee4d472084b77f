/** The store's own directory: made, tried out, and cleared of what this server left when it died. */
import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GoferError } from '@gofer/contracts';
import { isFull, isMissing } from './store-error.ts';

/** Bodies on their way. Its name has a character that no key has. */
const INCOMING = '.incoming';
/** Between the instance's id, which never has it, and the rest. */
const SEPARATOR = '~';

export class StoreDirectory {
  readonly path: string;
  readonly #mark: string;

  private constructor(path: string, instanceId: string) {
    this.path = path;
    this.#mark = `${instanceId}${SEPARATOR}`;
  }

  /** Rejects with `CONFIG_INVALID` where the directory cannot be used. */
  static async open(path: string, instanceId: string): Promise<StoreDirectory> {
    const directory = new StoreDirectory(path, instanceId);
    try {
      await makeDirectory(path);
      await makeDirectory(join(path, INCOMING));
      for (const name of await readdir(join(path, INCOMING))) {
        // Servers may share a directory: those of others may be alive.
        if (name.startsWith(directory.#mark)) await rm(join(path, INCOMING, name), { force: true });
      }
      await directory.tryOut();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new GoferError(
        'CONFIG_INVALID',
        `object_store.filesystem.path: "${path}" cannot hold objects (${why}). Name a directory that this user may write, on a file system with hard links.`,
        { cause: error },
      );
    }
    return directory;
  }

  /** The path of a file for a body on its way. */
  incoming(): string {
    return join(this.path, INCOMING, `${this.#mark}${randomUUID()}`);
  }

  /** Does what a `put` does, with nothing in it. A directory without room still can be read: that is no failure. */
  async tryOut(): Promise<void> {
    const from = this.incoming();
    const to = this.incoming();
    try {
      const file = await open(from, 'wx', 0o600);
      await file.close();
      await link(from, to);
    } catch (error) {
      if (!isFull(error)) throw error;
    } finally {
      await rm(from, { force: true });
      await rm(to, { force: true });
    }
  }
}

/** Level by level, since `recursive` goes round for ever where a parent exists and answers ENOENT all the same, as under /proc. */
async function makeDirectory(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (found?.isDirectory() === true) return;
  if (found !== undefined) throw new Error('it is not a directory');
  const parent = dirname(path);
  if (parent !== path) await makeDirectory(parent);
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (!(await stat(path).catch(() => undefined))?.isDirectory()) throw error;
  }
}
