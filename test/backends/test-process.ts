/** Processes that tests start and end: by their own id, never by name. */

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

export interface TestProcess {
  readonly child: ChildProcess;
  readonly logFile: string;
}

/** Its output goes to `logFile`. */
export function startProcess(command: string, args: readonly string[], logFile: string, cwd: string): TestProcess {
  const log = openSync(logFile, 'a');
  try {
    return { child: spawn(command, args, { cwd, stdio: ['ignore', log, log] }), logFile };
  } finally {
    closeSync(log);
  }
}

/** Resolves when `ready` does; rejects with the end of its log when the process ends first or the time is up. */
export async function untilReady(process: TestProcess, ready: () => Promise<unknown>, limitMs = 60_000): Promise<void> {
  const end = Date.now() + limitMs;
  for (;;) {
    try {
      await ready();
      return;
    } catch (error) {
      const ended = process.child.exitCode ?? process.child.signalCode;
      if (ended === null && Date.now() < end) {
        await delay(50);
        continue;
      }
      const log = await readFile(process.logFile, 'utf8');
      throw new Error(`${process.child.spawnfile} ${ended === null ? 'did not become ready' : `ended (${ended})`}:\n${log.slice(-4000)}`, {
        cause: error,
      });
    }
  }
}

/** Ends it with this signal, by force after the limit; resolves when it has ended. */
export async function endProcess({ child }: TestProcess, signal: NodeJS.Signals, limitMs = 30_000): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  await ended;
  clearTimeout(timer);
}
