/**
 * The object store inside its thread. Its calls come through a port, so a body is always the port's end of one: leaving it ends a
 * `next` that is waiting. Every call of SQLite is short (a chunk, a page of keys), and others get their turn in between.
 */
import {
  GoferError,
  type ObjectRange,
  type ObjectStat,
  type ObjectStore,
  type PluginInstance,
  type PluginLog,
  type StoredObject,
} from '@gofer/contracts';
import { BlobTable, type KeptBlob } from './blob-table.ts';
import { BlobWriter } from './blob-writer.ts';
import { Purge } from './purge.ts';
import { alreadyExists, asStoreError, notFound, throwIfAborted } from './store-error.ts';
import { openStoreFile } from './store-file.ts';

const KEYS_AT_ONCE = 256;

export interface SqliteObjectStoreOptions {
  readonly path: string;
  readonly instanceId: string;
  readonly log: PluginLog;
}

export class SqliteObjectStore implements ObjectStore, PluginInstance {
  readonly #path: string;
  readonly #writer: string;
  readonly #table: BlobTable;
  readonly #purge: Purge;
  readonly #closing = new AbortController();
  readonly #putting = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  constructor(options: SqliteObjectStoreOptions) {
    this.#path = options.path;
    this.#writer = options.instanceId;
    this.#table = new BlobTable(openStoreFile(options.path));
    this.#purge = new Purge(this.#table, options.log);
    this.#purge.wake();
  }

  put(key: string, signal: AbortSignal, body: AsyncIterable<Uint8Array>): Promise<ObjectStat> {
    const putting = this.#put(key, AbortSignal.any([signal, this.#closing.signal]), body[Symbol.asyncIterator]());
    this.#putting.add(putting);
    const settled = (): void => void this.#putting.delete(putting);
    putting.then(settled, settled);
    return putting;
  }

  async #put(key: string, signal: AbortSignal, body: AsyncIterator<Uint8Array>): Promise<ObjectStat> {
    const leave = (): void => void body.return?.().catch(() => undefined);
    signal.addEventListener('abort', leave, { once: true });
    const writer = new BlobWriter(this.#table, { key, writer: this.#writer, path: this.#path });
    try {
      throwIfAborted(signal);
      if (this.#run('write an object', () => this.#table.find(key)) !== undefined) throw alreadyExists(key);
      let coming = body.next();
      for (;;) {
        const item = await coming;
        throwIfAborted(signal);
        if (item.done === true) break;
        const chunks = writer.add(item.value);
        // Asked for before the chunks are written: the next piece comes while this thread is busy.
        coming = body.next();
        coming.catch(() => undefined);
        this.#run('write an object', () => writer.write(chunks));
      }
      return { size: this.#run('write an object', () => writer.complete()) };
    } catch (error) {
      this.#abandon(writer);
      throw this.#closing.signal.aborted ? closed() : error;
    } finally {
      signal.removeEventListener('abort', leave);
      leave();
    }
  }

  #abandon(writer: BlobWriter): void {
    try {
      if (writer.abandon()) this.#purge.wake();
    } catch {
      // Nobody sees it, and the next instance removes it.
    }
  }

  async *get(key: string, range: ObjectRange | undefined, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    throwIfAborted(signal);
    const blob = this.#run('read an object', () => this.#table.find(key));
    if (blob === undefined) throw notFound(key);
    const start = range?.start ?? 0;
    if (range !== undefined && start >= blob.size) {
      throw new GoferError('INVALID_ARGUMENT', `The object "${key}" has ${blob.size} bytes; the range begins at ${start}.`);
    }
    const stop = Math.min(blob.size, (range?.end ?? blob.size) + 1);
    for (let at = start; at < stop; ) {
      throwIfAborted(signal);
      const n = Math.floor(at / blob.chunkSize);
      const first = n * blob.chunkSize;
      const chunk = this.#chunk(key, blob, n);
      const piece = chunk.subarray(at - first, stop - first);
      at += piece.byteLength;
      yield piece;
    }
  }

  #chunk(key: string, blob: KeptBlob, n: number): Uint8Array {
    return this.#run('read an object', () => {
      const chunk = this.#table.chunk(blob.id, n);
      if (chunk?.byteLength === Math.min(blob.chunkSize, blob.size - n * blob.chunkSize)) return chunk;
      if (!this.#table.isKept(blob.id)) throw notFound(key);
      throw new GoferError(
        'DATA_LOSS',
        `Part ${n} of the object "${key}" is missing in "${this.#path}". Restore the file from a backup, or delete the object.`,
      );
    });
  }

  async stat(key: string): Promise<ObjectStat> {
    const blob = this.#run('look at an object', () => this.#table.find(key));
    if (blob === undefined) throw notFound(key);
    return { size: blob.size };
  }

  async delete(key: string): Promise<void> {
    if (this.#run('delete an object', () => this.#table.forget(key))) this.#purge.wake();
  }

  async *list(prefix: string, signal: AbortSignal): AsyncGenerator<StoredObject> {
    for (let after = ''; ; ) {
      throwIfAborted(signal);
      const page = this.#run('list the objects', () => this.#table.page(prefix, after, KEYS_AT_ONCE));
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < KEYS_AT_ONCE) return;
      after = last.key;
    }
  }

  async health(): Promise<void> {
    this.#run('write', () => this.#table.tryOut());
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#putting);
    await this.#purge.close();
    this.#table.close();
  }

  /** `doing`: what fails if it does, as in "write an object". */
  #run<Result>(doing: string, statements: () => Result): Result {
    if (this.#closing.signal.aborted) throw closed();
    try {
      return statements();
    } catch (error) {
      throw asStoreError(error, doing, this.#path);
    }
  }
}

function closed(): GoferError {
  return new GoferError('UNAVAILABLE', 'The object store is closed.');
}
