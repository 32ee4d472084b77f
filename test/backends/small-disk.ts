/** A disk that is soon full: a tmpfs. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PluginHost } from '@gofer/contracts';
import { checkObjectStore, OBJECT_STORE_LAWS, type ObjectStoreHarness, type OpenObjectStore } from '@gofer/contracts/conformance';

/** Why there can be none here; undefined: there can. */
export const smallDiskMissing = findMissing();

function findMissing(): string | undefined {
  if (process.getuid?.() !== 0) return 'mounting a tmpfs needs root';
  const directory = mkdtempSync(join(tmpdir(), 'gofer-small-disk-'));
  try {
    mountSmallDisk(directory, 1);
    unmountSmallDisk(directory);
    return undefined;
  } catch (error) {
    return `a tmpfs cannot be mounted: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    rmdirSync(directory);
  }
}

/** `directory` is made where it is missing. */
function mountSmallDisk(directory: string, mebibytes: number): void {
  if (statSync(directory, { throwIfNoEntry: false }) === undefined) mkdirSync(directory);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'gofer-small-disk', directory], { stdio: 'pipe' });
}

function unmountSmallDisk(directory: string): void {
  execFileSync('umount', [directory], { stdio: 'pipe' });
}

/** `create` is given a directory on a disk of so many MiB, which is gone when the instance is closed. */
export async function onSmallDisk(
  host: PluginHost,
  mebibytes: number,
  create: (directory: string) => Promise<OpenObjectStore>,
): Promise<OpenObjectStore> {
  const disk = join(host.dataDirectory, 'small-disk');
  mountSmallDisk(disk, mebibytes);
  const store = await create(disk);
  let closed: Promise<void> | undefined;
  return {
    put: (...args) => store.put(...args),
    get: (...args) => store.get(...args),
    stat: (...args) => store.stat(...args),
    delete: (...args) => store.delete(...args),
    list: (...args) => store.list(...args),
    health: () => store.health(),
    close() {
      closed ??= store.close().finally(() => unmountSmallDisk(disk));
      return closed;
    },
  };
}

/** Holds a store to the laws that need a small disk. Resolves with the number of laws checked; rejects with the first that is broken. */
export async function checkFullStore(harness: ObjectStoreHarness & Required<Pick<ObjectStoreHarness, 'createSmall'>>): Promise<number> {
  let checked = 0;
  for await (const { broken } of checkObjectStore(harness, { laws: OBJECT_STORE_LAWS.filter((law) => law.when !== undefined) })) {
    if (broken !== undefined) throw broken;
    checked++;
  }
  return checked;
}
