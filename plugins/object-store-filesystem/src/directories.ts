/**
 * The directories below the store's own: made where a file is about to be entered, durable before its `put` resolves, and removed when
 * they are empty. A directory is removed only while no file is being entered, in one go: so none vanishes under a `put`.
 */
import { rmdirSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isMissing, systemCode } from './store-error.ts';

/** Directories that are remembered at most. */
const REMEMBERED = 10_000;

export class Directories {
  readonly #root: string;
  /** Those of which it is known that they would survive the death of the machine. */
  readonly #durable = new Set<string>();
  readonly #emptied = new Set<string>();
  #entering = 0;

  constructor(root: string) {
    this.#root = root;
  }

  /** `enter` makes the file's name. Resolves once the name would survive the death of the machine. */
  async entered(file: string, enter: () => Promise<void>): Promise<void> {
    const directory = dirname(file);
    this.#entering++;
    try {
      await this.#make(directory);
      try {
        await enter();
      } catch (error) {
        if (!isMissing(error)) throw error;
        // Another server, or a person, has removed the directory.
        this.#durable.clear();
        await this.#make(directory);
        await enter();
      }
      await syncDirectory(directory);
    } finally {
      this.#entering--;
      this.#prune();
    }
  }

  /** A file is gone: its directory goes too if it was the last. */
  left(file: string): void {
    this.#emptied.add(dirname(file));
    this.#prune();
  }

  async #make(directory: string): Promise<void> {
    if (directory === this.#root || this.#durable.has(directory)) return;
    const parent = dirname(directory);
    await this.#make(parent);
    await mkdir(directory, { mode: 0o700 }).catch((error: unknown) => {
      if (systemCode(error) !== 'EEXIST') throw error;
    });
    await syncDirectory(parent);
    if (this.#durable.size >= REMEMBERED) this.#durable.clear();
    this.#durable.add(directory);
  }

  #prune(): void {
    if (this.#entering > 0) return;
    for (const emptied of this.#emptied) {
      for (let directory = emptied; directory !== this.#root && removed(directory); directory = dirname(directory)) {
        this.#durable.delete(directory);
      }
    }
    this.#emptied.clear();
  }
}

/** One system call, synchronously: nothing else of this server happens meanwhile. */
function removed(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    // Not empty, most of the time; whatever else it is, an empty directory harms nobody.
    return isMissing(error);
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
