/** Gathers the pieces of one body in chunks and writes these. */
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { GoferError } from '@gofer/contracts';
import { type BlobTable, ROOM_BYTES } from './blob-table.ts';
import { alreadyExists, sqliteCode, storageFull } from './store-error.ts';

/** What a reader gets at once. Larger ones are hardly faster, and a reader behind a port holds three. */
export const CHUNK_BYTES = 512 * 1024;

export interface BlobWriterOptions {
  readonly key: string;
  readonly writer: string;
  readonly path: string;
}

export class BlobWriter {
  readonly #table: BlobTable;
  readonly #options: BlobWriterOptions;
  #id: number | undefined;
  #n = 0;
  #written = 0;
  #block: Buffer | undefined;
  #filled = 0;

  constructor(table: BlobTable, options: BlobWriterOptions) {
    this.#table = table;
    this.#options = options;
  }

  /** Takes a piece; returns the chunks that are full with it, for `write`. */
  add(piece: Uint8Array): readonly Uint8Array[] {
    // What comes through a port is a copy already, and this thread's own.
    if (this.#filled === 0 && piece.byteLength === CHUNK_BYTES) return [piece];
    const full: Uint8Array[] = [];
    for (let at = 0; at < piece.byteLength; ) {
      const part = piece.subarray(at, at + CHUNK_BYTES - this.#filled);
      this.#needBlock(this.#filled + part.byteLength);
      this.#block?.set(part, this.#filled);
      this.#filled += part.byteLength;
      at += part.byteLength;
      if (this.#filled < CHUNK_BYTES) break;
      if (this.#block !== undefined) full.push(this.#block);
      this.#block = undefined;
      this.#filled = 0;
    }
    return full;
  }

  /** Most bodies are small: the first block is as large as what is there, the next one a whole one. */
  #needBlock(bytes: number): void {
    const former = this.#block;
    if (former !== undefined && former.byteLength >= bytes) return;
    this.#block = Buffer.allocUnsafeSlow(former === undefined && this.#n === 0 ? bytes : CHUNK_BYTES);
    if (former !== undefined) this.#block.set(former.subarray(0, this.#filled));
  }

  write(chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) {
      this.#needRoom();
      this.#id ??= this.#table.begin(this.#options.key, this.#options.writer, CHUNK_BYTES);
      this.#table.append(this.#id, this.#n++, chunk);
      this.#written += chunk.byteLength;
    }
  }

  /** Writes the rest and lets the body be seen, durably; returns the number of its bytes. */
  complete(): number {
    this.#needRoom();
    const { key, writer } = this.#options;
    const last = this.#block?.subarray(0, this.#filled) ?? new Uint8Array();
    const size = this.#written + last.byteLength;
    try {
      if (this.#table.complete(this.#id, { key, size, writer, chunkSize: CHUNK_BYTES }, this.#n, last)) return size;
    } catch (error) {
      if (sqliteCode(error) === 'SQLITE_CONSTRAINT_UNIQUE') throw alreadyExists(key);
      throw error;
    }
    throw new GoferError('UNAVAILABLE', 'Another server with the same id has removed the object while it was written. Run one only.');
  }

  /** Takes back what was written. Returns whether there was anything. */
  abandon(): boolean {
    if (this.#id === undefined) return false;
    this.#table.abandon(this.#id);
    return true;
  }

  /** Refuses before the disk is full: a file that cannot even grow a little can neither forget nor give anything back. */
  #needRoom(): void {
    const { bavail, blocks, bsize } = statfsSync(dirname(this.#options.path));
    // Some network file systems do not say how large they are.
    if (blocks > 0 && bavail * bsize < ROOM_BYTES + CHUNK_BYTES) {
      throw storageFull(
        this.#options.path,
        `${Math.floor((bavail * bsize) / 1024 / 1024)} MiB are free; ${ROOM_BYTES / 1024 / 1024} MiB stay so`,
      );
    }
  }
}
