import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, ftruncateSync, openSync } from 'node:fs';
import { GoferError } from '@gofer/contracts';
import type { IndexRecord } from './index-format.ts';
import { decodeSlot, encodeRecords, encodeSlot, fitProblem, SEAL_SLOT_BYTES } from './index-format.ts';
import { IndexScanner } from './index-scanner.ts';
import { LineAssembler } from './line-assembler.ts';
import type { LogPaths } from './log-files.ts';
import { isErrno, openForWriting, readFully, toWriteError, writeAll, writeFully } from './log-files.ts';
import type { LogSeal } from './log-store.ts';

/** What one piece of a source's output is, beside its bytes. */
export interface ChunkMark {
  readonly stream: 'stdout' | 'stderr';
  /** Epoch milliseconds. */
  readonly time: number;
  /** Bytes. */
  readonly length: number;
  readonly cursor: string;
}

interface OpenFiles {
  readonly data: number;
  readonly index: number;
}

const HASH_BLOCK_BYTES = 1024 * 1024;

/** The seal of a log, undefined while it is open, and `none` where there is no log. Costs one read. */
export function readSeal(paths: LogPaths): LogSeal | 'none' | undefined {
  let fd: number;
  try {
    fd = openSync(paths.index, 'r');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return 'none';
    throw error;
  }
  try {
    const slot = Buffer.alloc(SEAL_SLOT_BYTES);
    const seal = decodeSlot(slot.subarray(0, readFully(fd, slot, 0)));
    return seal === 'torn' ? undefined : seal;
  } finally {
    closeSync(fd);
  }
}

/**
 * The one writer of an open log. Data goes before the records that describe it, so that what a crash leaves behind the last record is
 * recognised and cut when the log is opened again. Its methods block: they run on a thread that exists for it.
 */
export class LogWriter {
  lines = 0;
  bytes = 0;
  /** The source's cursor kept last. */
  cursor: string | undefined;
  readonly #paths: LogPaths;
  readonly #assembler = new LineAssembler();
  #files: OpenFiles | undefined;
  #indexBytes = 0;
  #hash: Hash | undefined;
  #failure: GoferError | undefined;

  private constructor(paths: LogPaths) {
    this.#paths = paths;
  }

  /** For a log that is not there yet; its files are made with the first write. */
  static create(paths: LogPaths): LogWriter {
    return new LogWriter(paths);
  }

  /** For an open log that an earlier writer left: cuts what is behind its last settled record. */
  static resume(paths: LogPaths): LogWriter {
    const writer = new LogWriter(paths);
    try {
      writer.#recover(writer.#open());
      return writer;
    } catch (error) {
      writer.close();
      throw error;
    }
  }

  /** Makes the files, so that there is something to read before there is output. */
  touch(): void {
    if (this.#indexBytes > 0 || this.#failure !== undefined) return;
    try {
      writeFully(this.#open().index, encodeSlot(), 0);
      this.#indexBytes = SEAL_SLOT_BYTES;
    } catch (error) {
      throw toWriteError(error, this.#paths.index);
    }
  }

  /**
   * Keeps a source's output, in which the marked pieces follow each other. Every byte of a task comes through here before it reaches
   * the disk. Once the log cannot be written, all that follows is dropped: better an end than a gap.
   */
  append(bytes: Uint8Array, marks: readonly ChunkMark[]): void {
    if (this.#failure !== undefined) return;
    let at = 0;
    for (const mark of marks) {
      this.#assembler.push(mark.stream, mark.time, bytes.subarray(at, at + mark.length), mark.cursor);
      at += mark.length;
    }
    this.#keep();
  }

  /** Keeps whole lines of Gofer's own. Throws where they cannot be written. */
  note(text: string, time: number): void {
    if (this.#failure === undefined) {
      this.#assembler.pushLines('gofer', time, Buffer.from(text.endsWith('\n') ? text : `${text}\n`));
      this.#keep();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Writes the last word and closes the files. */
  seal(time: number, problem?: string): LogSeal {
    if (this.#failure === undefined) {
      this.#assembler.end(time);
      this.#keep();
    }
    const cause = problem ?? this.#failure?.message;
    const outcome = cause === undefined ? { complete: true } : { complete: false, problem: fitProblem(cause) };
    const seal: LogSeal = { lines: this.lines, bytes: this.bytes, sha256: this.#hashNow().digest('hex'), ...outcome };
    try {
      writeFully(this.#open().index, encodeSlot(seal), 0);
      return seal;
    } catch (error) {
      // Not even the seal finds room: its receiver is the only one who learns of it, and the log stays open on disk.
      return { ...seal, complete: false, problem: fitProblem(cause ?? toWriteError(error, this.#paths.index).message) };
    } finally {
      this.close();
    }
  }

  close(): void {
    const files = this.#files;
    this.#files = undefined;
    if (files === undefined) return;
    closeSync(files.data);
    closeSync(files.index);
  }

  #open(): OpenFiles {
    if (this.#files !== undefined) return this.#files;
    const data = openForWriting(this.#paths.data);
    try {
      this.#files = { data, index: openForWriting(this.#paths.index) };
      return this.#files;
    } catch (error) {
      closeSync(data);
      throw error;
    }
  }

  #keep(): void {
    const { data, records } = this.#assembler.take();
    if (records.length === 0) return;
    try {
      const files = this.#open();
      // What was there before must be read before more is added.
      const hash = this.#hashNow();
      writeAll(files.data, data, this.bytes);
      // A new index begins with its slot, in the same write.
      const isNew = this.#indexBytes === 0;
      const encoded = isNew ? [encodeSlot(), encodeRecords(records)] : [encodeRecords(records)];
      writeAll(files.index, encoded, this.#indexBytes);
      for (const piece of encoded) this.#indexBytes += piece.length;
      for (const piece of data) hash.update(piece);
      for (const record of records) this.#count(record);
    } catch (error) {
      this.#fail(error);
    }
  }

  #count(record: IndexRecord): void {
    this.bytes += record.dataBytes;
    this.lines += record.lines;
    if (record.cursor !== '') this.cursor = record.cursor;
  }

  /** Gives back what was written in part, which is what makes room for the seal. */
  #fail(error: unknown): void {
    this.#failure = toWriteError(error, this.#paths.data);
    if (this.#files === undefined) return;
    ftruncateSync(this.#files.data, this.bytes);
    ftruncateSync(this.#files.index, this.#indexBytes);
  }

  #hashNow(): Hash {
    if (this.#hash !== undefined) return this.#hash;
    const hash = createHash('sha256');
    const block = Buffer.alloc(Math.min(this.bytes, HASH_BLOCK_BYTES));
    for (let at = 0; at < this.bytes; ) {
      const count = readFully(this.#open().data, block.subarray(0, Math.min(block.length, this.bytes - at)), at);
      if (count === 0) throw new GoferError('INTERNAL', `${this.#paths.data} has become shorter than its index says`);
      hash.update(block.subarray(0, count));
      at += count;
    }
    this.#hash = hash;
    return hash;
  }

  #recover(files: OpenFiles): void {
    const slot = Buffer.alloc(SEAL_SLOT_BYTES);
    const slotBytes = readFully(files.index, slot, 0);
    if (decodeSlot(slot.subarray(0, slotBytes)) !== 'torn') {
      this.#indexBytes = SEAL_SLOT_BYTES;
      const dataBytes = fstatSync(files.data).size;
      const scanner = new IndexScanner(files.index, SEAL_SLOT_BYTES);
      const unsettled: IndexRecord[] = [];
      let at = 0;
      for (let record = scanner.next(); record !== undefined; record = scanner.next()) {
        at += record.dataBytes;
        if (at > dataBytes) break;
        unsettled.push(record);
        if (!record.settled) continue;
        for (const one of unsettled.splice(0)) {
          this.#count(one);
          this.#assembler.restore(one);
        }
        this.#indexBytes = scanner.position;
      }
    }
    ftruncateSync(files.data, this.bytes);
    ftruncateSync(files.index, this.#indexBytes);
  }
}
