/**
 * A server's state from a backup. Everything is verified before anything is touched; the database comes to its place last, so that what
 * was interrupted is no server's state. Bodies and values are put into the configured stores through their contracts, whichever they
 * are: one that is there already is the same, since what is under a key never changes.
 */
import { randomUUID } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf, GoferError } from '@gofer/contracts';
import type { LoadedStores } from '../boot/load-stores.ts';
import { changeInstance, distrustStarts } from '../storage/change-instance.ts';
import { lockDatabase } from '../storage/database.ts';
import { makePrivateDirectory } from '../storage/private-directory.ts';
import { openForReading } from '../storage/snapshot.ts';
import { BackupCipher } from './backup-cipher.ts';
import { type BackupManifest, DATABASE, readVerified, syncDirectory } from './backup-format.ts';
import { backupKey, type OperationOptions, openStores } from './operation-parts.ts';

export interface RestoreOptions extends OperationOptions {
  /** As `--key-file` gives it. */
  readonly key: string | undefined;
  /** Moves aside the database and the logs that are there. */
  readonly force: boolean;
  /** The restored server is another one than the one of the backup, which may go on. */
  readonly newInstance: boolean;
}

export interface RestoreReport {
  readonly manifest: BackupManifest;
  readonly instance_id: string;
  /** Where what was there is now. */
  readonly moved: readonly string[];
  /** Runs that had not ended and, with `newInstance`, have failed. */
  readonly ended_runs: number;
}

/** Rejects with `LOCKED` while a server runs, with `FAILED_PRECONDITION` where something is there, and as `readVerified` does. */
export async function restore(options: RestoreOptions, directory: string): Promise<RestoreReport> {
  const { config } = options.loaded;
  const manifest = await readVerified(directory);
  openForReading(join(directory, DATABASE)).close();
  const cipher = new BackupCipher(backupKey(options, options.key), manifest.secrets.salt);
  cipher.assertOpens(manifest.secrets.check);
  const [database, logs] = [config.server.storage_path, config.api.task_execution_logs_dir];
  makePrivateDirectory(dirname(database));
  const lock = lockDatabase(database);
  try {
    const moved = await clear(database, logs, options.force);
    const instanceId = options.newInstance ? randomUUID() : manifest.instance_id;
    const toKey = (key: string): string => key.replace(`${manifest.instance_id}/`, `${instanceId}/`);
    const stores = await openStores(options, instanceId);
    try {
      for (const { path } of manifest.files) await restoreFile({ directory, path, logs, stores, cipher, toKey });
    } finally {
      await stores.close();
    }
    const arriving = `${database}.restoring`;
    await copyOwned(join(directory, DATABASE), arriving);
    distrustStarts(arriving);
    const ended = options.newInstance ? changeInstance(arriving, instanceId, Date.now()) : 0;
    await rename(arriving, database);
    await syncDirectory(dirname(database));
    return { manifest, instance_id: instanceId, moved, ended_runs: ended };
  } finally {
    lock.close();
  }
}

interface FileRestore {
  readonly directory: string;
  readonly path: string;
  readonly logs: string;
  readonly stores: LoadedStores;
  readonly cipher: BackupCipher;
  readonly toKey: (key: string) => string;
}

async function restoreFile({ directory, path, logs, stores, cipher, toKey }: FileRestore): Promise<void> {
  const from = join(directory, path);
  const [kind = '', ...rest] = path.split('/');
  const key = rest.join('/');
  if (kind === 'objects') await unlessThere(() => stores.objects.put(toKey(key), new AbortController().signal, createReadStream(from)));
  if (kind === 'secrets') {
    const value = cipher.open(key, await readFile(from));
    await unlessThere(() => stores.secrets.put(toKey(key), value));
  }
  if (kind === 'logs') {
    await mkdir(dirname(join(logs, key)), { recursive: true, mode: 0o700 });
    await copyOwned(from, join(logs, key));
  }
}

/** Through to the disk, and for the server to write to, whatever the medium of the backup made of its files. */
async function copyOwned(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  await chmod(to, 0o600);
  const file = await open(to, 'r+');
  await file.sync();
  await file.close();
}

async function unlessThere(put: () => Promise<unknown>): Promise<void> {
  try {
    await put();
  } catch (error) {
    if (codeOf(error) !== 'ALREADY_EXISTS') throw error;
  }
}

/** The database and the logs make room; the stores need none, as their keys are those of the backup. */
async function clear(database: string, logs: string, force: boolean): Promise<string[]> {
  const there = [database, ...((await isFilled(logs)) ? [logs] : [])].filter((path) => existsSync(path));
  const [first] = there;
  if (first === undefined) return [];
  if (!force)
    throw new GoferError(
      'FAILED_PRECONDITION',
      `There is something at ${first} already. Name another place, or move it aside with --force.`,
    );
  const suffix = `.before-restore-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`;
  for (const path of there) await rename(path, `${path}${suffix}`);
  for (const part of ['-wal', '-shm']) {
    if (!existsSync(`${database}${part}`)) continue;
    if (existsSync(`${database}${suffix}`)) await rename(`${database}${part}`, `${database}${suffix}${part}`);
    else await rm(`${database}${part}`);
  }
  return there.map((path) => `${path}${suffix}`);
}

async function isFilled(directory: string): Promise<boolean> {
  return existsSync(directory) && (await readdir(directory)).length > 0;
}
