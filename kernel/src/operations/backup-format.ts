/**
 * What a backup is on the disk: `gofer.db`, `objects/KEY`, `secrets/KEY` (each value sealed), `logs/…` as the server keeps them, and last
 * of all `manifest.json`, without which it is not complete.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GoferError } from '@gofer/contracts';

export interface BackupFile {
  /** Relative to the backup, with `/`. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface BackupManifest {
  readonly format: 1;
  /** Epoch milliseconds: of the moment that the database is of. */
  readonly created: number;
  /** The release that wrote it. */
  readonly gofer: string;
  readonly schema_version: number;
  readonly instance_id: string;
  readonly counts: Readonly<Record<string, number>>;
  /** How the values of secrets are sealed; the key is not in the backup. */
  readonly secrets: { readonly salt: string; readonly check: string };
  /** What the server had lost before: the database names it and the store does not have it. */
  readonly missing: readonly string[];
  readonly files: readonly BackupFile[];
}

export const DATABASE = 'gofer.db';
export const MANIFEST = 'manifest.json';

/** Writes a file of the backup through to the disk. */
export async function writeBackupFile(directory: string, path: string, pieces: AsyncIterable<Uint8Array>): Promise<BackupFile> {
  const target = join(directory, path);
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  const file = await open(target, 'w', 0o600);
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const piece of pieces) {
      hash.update(piece);
      size += piece.byteLength;
      await file.writeFile(piece);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { path, size, sha256: hash.digest('hex') };
}

export async function describeFile(directory: string, path: string): Promise<BackupFile> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of createReadStream(join(directory, path)) as AsyncIterable<Buffer>) {
    hash.update(piece);
    size += piece.byteLength;
  }
  return { path, size, sha256: hash.digest('hex') };
}

/** With this the backup is complete. */
export async function writeManifest(directory: string, manifest: BackupManifest): Promise<void> {
  const unfinished = join(directory, `${MANIFEST}.unfinished`);
  const file = await open(unfinished, 'w', 0o600);
  await file.writeFile(`${JSON.stringify(manifest, null, 1)}\n`);
  await file.sync();
  await file.close();
  await rename(unfinished, join(directory, MANIFEST));
  await syncDirectory(directory);
}

/** After a rename, so that a power cut does not undo it. */
export async function syncDirectory(directory: string): Promise<void> {
  const folder = await open(directory, 'r');
  await folder.sync();
  await folder.close();
}

/** What is vouched for by nothing is not restored: the database must be among the files. */
function parseManifest(text: string, directory: string): BackupManifest {
  try {
    const manifest = JSON.parse(text) as BackupManifest;
    if (manifest.format !== 1 || manifest.files.some(({ path }) => path === DATABASE)) return manifest;
  } catch (cause) {
    throw new GoferError('DATA_LOSS', `The ${MANIFEST} of ${directory} is damaged; nothing was restored.`, { cause });
  }
  throw new GoferError('DATA_LOSS', `The ${MANIFEST} of ${directory} does not name ${DATABASE}; nothing was restored.`);
}

/** Rejects with `FAILED_PRECONDITION` for what is no complete backup, and with `DATA_LOSS` where it is not what was written. */
export async function readVerified(directory: string): Promise<BackupManifest> {
  const text = await readFile(join(directory, MANIFEST), 'utf8').catch((cause: unknown) => {
    throw new GoferError('FAILED_PRECONDITION', `${directory} is no complete backup: it has no ${MANIFEST}.`, { cause });
  });
  const manifest = parseManifest(text, directory);
  if (manifest.format !== 1) throw new GoferError('FAILED_PRECONDITION', `${directory} has a format that this release does not know.`);
  const faults: { path: string; message: string }[] = [];
  for (const file of manifest.files) {
    if (file.path.split('/').includes('..')) throw new GoferError('DATA_LOSS', `The manifest of ${directory} names a file outside of it.`);
    try {
      const found = await describeFile(directory, file.path);
      if (found.sha256 !== file.sha256) faults.push({ path: file.path, message: 'is not what was written' });
    } catch (error) {
      faults.push({ path: file.path, message: `cannot be read: ${error instanceof Error ? error.message : String(error)}` });
    }
  }
  if (faults.length > 0)
    throw new GoferError('DATA_LOSS', `The backup ${directory} is damaged; nothing was restored.`, { details: faults });
  return manifest;
}
