/** The baseline of the `process` engine: the same program started by `spawn` and waited for, with its output read. */
import { spawn } from 'node:child_process';

export function bareProcess(command: readonly string[]): Promise<void> {
  const [file = '', ...rest] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.resume();
    child.stderr.resume();
    child.on('error', reject);
    child.on('close', () => resolve());
  });
}
