/** The processes of this machine: to find what a dead supervisor left running without ever taking a stranger for it. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** Linux only; elsewhere the group. */
  readonly session: number;
  /** When it was born: tells it from a later process with the same id (Linux: clock ticks since boot; elsewhere the time in words). */
  readonly birth: string;
}

/** The birth of a process that was just started; empty where asking is too dear for every task (see `isSameProcess`). */
export function birthOf(pid: number): string {
  return process.platform === 'linux' ? (readRow(pid)?.birth ?? '') : '';
}

/** Whether a row is the process that was recorded; without a recorded birth it must have been born when the record was made. */
export function isSameProcess(row: ProcessRow, birth: string, startedAt: number): boolean {
  return birth === '' ? Math.abs(Date.parse(row.birth) - startedAt) <= 2000 : row.birth === birth;
}

export function readProcessTable(): ProcessRow[] {
  if (process.platform !== 'linux') return readByCommand();
  const rows: ProcessRow[] = [];
  for (const name of readdirSync('/proc')) {
    const row = /^\d+$/.test(name) ? readRow(Number(name)) : undefined;
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

/** The working directory of a process, where the system tells (Linux, and only for processes of this user). */
export function workingDirectoryOf(pid: number): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    // It has ended meanwhile, or belongs to someone else.
    return undefined;
  }
}

function readRow(pid: number): ProcessRow | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
  // The second field, the name, may hold anything, spaces and parentheses too (proc_pid_stat(5)).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    pid,
    parent: Number(fields[1]),
    group: Number(fields[2]),
    session: Number(fields[3]),
    birth: fields[19] ?? '',
  };
}

function readByCommand(): ProcessRow[] {
  const rows: ProcessRow[] = [];
  for (const line of execFileSync('ps', ['-A', '-o', 'pid=,ppid=,pgid=,lstart='], {
    encoding: 'utf8',
  }).split('\n')) {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.+)$/.exec(line);
    if (match === null) continue;
    const group = Number(match[3]);
    rows.push({
      pid: Number(match[1]),
      parent: Number(match[2]),
      group,
      session: group,
      birth: (match[4] ?? '').trim(),
    });
  }
  return rows;
}
