import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Outcome } from './run-in-process.ts';

/** The launcher that `npx gofer` runs. */
export const LAUNCHER = fileURLToPath(new URL('../../bin/gofer.mjs', import.meta.url));

export interface LaunchOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory?: string;
  readonly launcher?: string;
}

/** A real process of the command; the caller waits for its end. */
export function launch(
  argv: readonly string[],
  { env, workingDirectory, launcher = LAUNCHER }: LaunchOptions = {},
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [launcher, ...argv], {
    cwd: workingDirectory,
    env: { PATH: process.env.PATH, HOME: workingDirectory ?? '/nonexistent', ...env },
  });
}

/** As `launch`, to its end. */
export function launchToEnd(argv: readonly string[], options: LaunchOptions = {}): Promise<Outcome> {
  return untilEnd(launch(argv, options));
}

/** Everything that a process wrote, once it has ended. */
export async function untilEnd(child: ChildProcessWithoutNullStreams): Promise<Outcome> {
  child.stdin.end();
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const code = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (exit) => resolve(exit ?? -1));
  });
  return { code, stdout: Buffer.concat(stdout).toString('utf8'), stderr: Buffer.concat(stderr).toString('utf8') };
}
