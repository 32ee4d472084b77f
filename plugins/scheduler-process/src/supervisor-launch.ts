/** Starts the supervisor process of a data directory: detached, in a session of its own, with nothing of this process's environment. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { GoferError } from '@gofer/contracts';
import { LOCKED_EXIT_CODE, type SupervisorArguments } from './protocol.ts';
import { supervisorCommand } from './supervisor-command.ts';

const START_TIMEOUT_MS = 15_000;
/** Above this size its log begins anew with the next supervisor. */
const MAX_LOG_BYTES = 1024 * 1024;
/** How much of what it wrote is quoted when it does not start. */
const QUOTED_CHARACTERS = 1000;
/** What Node or its libraries may need to start, where it is set. */
const PASSED_VARIABLES = ['PATH', 'LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH', 'NIX_LD', 'NIX_LD_LIBRARY_PATH', 'TZ'];

/** Resolves `ready` when it listens, `locked` when another one owns the data directory; rejects with `UNAVAILABLE`. */
export async function launchSupervisor(options: SupervisorArguments): Promise<'ready' | 'locked'> {
  const command = supervisorCommand();
  const logPath = join(options.dataDirectory, 'supervisor.log');
  const size = statSync(logPath, { throwIfNoEntry: false })?.size ?? 0;
  const log = openSync(logPath, size > MAX_LOG_BYTES ? 'w' : 'a', 0o600);
  const env: Record<string, string> = {};
  for (const name of PASSED_VARIABLES) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  try {
    const child = spawn(command.file, [...command.args, JSON.stringify(options)], {
      cwd: '/',
      env,
      detached: true,
      stdio: ['ignore', 'pipe', log],
    });
    child.unref();
    const { stdout } = child;
    if (stdout === null) throw new Error('a child with a pipe for its output has none');
    return await new Promise((resolve, reject) => {
      const unavailable = (what: string): GoferError =>
        new GoferError(
          'UNAVAILABLE',
          `the process supervisor did not start: ${what} (${logPath}): ${readFileSync(logPath, 'utf8').slice(-QUOTED_CHARACTERS).trim()}`,
        );
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        reject(unavailable(`it was not ready after ${START_TIMEOUT_MS} ms`));
      }, START_TIMEOUT_MS);
      child.once('error', (cause) => {
        clearTimeout(timer);
        reject(new GoferError('UNAVAILABLE', `the process supervisor could not be started: ${cause.message}`, { cause }));
      });
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        if (code === LOCKED_EXIT_CODE) resolve('locked');
        else reject(unavailable(`it ended with ${signal ?? `exit code ${code}`}`));
      });
      stdout.once('data', () => {
        clearTimeout(timer);
        stdout.destroy();
        child.removeAllListeners('exit');
        resolve('ready');
      });
    });
  } finally {
    closeSync(log);
  }
}
