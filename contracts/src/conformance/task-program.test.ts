import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { TaskProgram } from './task-program.ts';
import { exit, print, shellProgram, sleepLong, utf8 } from './task-program.ts';

interface Outcome {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly code: number | null;
}

/** Runs the program with the real `/bin/sh`; sends SIGTERM once `ready\n` was printed. */
async function run(program: TaskProgram, input?: string): Promise<Outcome> {
  const { entrypoint = [], command } = shellProgram(program);
  const [file = '', ...args] = [...entrypoint, ...command];
  const child = spawn(file, args, { env: { A: 'b c' }, stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
  const parts = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  child.stdout?.on('data', (bytes: Buffer) => {
    parts.stdout.push(bytes);
    if (Buffer.concat(parts.stdout).toString() === 'ready\n') child.kill('SIGTERM');
  });
  child.stderr?.on('data', (bytes: Buffer) => parts.stderr.push(bytes));
  child.stdin?.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  return { stdout: Buffer.concat(parts.stdout), stderr: Buffer.concat(parts.stderr), code };
}

describe('shellProgram', () => {
  it('prints every byte as it is, to each stream, and exits with the code', async () => {
    const every = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const outcome = await run([{ do: 'print', stream: 'stdout', bytes: every }, print('%s \\n', 'stderr'), exit(9)]);
    expect(new Uint8Array(outcome.stdout)).toEqual(every);
    expect(outcome.stderr.toString()).toBe('%s \\n');
    expect(outcome.code).toBe(9);
  });

  it('prints lines, fills, and shows its environment', async () => {
    const outcome = await run([{ do: 'lines', stream: 'stdout', count: 3 }, { do: 'fill', bytes: 5 }, print('\n'), { do: 'environment' }]);
    expect(outcome.stdout.toString()).toMatch(/^line 1\nline 2\nline 3\nxxxxx\n[\s\S]*A=b c\n/);
    expect(outcome.code).toBe(0);
  });

  it('copies its input', async () => {
    expect((await run([{ do: 'echo' }], 'in\nput')).stdout.toString()).toBe('in\nput');
  });

  it('answers SIGTERM while it sleeps', async () => {
    const outcome = await run([{ do: 'on-term', bytes: utf8("it's over\n"), exitCode: 7 }, print('ready\n'), sleepLong]);
    expect(outcome.stdout.toString()).toBe("ready\nit's over\n");
    expect(outcome.code).toBe(7);
  });

  it('ignores SIGTERM when told to', async () => {
    const outcome = await run([{ do: 'ignore-term' }, print('ready\n'), { do: 'sleep', seconds: 1 }, exit(3)]);
    expect(outcome.code).toBe(3);
  });
});
