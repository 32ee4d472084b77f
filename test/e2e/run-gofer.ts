/** The `gofer` command as a person runs it, to its end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { GOFER } from './gofer-server.ts';

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export async function runGofer(url: string, argv: readonly string[], workingDirectory: string): Promise<Outcome> {
  const env = { PATH: process.env['PATH'], HOME: workingDirectory, GOFER_API_BASE_URL: url };
  const child = spawn(process.execPath, [GOFER, ...argv], { cwd: workingDirectory, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}
