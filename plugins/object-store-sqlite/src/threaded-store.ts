/**
 * The object store as its host sees it. The thread that does the work is started by the first call that needs it, and again by the
 * next one should it die: what was going on then rejects with `UNAVAILABLE`.
 */
import { access, constants } from 'node:fs/promises';
import { MessageChannel, Worker } from 'node:worker_threads';
import {
  connectObjectStore,
  type Failure,
  fromFailure,
  GoferError,
  type ObjectRange,
  type ObjectStat,
  type ObjectStore,
  type PluginHost,
  type PluginInstance,
  type StoredObject,
} from '@gofer/contracts';
import { workerEntry } from './assets.ts';
import { GatheredBody } from './gathered-body.ts';
import { SharedBlocks } from './shared-blocks.ts';
import type { StoreThreadData, StoreThreadMessage } from './thread-protocol.ts';

interface StoreThread {
  readonly store: ObjectStore & PluginInstance;
  readonly worker: Worker;
}

/** Bodies lie outside the heap: what lies inside is small. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 };

export class ThreadedStore implements ObjectStore, PluginInstance {
  readonly #path: string;
  readonly #host: PluginHost;
  readonly #blocks = new SharedBlocks();
  #thread: Promise<StoreThread> | undefined;
  #closed: Promise<void> | undefined;

  constructor(path: string, host: PluginHost) {
    this.#path = path;
    this.#host = host;
  }

  /** Starts the thread before it is needed: it has something to remove. */
  warm(): void {
    this.#store().catch((error: unknown) => this.#host.log('error', 'the object store could not be opened', { error: String(error) }));
  }

  async put(key: string, signal: AbortSignal, body: AsyncIterable<Uint8Array>): Promise<ObjectStat> {
    let store: ObjectStore;
    try {
      store = await this.#store();
    } catch (error) {
      await leave(body);
      throw error;
    }
    const gathered = new GatheredBody(body, this.#blocks);
    try {
      return await store.put(key, signal, gathered);
    } finally {
      gathered.release();
    }
  }

  async *get(key: string, range: ObjectRange | undefined, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    yield* (await this.#store()).get(key, range, signal);
  }

  async stat(key: string): Promise<ObjectStat> {
    return (await this.#store()).stat(key);
  }

  async delete(key: string): Promise<void> {
    await (await this.#store()).delete(key);
  }

  async *list(prefix: string, signal: AbortSignal): AsyncGenerator<StoredObject> {
    yield* (await this.#store()).list(prefix, signal);
  }

  /** Does not start the thread: a server asks for it when it starts, and may never keep an object. */
  async health(): Promise<void> {
    if (this.#thread !== undefined || this.#closed !== undefined) return (await this.#store()).health();
    try {
      await access(this.#path, constants.R_OK | constants.W_OK);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new GoferError(
        'UNAVAILABLE',
        `The file of the objects cannot be written: "${this.#path}" (${why}). Look at its disk and what this user may do there.`,
        { cause: error },
      );
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const thread = await this.#thread?.catch(() => undefined);
    if (thread === undefined) return;
    // One that died meanwhile has nothing left to close.
    await thread.store.close().catch(() => undefined);
    await thread.worker.terminate();
  }

  async #store(): Promise<ObjectStore & PluginInstance> {
    if (this.#closed !== undefined) throw new GoferError('UNAVAILABLE', 'The object store is closed.');
    this.#thread ??= this.#start();
    return (await this.#thread).store;
  }

  async #start(): Promise<StoreThread> {
    const { port1, port2 } = new MessageChannel();
    const data: StoreThreadData = { path: this.#path, instanceId: this.#host.instanceId, port: port1 };
    const worker = new Worker(workerEntry(), {
      name: 'object-store-sqlite',
      workerData: data,
      transferList: [port1],
      resourceLimits: RESOURCE_LIMITS,
    });
    let failure: Failure | undefined;
    worker.on('message', (message: StoreThreadMessage) => {
      if (message.kind === 'log') this.#host.log(...message.line);
      else failure = message.failure;
    });
    worker.on('error', (error) => this.#host.log('error', 'the thread of the object store failed', { error: String(error) }));
    // Known before what is pending rejects: whoever tries again at once gets another thread.
    port2.once('close', () => {
      this.#thread = undefined;
    });
    const ended = new Promise<void>((resolve) => {
      worker.once('exit', () => {
        if (this.#closed === undefined) this.#host.log('error', 'the thread of the object store ended; the next call starts another');
        resolve();
      });
    });
    try {
      return { store: await connectObjectStore(port2), worker };
    } catch (error) {
      // Its messages come before its end.
      await ended;
      throw failure === undefined ? error : fromFailure(failure);
    }
  }
}

/** How a body takes its end is not the store's concern. */
async function leave(body: AsyncIterable<Uint8Array>): Promise<void> {
  await body[Symbol.asyncIterator]()
    .return?.()
    .catch(() => undefined);
}
