/** Where bytes were left behind, for the laws of what must not be written. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The regular files below a directory that hold these bytes, by name or by content. One that goes away meanwhile holds nothing. */
export async function filesHolding(directory: string, bytes: Uint8Array): Promise<readonly string[]> {
  const wanted = Buffer.from(bytes);
  const found: string[] = [];
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    // Reading a named pipe would wait for whoever writes to it.
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const content = await readFile(path).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (content?.includes(wanted) === true || Buffer.from(entry.name).includes(wanted)) found.push(path);
  }
  return found;
}
