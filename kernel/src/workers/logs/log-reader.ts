import { closeSync, fstatSync, openSync } from 'node:fs';
import { GoferError } from '@gofer/contracts';
import type { BatchLines } from './batch-rendering.ts';
import { renderBatch } from './batch-rendering.ts';
import type { IndexRecord } from './index-format.ts';
import { SEAL_SLOT_BYTES } from './index-format.ts';
import { IndexScanner } from './index-scanner.ts';
import { MAX_LINE_BYTES } from './line-assembler.ts';
import type { LogPaths } from './log-files.ts';
import { readFully } from './log-files.ts';
import type { LogBatch, LogReadRequest, LogRun } from './log-store.ts';

const BATCH_BYTES = 256 * 1024;
/** Short lines cost more than their bytes once they are rendered. */
const BATCH_LINES = 8192;
/** A batch of many small records ends here, so that no batch holds the thread for long. */
const BATCH_RECORDS = 8192;
const BLOCK_BYTES = 64 * 1024;
const NEWLINE = 10;

/** A record and where it is. */
interface Located {
  readonly record: IndexRecord;
  /** Where it begins in the index, and its lines in the data. */
  readonly indexAt: number;
  readonly dataAt: number;
}

/**
 * A place in one log from which batches are read. It shares nothing with the writer but the files. The cursor of a batch is the place
 * behind it: where the next record is in the index and in the data, how far into its lines, and the next line's number.
 */
export class LogReader {
  readonly #data: number;
  readonly #index: number;
  readonly #format: LogReadRequest['format'];
  readonly #scanner: IndexScanner;
  /** Records scanned and not yet delivered to their end; the first is delivered up to `#within`. */
  #queue: Located[] = [];
  #within = 0;
  /** Where the data of the next record to be scanned begins. */
  #dataAt = 0;
  #line = 0;
  /** Lines still to be passed over before the first that is delivered. */
  #skip = 0;

  constructor(paths: LogPaths, from: LogReadRequest['from'], format: LogReadRequest['format']) {
    this.#format = format;
    this.#index = openSync(paths.index, 'r');
    try {
      this.#data = openSync(paths.data, 'r');
    } catch (error) {
      closeSync(this.#index);
      throw error;
    }
    this.#scanner = new IndexScanner(this.#index, SEAL_SLOT_BYTES);
    try {
      if (from !== undefined && 'cursor' in from) this.#seek(from.cursor);
      else if (from !== undefined) this.#skip = from.line;
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The next lines, or undefined at the end of what is kept. */
  next(): LogBatch | undefined {
    this.#pass();
    this.#fill();
    const lines = this.#split();
    return lines === undefined ? undefined : renderBatch(lines, this.#format, this.#cursor());
  }

  close(): void {
    closeSync(this.#index);
    closeSync(this.#data);
  }

  #cursor(): string {
    const first = this.#queue[0];
    const place = first === undefined ? [this.#scanner.position, this.#dataAt, 0] : [first.indexAt, first.dataAt, this.#within];
    return [...place, this.#line].map((part) => part.toString(36)).join('.');
  }

  #seek(cursor: string): void {
    const wrong = (): GoferError =>
      new GoferError('INVALID_ARGUMENT', `${JSON.stringify(cursor.slice(0, 80))} is not a cursor of this log`);
    if (!/^[0-9a-z]{1,11}(\.[0-9a-z]{1,11}){3}$/.test(cursor)) throw wrong();
    const [indexAt = 0, dataAt = 0, within = 0, line = 0] = cursor.split('.').map((part) => Number.parseInt(part, 36));
    if (indexAt < SEAL_SLOT_BYTES || dataAt + within > fstatSync(this.#data).size) throw wrong();
    this.#scanner.position = indexAt;
    this.#dataAt = dataAt;
    this.#line = line;
    this.#fill();
    const first = this.#queue[0]?.record.dataBytes ?? 0;
    const atEnd = this.#scanner.position === indexAt;
    if (within > first || (atEnd && fstatSync(this.#index).size !== indexAt)) throw wrong();
    this.#within = within;
  }

  /** Passes over lines: whole records without touching their data, then the lines within one. */
  #pass(): void {
    while (this.#skip > 0) {
      const indexAt = this.#scanner.position;
      const record = this.#scanner.next();
      if (record === undefined) return;
      if (record.lines > this.#skip) {
        this.#queue.push({ record, indexAt, dataAt: this.#dataAt });
        this.#passWithin(this.#dataAt);
      }
      this.#dataAt += record.dataBytes;
      const passed = Math.min(record.lines, this.#skip);
      this.#skip -= passed;
      this.#line += passed;
    }
  }

  /** Every line passed over here ends with a newline: only a record's last one may lack it, and that is not passed over. */
  #passWithin(dataAt: number): void {
    const block = Buffer.allocUnsafe(BLOCK_BYTES);
    for (let left = this.#skip; left > 0; ) {
      const count = readFully(this.#data, block, dataAt + this.#within);
      if (count === 0) throw shorter();
      let at = 0;
      while (at < count && left > 0) {
        const newline = block.subarray(0, count).indexOf(NEWLINE, at);
        if (newline >= 0) left--;
        at = newline < 0 ? count : newline + 1;
      }
      this.#within += at;
    }
  }

  /** Scans records until a batch is full. */
  #fill(): void {
    let bytes = -this.#within;
    for (const { record } of this.#queue) bytes += record.dataBytes;
    while (bytes < BATCH_BYTES && this.#queue.length < BATCH_RECORDS) {
      const indexAt = this.#scanner.position;
      const record = this.#scanner.next();
      if (record === undefined) return;
      if (record.dataBytes === 0) continue;
      this.#queue.push({ record, indexAt, dataAt: this.#dataAt });
      this.#dataAt += record.dataBytes;
      bytes += record.dataBytes;
    }
  }

  /** Reads the data at the head of the queue, finds its lines and moves behind them. */
  #split(): BatchLines | undefined {
    const head = this.#queue[0];
    const last = this.#queue.at(-1);
    if (head === undefined || last === undefined) return undefined;
    const start = head.dataAt + this.#within;
    const available = last.dataAt + last.record.dataBytes - start;
    const lines = this.#splitBlock(start, Math.min(available, BATCH_BYTES));
    // One line may be longer than a batch, and never longer than this.
    return lines ?? this.#splitBlock(start, Math.min(available, MAX_LINE_BYTES + 1));
  }

  #splitBlock(start: number, length: number): BatchLines | undefined {
    const block = Buffer.allocUnsafeSlow(length);
    if (readFully(this.#data, block, start) < length) throw shorter();
    const ends = new Uint32Array(Math.min(length, BATCH_LINES));
    const runs: LogRun[] = [];
    const continued: number[] = [];
    let count = 0;
    let at = 0;
    let done = 0;
    let within = this.#within;
    for (const { record } of this.#queue) {
      const recordEnd = at + record.dataBytes - within;
      const limit = Math.min(recordEnd, length);
      const before = count;
      while (at < limit && count < ends.length) {
        let end = at;
        while (end < limit && block[end] !== NEWLINE) end++;
        // A line ends with its newline, or with its record; otherwise the rest of it is behind this block.
        if (end < limit) end++;
        else if (limit < recordEnd) break;
        else if (record.continued) continued.push(count);
        ends[count++] = end;
        at = end;
      }
      if (count > before)
        runs.push({
          stream: record.stream,
          time: record.time,
          lines: count - before,
        });
      if (at < recordEnd) {
        within = record.dataBytes - (recordEnd - at);
        break;
      }
      within = 0;
      done++;
    }
    if (count === 0) return undefined;
    this.#queue.splice(0, done);
    this.#within = within;
    const firstLine = this.#line;
    this.#line += count;
    return {
      firstLine,
      text: block.subarray(0, at),
      ends: ends.subarray(0, count),
      runs,
      continued,
    };
  }
}

function shorter(): GoferError {
  return new GoferError('INTERNAL', 'the log is shorter than its index says');
}
