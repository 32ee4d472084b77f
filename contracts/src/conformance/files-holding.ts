/** Where bytes were left behind, for the laws of what must not be written. */
import { evidenceOfFiles } from './traces.ts';

/** The regular files below a directory that hold these bytes, by name or by content. One that goes away meanwhile holds nothing. */
export async function filesHolding(directory: string, bytes: Uint8Array): Promise<readonly string[]> {
  const wanted = Buffer.from(bytes);
  return (await evidenceOfFiles(directory)).filter((each) => Buffer.from(each.bytes).includes(wanted)).map(({ where }) => where);
}
