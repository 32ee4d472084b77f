/** Where bytes were left behind, for the laws of what must not be written. */
import { evidenceOfFiles } from './traces.ts';

/** The regular files below a directory that hold these bytes, by name or by content. One that goes away meanwhile holds nothing. */
export async function filesHolding(directory: string, wanted: Uint8Array): Promise<readonly string[]> {
  const evidence = await evidenceOfFiles(directory);
  return evidence
    .filter(({ bytes }) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(wanted))
    .map(({ where }) => where);
}
