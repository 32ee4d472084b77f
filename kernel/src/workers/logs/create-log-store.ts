import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { workerEntry } from '../assets.ts';
import { InlineLane } from './inline-lane.ts';
import { LaneLogStore } from './lane-log-store.ts';
import type { LogStore } from './log-store.ts';
import { ThreadLane } from './thread-lane.ts';

export interface LogPoolOptions {
  /** Made when it is missing. One store to a directory at a time. */
  readonly directory: string;
  /** How many threads share the attempts; by default half of the processors, at least 1 and at most 4. */
  readonly threads?: number;
  /** Hears of a thread that died; it is replaced, and what it was doing is done again. */
  readonly onThreadDeath?: (error: Error) => void;
}

export interface ThreadedLogStore extends LogStore {
  /** The threads that live now, for diagnosis. */
  readonly threads: readonly Worker[];
}

/** Keeps logs in the caller's own thread, which it blocks while it writes and reads: for tools and small set-ups. */
export function createInlineLogStore(options: { readonly directory: string }): LogStore {
  return new LaneLogStore(options.directory, [new InlineLane(options.directory)], () => Promise.resolve());
}

/** Keeps logs on a pool of threads, which start at once. */
export function createThreadedLogStore({ directory, threads, onThreadDeath }: LogPoolOptions): ThreadedLogStore {
  const count = threads ?? Math.min(4, Math.max(1, Math.floor(availableParallelism() / 2)));
  const pool = new Piscina({
    filename: fileURLToPath(workerEntry('logs')),
    name: 'serveLogs',
    minThreads: count,
    maxThreads: count,
    // Otherwise the pool freezes a thread's event loop between tasks.
    atomics: 'disabled',
    // What a thread makes is short-lived; without a bound V8 would take 45 MB more for it.
    resourceLimits: { maxYoungGenerationSizeMb: 12 },
  });
  // Without a listener a thread's death would be the process's.
  pool.on('error', (error: Error) => onThreadDeath?.(error));
  const lanes = Array.from({ length: count }, () => new ThreadLane(pool, directory));
  return new PooledLogStore(directory, lanes, pool);
}

class PooledLogStore extends LaneLogStore implements ThreadedLogStore {
  readonly #pool: Piscina;

  constructor(directory: string, lanes: readonly ThreadLane[], pool: Piscina) {
    super(directory, lanes, () => pool.destroy());
    this.#pool = pool;
  }

  get threads(): readonly Worker[] {
    return this.#pool.threads;
  }
}
