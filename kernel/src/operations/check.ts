/**
 * Whether what a stopped server keeps is whole: the database, and whether it and the logs and the stores agree. What is missing or damaged
 * is never taken out of the database, since a disk that is not mounted looks the same; only what nothing points to is removed, and only
 * where that is asked for.
 */
import { existsSync } from 'node:fs';
import { codeOf, GoferError } from '@gofer/contracts';
import type { LogSummary } from '@gofer/contracts/api';
import type { LoadedStores } from '../boot/load-stores.ts';
import { lockDatabase } from '../storage/database.ts';
import { checkDatabase } from '../storage/integrity.ts';
import { Snapshot } from '../storage/snapshot.ts';
import { logPaths } from '../workers/logs/log-files.ts';
import { listSegments } from '../workers/logs/log-segments.ts';
import { readSeal } from '../workers/logs/read-seal.ts';
import { verifyLog } from '../workers/logs/verify-log.ts';
import { type OperationOptions, openStores } from './operation-parts.ts';

export interface CheckFinding {
  readonly part: 'database' | 'logs' | 'objects' | 'secrets';
  /** A uid, or a key in a store. */
  readonly subject: string;
  readonly problem: string;
  /** What was done about it; absent where nothing was. */
  readonly repaired?: string;
}

/** Rejects with `LOCKED` while a server runs, and with what keeps the database or a store from being opened. */
export async function checkServer(options: OperationOptions, repair: boolean): Promise<CheckFinding[]> {
  const { server, api } = options.loaded.config;
  if (!existsSync(server.storage_path)) throw new GoferError('NOT_FOUND', `There is no database at "${server.storage_path}".`);
  const lock = lockDatabase(server.storage_path);
  try {
    const findings = checkDatabase(server.storage_path, repair);
    if (findings.some(({ subject }) => subject === 'the file')) return findings;
    const snapshot = new Snapshot(server.storage_path);
    const stores = await openStores(options);
    try {
      return [
        ...findings,
        ...(await checkLogs(snapshot, api.task_execution_logs_dir)),
        ...(await checkObjects(snapshot, stores, repair)),
        ...(await checkSecrets(snapshot, stores, repair)),
      ];
    } finally {
      await stores.close();
      snapshot.close();
    }
  } finally {
    lock.close();
  }
}

async function checkLogs(snapshot: Snapshot, directory: string): Promise<CheckFinding[]> {
  const findings: CheckFinding[] = [];
  for (const { uid, seal, isFinished, isCut } of snapshot.logs()) {
    if (!isFinished) continue;
    const found = isCut ? await segmentProblems(directory, uid) : [{ subject: uid, problem: await logProblem(directory, uid, seal) }];
    for (const { subject, problem } of found) if (problem !== undefined) findings.push({ part: 'logs', subject, problem });
  }
  return findings;
}

/** Of a log that is known to itself alone: how many of its segments there were, only those that are left can tell. */
async function segmentProblems(directory: string, uid: string): Promise<{ subject: string; problem: string | undefined }[]> {
  const found: { subject: string; problem: string | undefined }[] = [];
  let next: number | undefined;
  for (const { id, first } of listSegments(directory, uid, 'either')) {
    if (next !== undefined && next !== first)
      found.push({ subject: id, problem: `lines ${next} to ${first - 1} of the log, before it, are missing` });
    const seal = readSeal(logPaths(directory, id));
    found.push({ subject: id, problem: await logProblem(directory, id, undefined) });
    next = typeof seal === 'object' ? first + seal.lines : undefined;
  }
  return found;
}

/** What is wrong with a sealed log; undefined where nothing is. `seal`: as the database has it, where that has one. */
async function logProblem(directory: string, uid: string, seal: LogSummary | undefined): Promise<string | undefined> {
  try {
    const { state, seal: kept, damages } = await verifyLog(logPaths(directory, uid), undefined);
    if (state === 'damaged') return damages.map(({ message }) => message).join('; ');
    if (seal === undefined) return undefined;
    // An attempt whose log was never read has a seal without a hash.
    if (kept === undefined) return seal.sha256 === '' ? undefined : 'its index has no seal';
    return kept.sha256 === seal.sha256 && kept.lines === seal.lines ? undefined : 'its index has another seal than the database';
  } catch (error) {
    if (codeOf(error) !== 'NOT_FOUND') throw error;
    return seal === undefined || seal.sha256 === '' ? undefined : 'it is missing';
  }
}

async function checkObjects(snapshot: Snapshot, { objects }: LoadedStores, repair: boolean): Promise<CheckFinding[]> {
  const findings: CheckFinding[] = [];
  const bodies = snapshot.objects();
  for (const [body, size] of bodies) {
    const problem = await problemOf(async () => {
      const found = await objects.stat(body);
      return found.size === size ? undefined : `its body has ${found.size} bytes where the database says ${size}`;
    });
    if (problem !== undefined) findings.push({ part: 'objects', subject: body, problem });
  }
  const known = new Set([...bodies.keys(), ...snapshot.loose('objects')]);
  const loose: string[] = [];
  for await (const { key } of objects.list(`${snapshot.instanceId}/`, new AbortController().signal)) if (!known.has(key)) loose.push(key);
  return [...findings, ...(await removeLoose('objects', loose, (key) => objects.delete(key), repair))];
}

async function checkSecrets(snapshot: Snapshot, { secrets }: LoadedStores, repair: boolean): Promise<CheckFinding[]> {
  const findings: CheckFinding[] = [];
  const values = snapshot.secrets();
  for (const value of values) {
    const problem = await problemOf(async () => void (await secrets.get(value)));
    if (problem !== undefined) findings.push({ part: 'secrets', subject: value, problem });
  }
  const known = new Set([...values, ...snapshot.loose('secrets')]);
  const loose: string[] = [];
  for await (const key of secrets.list(`${snapshot.instanceId}/`, new AbortController().signal)) if (!known.has(key)) loose.push(key);
  return [...findings, ...(await removeLoose('secrets', loose, (key) => secrets.delete(key), repair))];
}

/** Missing and damaged are findings; a store that cannot be asked is a failure of the check. */
async function problemOf(look: () => Promise<string | undefined | void>): Promise<string | undefined> {
  try {
    return (await look()) ?? undefined;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'NOT_FOUND') return 'it is missing from the store';
    if (code === 'DATA_LOSS') return 'it is damaged, or cannot be decrypted with the configured keys';
    throw error;
  }
}

async function removeLoose(
  part: 'objects' | 'secrets',
  keys: readonly string[],
  remove: (key: string) => Promise<void>,
  repair: boolean,
): Promise<CheckFinding[]> {
  if (repair) for (const key of keys) await remove(key);
  return keys.map((subject) => ({ part, subject, problem: 'nothing points to it', ...(repair ? { repaired: 'removed' } : {}) }));
}
