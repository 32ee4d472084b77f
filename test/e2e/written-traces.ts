/** Whether a server has written something somewhere: in its files, as they are now, or in what it printed. */
import { evidenceOfFiles, findTrace } from '@gofer/contracts/conformance';

/** Where any of `texts` stands, in whatever form: `file (form): text`. */
export async function tracesOf(texts: readonly string[], directory: string, printed: readonly string[]): Promise<readonly string[]> {
  const evidence = [{ where: 'what it printed', bytes: Buffer.from(printed.join('\n')) }, ...(await evidenceOfFiles(directory))];
  return texts.flatMap((text) => {
    const trace = findTrace(Buffer.from(text), evidence);
    return trace === undefined ? [] : [`${trace}: ${text}`];
  });
}
