import { statSync } from 'node:fs';
import type { CliSettings } from '../cli-settings.ts';
import type { GoferContext } from '../gofer-context.ts';
import type { ChangedFile } from './change-config-file.ts';

/** The file that the token in use comes from; undefined where it comes from elsewhere. */
function tokenFileOf({ source, tokenSource }: CliSettings): string | undefined {
  return source !== undefined && tokenSource?.startsWith(`${source}:`) === true ? source : undefined;
}

/** Tells people, not programs: a token that others can read is theirs, too. */
export function warnOfReadableToken({ stderr, errorColours }: GoferContext, settings: CliSettings): void {
  const file = tokenFileOf(settings);
  if (file === undefined || settings.outputFormat !== 'plain') return;
  const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & 0o044) === 0) return;
  const text = `! others on this machine can read your token in ${file}: chmod 600 ${file}`;
  stderr.write(`${errorColours.yellow(text)}\n`);
}

/** A variable's token counts before that of the file. */
export function isEnvironment(settings: CliSettings): boolean {
  const { tokenSource } = settings;
  return tokenSource !== undefined && !tokenSource.startsWith('--') && tokenFileOf(settings) === undefined;
}

export function describeChange({ path, narrowed }: ChangedFile): string {
  return narrowed === undefined
    ? path
    : `${path}, which others could read or change (mode ${narrowed.toString(8)}): now it is yours alone (600)`;
}
