import type { Hash } from 'node:crypto';
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, ftruncateSync } from 'node:fs';
import { GoferError } from '@gofer/contracts';
import type { IndexRecord } from './index-format.ts';
import { encodeRecords, encodeSlot, fitProblem, SEAL_SLOT_BYTES } from './index-format.ts';
import { LineAssembler } from './line-assembler.ts';
import type { LogPaths } from './log-files.ts';
import { hashBeginning, openForWriting, removeLog, toWriteError, writeAll, writeFully } from './log-files.ts';
import type { MaskedStream } from './log-masker.ts';
import { LogMasker, MASKED_STREAMS } from './log-masker.ts';
import type { LogMasking, LogSeal } from './log-store.ts';
import type { LogSize } from './protocol.ts';
import { settledRecords } from './settled-records.ts';

/** What one piece of a source's output is, beside its bytes. */
export interface ChunkMark {
  readonly stream: 'stdout' | 'stderr';
  /** Epoch milliseconds. */
  readonly time: number;
  /** Bytes. */
  readonly length: number;
  readonly cursor: string;
}

/** Where a sealed log is gone on from. */
export interface SealedEnd {
  readonly id: string;
  readonly nextId: string;
  readonly masking: LogMasking | undefined;
  readonly time: number;
}

interface OpenFiles {
  readonly data: number;
  readonly index: number;
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
  #masker: LogMasker | undefined;
  /** What an earlier writer's masking held back last; without an entry where it was not masked. */
  readonly #sealedStates = new Map<MaskedStream, Uint8Array>();

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
      const files = writer.#open();
      writer.#recover(files);
      ftruncateSync(files.data, writer.bytes);
      ftruncateSync(files.index, writer.#indexBytes);
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
   * Has what follows masked, or not. Throws where it was masked so far and cannot go on so: without masking, or without the key that
   * what is held back was sealed with.
   */
  mask(attemptId: string, masking: LogMasking | undefined): void {
    if (masking === undefined) {
      if (this.#masker === undefined && this.#sealedStates.size === 0) return;
      throw cannotGoOn(attemptId, 'and is to be collected without it: give the values and the key that it was begun with');
    }
    const masker = this.#masker?.renew(masking) ?? LogMasker.resume(attemptId, masking, this.#sealedStates);
    if (masker === undefined) throw cannotGoOn(attemptId, 'under another key: give the key that it was begun with');
    this.#masker = masker;
    this.#sealedStates.clear();
  }

  /**
   * Keeps a source's output, in which the marked pieces follow each other. Every byte of a task comes through here before it reaches
   * the disk. Once the log cannot be written, all that follows is dropped: better an end than a gap.
   */
  append(bytes: Uint8Array, marks: readonly ChunkMark[]): void {
    if (this.#failure !== undefined) return;
    let at = 0;
    for (const [index, { stream, time, length, cursor }] of marks.entries()) {
      this.#push(stream, time, bytes.subarray(at, at + length));
      at += length;
      // To seal what is held back costs more than a small chunk: of what is written at once, only the end has to be a place to go on from.
      if (this.#masker?.holdsBack !== true || index === marks.length - 1) this.#settle(stream, time, cursor);
    }
    this.#keep();
  }

  /** What it takes on the disk. */
  get size(): LogSize {
    return { bytes: this.bytes + this.#indexBytes, lines: this.lines };
  }

  /**
   * Goes on in a new log: what is incomplete or held back, and where the source is to be gone on from, is written there before this one is
   * sealed. So where this one is not sealed, there is nothing in the new one that this one lacks. Undefined where it cannot be written:
   * then nothing is left of the new one, and this one goes on.
   */
  continueIn(paths: LogPaths, attemptId: string, time: number): LogWriter | undefined {
    if (this.#failure !== undefined) return undefined;
    const next = this.#carryOnIn(paths, attemptId, time);
    if (next.#failure === undefined) {
      try {
        writeFully(this.#open().index, encodeSlot(this.#sealNow({ complete: true })), 0);
        this.close();
        return next;
      } catch {
        // It takes no room that it has not already: where it cannot be written, the next words find out why.
      }
    }
    next.close();
    removeLog(paths);
    return undefined;
  }

  /**
   * Begins a new log behind a sealed one, whose files stay as they are: what is incomplete or held back there, and where the source is to
   * be gone on from, is in the new one, which can be resumed. Throws as `mask` does, and where the new one cannot be written; then
   * nothing is left of it.
   */
  static beginBehind(sealed: LogPaths, paths: LogPaths, { id, nextId, masking, time }: SealedEnd): void {
    const before = new LogWriter(sealed);
    try {
      before.#recover(before.#open());
      before.mask(id, masking);
      const next = before.#carryOnIn(paths, nextId, time);
      next.close();
      if (next.#failure === undefined) return;
      removeLog(paths);
      throw next.#failure;
    } finally {
      before.close();
    }
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
      if (this.#masker !== undefined) this.#endMasking(this.#masker, time);
      this.#assembler.end(time);
      this.#keep();
    }
    const causes = [problem ?? this.#failure?.message, this.#heldForEver()].filter((cause) => cause !== undefined);
    const cause = causes.length === 0 ? undefined : causes.join('; ');
    const outcome = cause === undefined ? { complete: true } : { complete: false, problem: fitProblem(cause) };
    const seal = this.#sealNow(outcome);
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

  #carryOnIn(paths: LogPaths, attemptId: string, time: number): LogWriter {
    const next = LogWriter.create(paths);
    next.#masker = this.#masker?.renew(undefined, attemptId);
    next.#assembler.carryOn(this.#assembler, time);
    next.#settle('stdout', time, this.cursor ?? '');
    next.#keep();
    return next;
  }

  #sealNow(outcome: Pick<LogSeal, 'complete' | 'problem'>): LogSeal {
    return { lines: this.lines, bytes: this.bytes, sha256: this.#hashNow().copy().digest('hex'), ...outcome };
  }

  #push(stream: MaskedStream, time: number, output: Uint8Array): void {
    if (this.#masker === undefined) this.#assembler.push(stream, time, output);
    else for (const piece of this.#masker.push(stream, output)) this.#assembler.push(stream, time, piece);
  }

  #settle(stream: MaskedStream, time: number, cursor: string): void {
    for (const { stream: masked, sealed } of this.#masker?.changes() ?? []) this.#assembler.pushMasking(masked, time, sealed);
    this.#assembler.settle(stream, time, cursor);
  }

  /** Gives out what masking holds back, and writes down in the same stroke that it holds nothing any more. */
  #endMasking(masker: LogMasker, time: number): void {
    for (const stream of MASKED_STREAMS) {
      const rest = masker.end(stream);
      if (rest.length === 0) continue;
      this.#assembler.push(stream, time, rest);
      this.#settle(stream, time, '');
    }
  }

  /** What is missing because masking held it back and nobody came with the key. */
  #heldForEver(): string | undefined {
    const streams = MASKED_STREAMS.filter((stream) => (this.#sealedStates.get(stream)?.length ?? 0) > 0);
    return streams.length === 0 ? undefined : `the end of ${streams.join(' and ')} was held back by masking, and its key was not given`;
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
    if (this.bytes > 0 && !hashBeginning(this.#open().data, this.bytes, hash))
      throw new GoferError('INTERNAL', `${this.#paths.data} has become shorter than its index says`);
    this.#hash = hash;
    return hash;
  }

  #recover({ data, index }: OpenFiles): void {
    for (const { record, end } of settledRecords(index, fstatSync(data).size)) {
      this.#indexBytes = end;
      if (record === undefined) continue;
      this.#count(record);
      this.#assembler.restore(record);
      if (record.masking && record.stream !== 'gofer') this.#sealedStates.set(record.stream, record.tail);
    }
  }
}

function cannotGoOn(attemptId: string, how: string): GoferError {
  return new GoferError('FAILED_PRECONDITION', `the log of attempt ${attemptId} was begun with masking ${how}`);
}
