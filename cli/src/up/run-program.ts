import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { GoferError } from '@gofer/contracts';
import { writeFully } from '../output/write-fully.ts';
import type { RunnableProgram } from './pipeline-program.ts';

export interface RunProgramOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where the program's stderr goes as it is written; undefined: nowhere, but into the error. */
  readonly stderr: Writable | undefined;
}

/** Of a program's last words so many bytes are kept for the error. */
const KEPT_BYTES = 16_384;

/**
 * Runs a program to its end and resolves with everything that it printed on stdout. Both outputs are read as they come, so that it
 * never waits for us. Rejects with `INVALID_ARGUMENT` where it cannot be started or fails, with its words where nobody saw them.
 */
export async function runProgram(program: RunnableProgram, { environment, stderr }: RunProgramOptions): Promise<string> {
  const child = spawn(program.command, program.arguments, {
    cwd: program.directory,
    env: { ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  const kept: Buffer[] = [];
  let keptBytes = 0;
  const readErrors = async () => {
    for await (const chunk of child.stderr as AsyncIterable<Buffer>) {
      if (stderr !== undefined) await writeFully(stderr, chunk);
      kept.push(chunk);
      keptBytes += chunk.byteLength;
      while (kept.length > 1 && keptBytes - (kept[0]?.byteLength ?? 0) >= KEPT_BYTES) keptBytes -= kept.shift()?.byteLength ?? 0;
    }
  };
  const readOutput = async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of child.stdout as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks).toString('utf8');
  };
  const [output, result] = await Promise.all([readOutput(), ended, readErrors()]).catch((error: unknown) => {
    throw toStartError(error, program);
  });
  if (result.code === 0) return output;
  const how = result.code === null ? `was ended by ${result.signal}` : `ended with exit code ${result.code}`;
  const said = stderr === undefined ? Buffer.concat(kept).toString('utf8').slice(-KEPT_BYTES).trim() : '';
  const rerun = `(cd ${program.directory} && ${program.typed})`;
  throw new GoferError(
    'INVALID_ARGUMENT',
    `the pipeline program ${how}; nothing was registered${said === '' ? '' : `:\n${said}`}\n  To see it alone: ${rerun}`,
  );
}

function toStartError(error: unknown, { command, tool }: RunnableProgram): GoferError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  if (code === 'ENOENT')
    return new GoferError(
      'INVALID_ARGUMENT',
      `this pipeline needs ${tool}, and there is no "${command}" on the PATH: install it, or upload the JSON that the program prints`,
      { cause: error },
    );
  return new GoferError('INVALID_ARGUMENT', `"${command}" cannot be started (${code})`, { cause: error });
}
