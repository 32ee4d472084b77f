/** Whether a server has written something somewhere: in its files, as they are now, or in what it printed. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A secret in the forms in which it may hide: as it is, in base64 at each of the three places it may stand at, in hex, URL-encoded. */
function formsOf(text: string): readonly string[] {
  const bytes = Buffer.from(text);
  const shifted = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(4, -4),
  );
  return [text, ...shifted, bytes.toString('hex'), encodeURIComponent(text), JSON.stringify(text).slice(1, -1)];
}

/** Where any of `texts` stands: `file: text`. */
export async function tracesOf(texts: readonly string[], directory: string, printed: readonly string[]): Promise<readonly string[]> {
  const places: [string, Buffer][] = [['what it printed', Buffer.from(printed.join('\n'))]];
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    // A pipe has no contents to be read; what goes through it is seen at its end. A file may go while it is looked for.
    if (entry.isFile()) places.push([entry.name, await readFile(join(entry.parentPath, entry.name)).catch(() => Buffer.alloc(0))]);
  }
  return places.flatMap(([place, bytes]) =>
    texts.flatMap((text) => (formsOf(text).some((form) => bytes.includes(form)) ? [`${place}: ${text}`] : [])),
  );
}
