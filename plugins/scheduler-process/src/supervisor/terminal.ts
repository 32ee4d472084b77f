/**
 * A terminal for an exec'd command. Node has none to give; `script` of util-linux, which every Debian, Fedora and Arch system has, runs a
 * command on one and passes its exit code on.
 */
import { execFile } from 'node:child_process';
import { existsSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { readProcessTable } from './process-table.ts';
import { Refusal, systemCode } from './refusal.ts';

const PLACES = ['/usr/bin/script', '/bin/script'];
/** Holds the task's own $SHELL meanwhile. */
const OWN_SHELL = 'GOFER_TASK_SHELL';
/** The terminal exists only once `script` has forked: how long a size waits for it. */
const TERMINAL_WAIT_MS = 20;
const TERMINAL_WAITS = 250;

/** The command and environment that run `argv` on a terminal. */
export function onTerminal(
  argv: readonly string[],
  env: Readonly<Record<string, string>>,
): { argv: string[]; env: Record<string, string> } {
  const script = process.platform === 'linux' ? PLACES.find((place) => existsSync(place)) : undefined;
  if (script === undefined)
    throw new Refusal('UNSUPPORTED', 'the process engine needs script(1) of util-linux for a terminal: ask for exec without tty');
  // script runs its command by $SHELL; the command itself must find the variable as the task has it, and nobody its value in the arguments.
  const own = env['SHELL'];
  const shell = own === undefined ? 'unset SHELL' : `SHELL=$${OWN_SHELL}; unset ${OWN_SHELL}`;
  const command = `${shell}; exec ${argv.map(quote).join(' ')}`;
  return {
    argv: [script, '--quiet', '--return', '--flush', '--command', command, '/dev/null'],
    env: { ...env, SHELL: '/bin/sh', ...(own === undefined ? {} : { [OWN_SHELL]: own }) },
  };
}

/** A word of a POSIX shell that stands for exactly this text. */
function quote(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Sets the size of the terminal that the process `script` with this id has made; `isOver` says that there is no use in waiting for it. */
export async function resizeTerminal(scriptPid: number, columns: number, rows: number, isOver: () => boolean): Promise<void> {
  for (let wait = 0; wait < TERMINAL_WAITS && !isOver(); wait++) {
    const terminal = terminalOf(scriptPid);
    if (terminal !== undefined) {
      const size = ['-F', terminal, 'cols', String(Math.trunc(columns)), 'rows', String(Math.trunc(rows))];
      // A terminal that closes meanwhile needs no size.
      await new Promise<void>((resolve) => execFile('stty', size, { env: { PATH: '/usr/bin:/bin' } }, () => resolve()));
      return;
    }
    await delay(TERMINAL_WAIT_MS);
  }
}

/** Kills what runs on that terminal, which is in a session of its own. */
export function killOnTerminal(scriptPid: number): void {
  const table = readProcessTable();
  const sessions = new Set(table.filter(({ parent }) => parent === scriptPid).map(({ session }) => session));
  for (const { pid, session } of table) {
    if (!sessions.has(session)) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if (systemCode(error) !== 'ESRCH' && systemCode(error) !== 'EPERM') throw error;
    }
  }
}

function terminalOf(scriptPid: number): string | undefined {
  for (const { pid, parent, session } of readProcessTable()) {
    if (parent !== scriptPid || session !== pid) continue;
    try {
      const terminal = readlinkSync(`/proc/${pid}/fd/0`);
      if (terminal.startsWith('/dev/')) return terminal;
    } catch {
      // It has ended meanwhile.
    }
  }
  return undefined;
}
