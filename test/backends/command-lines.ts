/** What everyone on this machine can read of its processes. */
import { readdir, readFile } from 'node:fs/promises';

/** The command lines of all processes, their words separated by spaces. */
export async function commandLines(): Promise<readonly string[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  // What has ended meanwhile has none.
  const lines = await Promise.all(names.map((name) => readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line !== '').map((line) => line.replaceAll('\0', ' ').trim());
}
