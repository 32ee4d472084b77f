/**
 * What a journal says about the attempts that an earlier supervisor knew, and the end of those it left running: a task is never left
 * without somebody who watches it.
 */
import { readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { TaskExit } from '@gofer/contracts';
import type { JournalRecord } from './journal.ts';
import { bootTime, wasRestartedSince } from './power-failure.ts';
import { isSameProcess, readProcessTable, workingDirectoryOf } from './process-table.ts';
import { systemCode } from './refusal.ts';
import { removeWorkingDirectory } from './working-directory.ts';

export interface RecoveredAttempt {
  readonly attempt: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly sensitive: boolean;
  readonly startedAt: number;
  readonly exit: TaskExit;
  readonly wasRead: boolean;
}

interface Known {
  readonly labels: Readonly<Record<string, string>>;
  readonly sensitive: boolean;
  run?: Extract<JournalRecord, { step: 'run' }>;
  exit?: TaskExit;
  wasRead: boolean;
}

/** Killing takes as many rounds as new processes appear meanwhile; each sees fewer. */
const MAX_ROUNDS = 10;

/** What was found. */
export interface Recovery {
  readonly attempts: readonly RecoveredAttempt[];
  /** See power-failure.ts. */
  readonly unsureBefore: number;
}

export function recover(records: readonly JournalRecord[], directory: string): Recovery {
  const known = new Map<string, Known>();
  let opened: Extract<JournalRecord, { step: 'open' }> | undefined;
  let closed: string | undefined;
  for (const record of records) {
    if (record.step === 'open') {
      opened = record;
      closed = undefined;
    } else if (record.step === 'close') closed = record.reason;
    else if (record.step === 'start') {
      known.set(record.attempt, { labels: record.labels, sensitive: record.sensitive === true, wasRead: false });
    } else if (record.step === 'remove') known.delete(record.attempt);
    else {
      const entry = known.get(record.attempt);
      if (entry === undefined) continue;
      if (record.step === 'run') entry.run = record;
      else if (record.step === 'exit') entry.exit = record.exit;
      else entry.wasRead = true;
    }
  }
  const restarted = opened !== undefined && wasRestartedSince(opened);
  const cause = restarted ? 'the machine was restarted' : closed || `process ${opened?.pid ?? 0} ended without saying why`;
  const unsureBefore = restarted && closed === undefined ? bootTime() : (opened?.unsureBefore ?? 0);
  const left = [...known].filter(([, entry]) => entry.exit === undefined);
  if (left.length > 0 && !restarted) killLeft(new Map(left), directory);
  removeUnknown(known, directory);
  const endedAt = Date.now();
  const attempts = [...known].map(([attempt, { labels, sensitive, run, exit, wasRead }]) => ({
    attempt,
    labels,
    sensitive,
    startedAt: run?.startedAt ?? endedAt,
    exit: exit ?? {
      kind: 'lost',
      reason: `the process supervisor died (${cause})`,
      endedAt,
    },
    wasRead,
  }));
  return { attempts, unsureBefore };
}

/** Ends every process of these attempts: those of the recorded sessions, and those that work in an attempt's directory. */
function killLeft(left: ReadonlyMap<string, Known>, directory: string): void {
  const sessions = new Map([...left.values()].flatMap(({ run }) => (run === undefined ? [] : [[run.pid, run] as const])));
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const table = readProcessTable();
    if (round === 0) {
      // A session's id is not given to another process while the session has members. If its first process is another one, it has none.
      for (const row of table) {
        const run = sessions.get(row.pid);
        if (run !== undefined && !isSameProcess(row, run.birth, run.startedAt)) sessions.delete(row.pid);
      }
    }
    const strays = table.filter(({ pid, session }) => {
      if (pid === process.pid) return false;
      if (sessions.has(session)) return true;
      const cwd = workingDirectoryOf(pid);
      return cwd !== undefined && dirname(cwd) === directory && left.has(basename(cwd));
    });
    const killed = strays.filter(({ pid }) => kill(pid));
    if (killed.length === 0) return;
  }
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch (error) {
    if (systemCode(error) === 'ESRCH' || systemCode(error) === 'EPERM') return false;
    throw error;
  }
}

/** Directories that no attempt owns: their removal was interrupted. */
function removeUnknown(known: ReadonlyMap<string, unknown>, directory: string): void {
  for (const name of readdirSync(directory)) {
    if (known.has(name)) continue;
    removeWorkingDirectory(`${directory}/${name}`).catch((error: unknown) =>
      process.stderr.write(`${directory}/${name}: ${String(error)}\n`),
    );
  }
}
