/**
 * Objects as files: the body of `a/b` is the file `a/b` below the store's directory. A body is written to a file of its own under
 * `.incoming`, and gets its name by a hard link once it is whole and on the disk: a link never replaces a file, so what is kept stays.
 */
import { type FileHandle, link, open, rm, stat, unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { GoferError, type ObjectRange, type ObjectStat, type ObjectStore, type PluginHost, type PluginInstance } from '@gofer/contracts';
import { Directories } from './directories.ts';
import { listFiles, sizeOf } from './list-files.ts';
import { PutBody } from './put-body.ts';
import { StoreDirectory } from './store-directory.ts';
import { asStoreError, cancelled, isMissing, notFound, systemCode } from './store-error.ts';
import { writeBody } from './write-body.ts';

const READ_BYTES = 256 * 1024;
const KEY = /^[a-z0-9-]+(\/[a-z0-9-]+)*$/;

export class FilesystemStore implements ObjectStore, PluginInstance {
  readonly #directory: StoreDirectory;
  readonly #directories: Directories;
  readonly #closing = new AbortController();
  readonly #putting = new Set<Promise<unknown>>();
  readonly #reading = new Set<FileHandle>();
  /** Keys that have their names and are not durable yet: nobody may see them. */
  readonly #entering = new Set<string>();

  private constructor(directory: StoreDirectory) {
    this.#directory = directory;
    this.#directories = new Directories(directory.path);
  }

  static async open(path: string, host: PluginHost): Promise<FilesystemStore> {
    return new FilesystemStore(await StoreDirectory.open(resolve(path), host.instanceId));
  }

  put(key: string, signal: AbortSignal, body: AsyncIterable<Uint8Array>): Promise<ObjectStat> {
    const putting = this.#put(key, new PutBody(body, AbortSignal.any([signal, this.#closing.signal])));
    this.#putting.add(putting);
    const settled = (): void => void this.#putting.delete(putting);
    putting.then(settled, settled);
    return putting;
  }

  async #put(key: string, body: PutBody): Promise<ObjectStat> {
    const incoming = this.#directory.incoming();
    try {
      const path = this.#pathOf(key);
      body.throwIfAborted();
      if ((await sizeOf(path)) !== undefined) throw alreadyExists(key);
      const size = await this.#write(incoming, body);
      await this.#enter(key, path, incoming);
      return { size };
    } catch (error) {
      if (body.isFailure(error)) throw error;
      if (systemCode(error) === 'EEXIST') throw alreadyExists(key);
      throw this.#asError(error, 'write an object');
    } finally {
      // Left behind where it cannot be removed: the next instance does.
      await rm(incoming, { force: true }).catch(() => undefined);
      await body.leave();
    }
  }

  async #write(incoming: string, body: PutBody): Promise<number> {
    const file = await open(incoming, 'wx', 0o600);
    try {
      return await writeBody(file, body);
    } finally {
      await file.close();
    }
  }

  async #enter(key: string, path: string, incoming: string): Promise<void> {
    let linked = false;
    // Looked at again: it may have been put meanwhile, and what is kept must not be hidden.
    if ((await sizeOf(path)) !== undefined || this.#entering.has(key)) throw alreadyExists(key);
    this.#entering.add(key);
    try {
      await this.#directories.entered(path, async () => {
        await link(incoming, path);
        linked = true;
      });
    } catch (error) {
      if (linked) await unlink(path);
      throw error;
    } finally {
      this.#entering.delete(key);
    }
  }

  async *get(key: string, range: ObjectRange | undefined, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    throwIfAborted(signal);
    const file = await this.#open(key);
    try {
      const { size } = await file.stat();
      const start = range?.start ?? 0;
      if (range !== undefined && start >= size) {
        throw new GoferError('INVALID_ARGUMENT', `The object "${key}" has ${size} bytes; the range begins at ${start}.`);
      }
      const stop = Math.min(size, (range?.end ?? size) + 1);
      for (let at = start; at < stop; ) {
        throwIfAborted(signal);
        const block = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, stop - at));
        const { bytesRead } = await file.read(block, 0, block.byteLength, at);
        if (bytesRead === 0) {
          throw new GoferError('DATA_LOSS', `The file of the object "${key}" was cut off at ${at} of ${size} bytes: ${this.#pathOf(key)}.`);
        }
        at += bytesRead;
        throwIfAborted(signal);
        yield bytesRead === block.byteLength ? block : block.subarray(0, bytesRead);
      }
    } catch (error) {
      throw this.#asError(error, 'read an object');
    } finally {
      this.#reading.delete(file);
      await file.close();
    }
  }

  async #open(key: string): Promise<FileHandle> {
    try {
      if (this.#entering.has(key)) throw notFound(key);
      const path = this.#pathOf(key);
      const file = await open(path, 'r');
      this.#reading.add(file);
      if ((await file.stat()).isFile()) return file;
      this.#reading.delete(file);
      await file.close();
      throw notFound(key);
    } catch (error) {
      throw isMissing(error) ? notFound(key) : this.#asError(error, 'read an object');
    }
  }

  async stat(key: string): Promise<ObjectStat> {
    let size: number | undefined;
    try {
      size = this.#entering.has(key) ? undefined : await sizeOf(this.#pathOf(key));
    } catch (error) {
      throw this.#asError(error, 'look at an object');
    }
    if (size === undefined) throw notFound(key);
    return { size };
  }

  async delete(key: string): Promise<void> {
    try {
      const path = this.#pathOf(key);
      try {
        await unlink(path);
      } catch (error) {
        // A directory, which is the beginning of keys and none: Linux says EISDIR, others say EPERM.
        if (isMissing(error) || systemCode(error) === 'EISDIR' || (await stat(path)).isDirectory()) return;
        throw error;
      }
      this.#directories.left(path);
    } catch (error) {
      if (!isMissing(error)) throw this.#asError(error, 'delete an object');
    }
  }

  async *list(prefix: string, signal: AbortSignal): AsyncGenerator<{ key: string; size: number }> {
    try {
      throwIfAborted(signal);
      for await (const { key, size } of listFiles(this.#directory.path, prefix)) {
        this.#throwIfClosed();
        throwIfAborted(signal);
        if (!this.#entering.has(key)) yield { key, size };
      }
    } catch (error) {
      throw this.#asError(error, 'list the objects');
    }
  }

  async health(): Promise<void> {
    this.#throwIfClosed();
    try {
      await this.#directory.tryOut();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new GoferError(
        'UNAVAILABLE',
        `The directory of the objects cannot be written: "${this.#directory.path}" (${why}). Look at its disk and what this user may do there.`,
        { cause: error },
      );
    }
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#putting);
    await Promise.allSettled(Array.from(this.#reading, (file) => file.close()));
  }

  /** A key is checked before it becomes a path, though its maker is the kernel. */
  #pathOf(key: string): string {
    this.#throwIfClosed();
    if (!KEY.test(key)) throw new GoferError('INVALID_ARGUMENT', `"${key}" is no key of an object.`);
    return join(this.#directory.path, key);
  }

  #throwIfClosed(): void {
    if (this.#closing.signal.aborted) throw new GoferError('UNAVAILABLE', 'The object store is closed.');
  }

  #asError(error: unknown, doing: string): GoferError {
    if (this.#closing.signal.aborted) return new GoferError('UNAVAILABLE', 'The object store was closed meanwhile.', { cause: error });
    return asStoreError(error, doing, this.#directory.path);
  }
}

function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw cancelled();
}

function alreadyExists(key: string): GoferError {
  return new GoferError('ALREADY_EXISTS', `An object is kept under the key "${key}" already.`);
}
