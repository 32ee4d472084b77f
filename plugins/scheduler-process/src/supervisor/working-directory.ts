/** The fresh directory in which a task runs. */
import { chmod, mkdirSync, readdir, rmSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Refusal, systemCode } from './refusal.ts';

const changeMode = promisify(chmod);
const readDirectory = promisify(readdir);

/** Makes it; what an attempt that never ran may have left in its place goes first. */
export function makeWorkingDirectory(path: string): void {
  try {
    try {
      mkdirSync(path, 0o700);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      rmSync(path, { recursive: true, force: true });
      mkdirSync(path, 0o700);
    }
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw new Refusal('STORAGE_FULL', `no room for the working directory ${path}: free space on its disk`);
    throw new Refusal('UNAVAILABLE', `the working directory ${path} cannot be made: ${String(error)}`);
  }
}

/** Removes it and everything in it. */
export async function removeWorkingDirectory(path: string): Promise<void> {
  try {
    await rmdir(path);
    return;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
  }
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 2 });
  } catch (error) {
    if (systemCode(error) !== 'EACCES' && systemCode(error) !== 'EPERM') throw error;
    // Tools such as Go's module cache make their directories read-only.
    await makeWritable(path);
    await rm(path, { recursive: true, force: true, maxRetries: 2 });
  }
}

async function makeWritable(directory: string): Promise<void> {
  const open = [directory];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    await changeMode(next, 0o700);
    for (const entry of await readDirectory(next, { withFileTypes: true })) if (entry.isDirectory()) open.push(join(next, entry.name));
  }
}
