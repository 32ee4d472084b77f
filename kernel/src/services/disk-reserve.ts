/**
 * The room that is kept for what has begun: below it no run starts, so that the results and logs of those that go on can still be
 * written. A look at the disk is good for a few seconds, whoever asks.
 */
import { statfsSync } from 'node:fs';
import { GoferError } from '@gofer/contracts';

/** One directory whose disk is looked at. */
export interface WatchedDirectory {
  /** What is kept there, for a person, such as `the database`. */
  readonly what: string;
  readonly path: string;
}

export interface DiskReserveOptions {
  readonly directories: readonly WatchedDirectory[];
  /** Bytes that must be free for whoever runs the server; 0: none. */
  readonly minimumBytes: number;
  readonly now: () => number;
}

const LOOK_MS = 2000;

export class DiskReserve {
  readonly #options: DiskReserveOptions;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #short: string[] = [];

  constructor(options: DiskReserveOptions) {
    this.#options = options;
  }

  /** What has less room than it must have; empty where all is well. */
  shortages(): readonly string[] {
    const { directories, minimumBytes, now } = this.#options;
    if (minimumBytes === 0) return [];
    // A clock that was set back must not make an old look last.
    const age = now() - this.#lookedAt;
    if (age >= 0 && age < LOOK_MS) return this.#short;
    this.#lookedAt = now();
    this.#short = directories.filter(({ path }) => freeBytes(path) < minimumBytes).map(({ what }) => what);
    return this.#short;
  }

  /** Throws `STORAGE_FULL` where a run must not start. */
  assertRoom(): void {
    const short = this.shortages();
    if (short.length === 0) return;
    throw new GoferError(
      'STORAGE_FULL',
      `No run is started: the disk of ${short.join(' and of ')} has less than ${this.#options.minimumBytes} bytes free, or cannot be looked at (server.minimum_free_disk). Runs that have begun go on. Free some space and try again.`,
    );
  }
}

/** None where it cannot be looked at: what is not there, or not mounted, has no room for a run. */
function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return 0;
  }
}
