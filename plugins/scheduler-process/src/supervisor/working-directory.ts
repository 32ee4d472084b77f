/** The fresh directory in which a task runs. */
import { chmod, mkdir, readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Refusal, systemCode } from './refusal.ts';

/** Makes it; what an attempt that never ran may have left in its place goes first. */
export async function makeWorkingDirectory(path: string): Promise<void> {
  try {
    try {
      await mkdir(path, 0o700);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      await rm(path, { recursive: true, force: true });
      await mkdir(path, 0o700);
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
    await chmod(next, 0o700);
    for (const entry of await readdir(next, { withFileTypes: true })) if (entry.isDirectory()) open.push(join(next, entry.name));
  }
}
