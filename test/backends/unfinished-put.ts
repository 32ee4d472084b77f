/** What a crash leaves of a `put`: a process of its own that is killed when the store has taken part of a body. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROCESS = fileURLToPath(new URL('./unfinished-put-process.ts', import.meta.url));

/** Leaves `INSTANCE/whole` of 1000 bytes kept and `INSTANCE/unfinished` unfinished, of which so many MiB were put. */
export async function leaveUnfinishedPut(module: string, config: unknown, instanceId: string, mebibytes: number): Promise<void> {
  const child = spawn(process.execPath, [PROCESS, module, JSON.stringify(config), instanceId, `${mebibytes}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const taken = once(child.stdout, 'data').then(() => undefined);
  const early = exited.then(([code]) => `the process ended with ${String(code)} before it was killed`);
  const failure = await Promise.race([taken, early]);
  child.kill('SIGKILL');
  await exited;
  if (failure !== undefined) throw new Error(failure);
}
