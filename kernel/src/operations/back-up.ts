/**
 * A backup that is consistent though the server goes on. The database is taken as one moment had it, then what it points to is copied:
 * bodies, values and sealed logs never change once they are there. What was deleted between the two is missing, so the next moment is
 * taken, and only what is new is copied, until one names nothing that was not copied. A log that is still written is copied with its
 * index first: the data behind what the index knows is cut when the log is opened, as after a crash.
 */
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, GoferError } from '@gofer/contracts';
import type { LoadedStores } from '../boot/load-stores.ts';
import { Snapshot, writeSnapshot } from '../storage/snapshot.ts';
import { logPaths } from '../workers/logs/log-files.ts';
import { listSegments } from '../workers/logs/log-segments.ts';
import { readSeal } from '../workers/logs/read-seal.ts';
import { BackupCipher } from './backup-cipher.ts';
import { type BackupFile, type BackupManifest, DATABASE, describeFile, writeBackupFile, writeManifest } from './backup-format.ts';
import { backupKey, type OperationOptions, openStores } from './operation-parts.ts';

/** Moments that are taken at most: what is missing from this many was not deleted meanwhile but is lost. */
const MOST_ROUNDS = 5;

/**
 * Resolves with the manifest. Rejects with `FAILED_PRECONDITION` where the directory holds something or cannot be made, and with what
 * keeps the stores from being read; then there is no manifest, and the directory is no backup.
 */
export async function backUp(options: OperationOptions, directory: string, key: string | undefined): Promise<BackupManifest> {
  const cipher = new BackupCipher(backupKey(options, key));
  if ((await contentsOf(directory)).length > 0)
    throw new GoferError('FAILED_PRECONDITION', `${directory} is not empty: name a directory that is empty or not there yet.`);
  const stores = await openStores(options);
  try {
    return await new Backup(options, directory, stores, cipher).make();
  } finally {
    await stores.close();
  }
}

/** Of a directory, which is made where there is none. */
async function contentsOf(directory: string): Promise<string[]> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return await readdir(directory);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new GoferError('FAILED_PRECONDITION', `${directory} cannot be used as a directory for a backup (${why}).`, { cause: error });
  }
}

class Backup {
  readonly #options: OperationOptions;
  readonly #directory: string;
  readonly #stores: LoadedStores;
  readonly #cipher: BackupCipher;
  /** By path: what never changes and is copied. */
  readonly #copied = new Map<string, BackupFile>();

  constructor(options: OperationOptions, directory: string, stores: LoadedStores, cipher: BackupCipher) {
    this.#options = options;
    this.#directory = directory;
    this.#stores = stores;
    this.#cipher = cipher;
  }

  async make(): Promise<BackupManifest> {
    const database = join(this.#directory, DATABASE);
    for (let round = 1; ; round += 1) {
      await rm(database, { force: true });
      const created = Date.now();
      writeSnapshot(this.#options.loaded.config.server.storage_path, database);
      const snapshot = new Snapshot(database);
      try {
        const { files, missing } = await this.#copyAll(snapshot);
        if (missing.length > 0 && round < MOST_ROUNDS) continue;
        await this.#dropOthers(files);
        const manifest: BackupManifest = {
          format: 1,
          created,
          gofer: this.#options.version,
          schema_version: snapshot.schemaVersion,
          instance_id: snapshot.instanceId,
          counts: snapshot.counts(),
          secrets: { salt: this.#cipher.salt, check: this.#cipher.check() },
          missing,
          files: [await describeFile(this.#directory, DATABASE), ...files],
        };
        await writeManifest(this.#directory, manifest);
        return manifest;
      } finally {
        snapshot.close();
      }
    }
  }

  async #copyAll(snapshot: Snapshot): Promise<{ files: BackupFile[]; missing: string[] }> {
    const files: BackupFile[] = [];
    const missing: string[] = [];
    const keep = async (path: string, copy: () => Promise<BackupFile>): Promise<void> => {
      try {
        const file = this.#copied.get(path) ?? (await copy());
        this.#copied.set(path, file);
        files.push(file);
      } catch (error) {
        if (!['NOT_FOUND', 'DATA_LOSS'].includes(codeOf(error))) throw error;
        missing.push(path);
      }
    };
    const never = new AbortController().signal;
    for (const body of snapshot.objects().keys())
      await keep(`objects/${body}`, () =>
        writeBackupFile(this.#directory, `objects/${body}`, this.#stores.objects.get(body, undefined, never)),
      );
    for (const value of snapshot.secrets()) await keep(`secrets/${value}`, () => this.#copySecret(value));
    for (const { uid, seal, isCut } of snapshot.logs()) {
      if (isCut) files.push(...(await this.#copySegments(uid)));
      else if (seal !== undefined && seal.bytes > 0 && !existsSync(this.#logPaths(uid).data)) missing.push(`logs/${uid}`);
      else
        await this.#copyLog(uid, seal !== undefined).then(
          (copied) => files.push(...copied),
          (error: unknown) => {
            // It was removed while it was copied: the next moment does not name it.
            if (!isAbsence(error)) throw error;
            missing.push(`logs/${uid}`);
          },
        );
    }
    return { files, missing };
  }

  async #copySecret(value: string): Promise<BackupFile> {
    const sealed = this.#cipher.seal(value, await this.#stores.secrets.get(value));
    return await writeBackupFile(this.#directory, `secrets/${value}`, only(sealed));
  }

  #logPaths(uid: string) {
    return logPaths(this.#options.loaded.config.api.task_execution_logs_dir, uid);
  }

  /**
   * The newest first: what is dropped meanwhile is the oldest, so that there is no gap in what is copied. What follows the newest by
   * now is of a later moment.
   */
  async #copySegments(uid: string): Promise<BackupFile[]> {
    const files: BackupFile[] = [];
    for (const { id } of listSegments(this.#options.loaded.config.api.task_execution_logs_dir, uid).toReversed()) {
      try {
        const copied = await this.#copyLog(id, typeof readSeal(this.#logPaths(id)) === 'object');
        // Half of it is one that is just being dropped.
        if (copied.length === 2) files.push(...copied);
      } catch (error) {
        if (!isAbsence(error)) throw error;
      }
    }
    return files;
  }

  /** The index first; neither is there before the first byte of a log. */
  async #copyLog(uid: string, sealed: boolean): Promise<BackupFile[]> {
    const from = this.#logPaths(uid);
    const to = logPaths('logs', uid);
    const files: BackupFile[] = [];
    for (const part of ['index', 'data'] as const) {
      const known = this.#copied.get(to[part]);
      if (known === undefined && !existsSync(from[part])) continue;
      const file = known ?? (await writeBackupFile(this.#directory, to[part], createReadStream(from[part])));
      if (sealed) this.#copied.set(file.path, file);
      files.push(file);
    }
    return files;
  }

  /** What an earlier moment had and this one has not. */
  async #dropOthers(files: readonly BackupFile[]): Promise<void> {
    const kept = new Set(files.map(({ path }) => path));
    for (const entry of await readdir(this.#directory, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name).slice(this.#directory.length + 1);
      if (path !== DATABASE && !kept.has(path)) await rm(join(this.#directory, path));
    }
  }
}

function isAbsence(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
