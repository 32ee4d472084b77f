import type { GoferContext } from '../gofer-context.ts';
import { openLocalFile } from './local-file.ts';

/** Everything that a source gives, byte for byte; undefined where that is more than `limit` bytes. */
export async function readAtMost(source: AsyncIterable<Uint8Array>, limit: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size > limit) return undefined;
  }
  return Buffer.concat(chunks);
}

/** As `readAtMost`, of standard input. */
export function readStdin({ stdin }: Pick<GoferContext, 'stdin'>, limit: number): Promise<Buffer | undefined> {
  return readAtMost(stdin as AsyncIterable<Uint8Array>, limit);
}

/** As `readAtMost`, of a file. Rejects with `NOT_FOUND` or `INVALID_ARGUMENT`. */
export async function readFileAtMost(context: GoferContext, name: string, limit: number): Promise<Buffer | undefined> {
  const { handle } = await openLocalFile(context, name);
  try {
    return await readAtMost(handle.createReadStream({ autoClose: false }), limit);
  } finally {
    await handle.close();
  }
}

/** Undefined where the bytes are not UTF-8. A byte order mark stays: the text has the same bytes. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
