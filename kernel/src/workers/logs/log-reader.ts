import { closeSync, fstatSync, openSync } from 'node:fs';
import { GoferError } from '@gofer/contracts';
import type { BatchForm, BatchLines } from './batch-rendering.ts';
import { renderBatch } from './batch-rendering.ts';
import { countNewlines } from './count-newlines.ts';
import type { IndexRecord } from './index-format.ts';
import { SEAL_SLOT_BYTES } from './index-format.ts';
import { IndexScanner } from './index-scanner.ts';
import { MAX_LINE_BYTES } from './line-assembler.ts';
import type { LineSelection } from './line-selection.ts';
import { LineMatcher } from './line-selection.ts';
import type { LogPaths } from './log-files.ts';
import { readFully } from './log-files.ts';
import type { LogBatch, LogReadRequest, LogRun } from './log-store.ts';
import { pickLines, withoutFirst } from './pick-lines.ts';

const BATCH_BYTES = 256 * 1024;
/** Short lines cost more than their bytes once they are rendered. */
const BATCH_LINES = 8192;
/** A batch of many small records ends here, so that no batch holds the thread for long. */
const BATCH_RECORDS = 8192;
const BLOCK_BYTES = 64 * 1024;
/** Of so many records one is a place to begin at. */
const PLACE_RECORDS = 8192;
/** A search gives the thread away so often, milliseconds: others read and write there too. */
const SLICE_MS = 20;
const NEWLINE = 10;

/** Nothing was found yet and there is more to look at. `passedTo`: the cursor of what was looked at; absent where it must be looked at again. */
export interface LogProgress {
  readonly passedTo?: string;
}

type Stretch = Pick<IndexRecord, 'stream' | 'time'>;

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
  readonly #form: BatchForm;
  readonly #select: LineSelection | undefined;
  readonly #matcher: LineMatcher | undefined;
  /** Counted from 0; lines from there on are not delivered. */
  readonly #end: number;
  readonly #scanner: IndexScanner;
  /** Records scanned and not yet delivered to their end; the first is delivered up to `#within`. */
  #queue: Located[] = [];
  #within = 0;
  /** Where the data of the next record to be scanned begins. */
  #dataAt = 0;
  #line = 0;
  /** Lines still to be passed over before the first that is delivered. */
  #skip = 0;
  /** How many of the last lines that are selected are wanted; undefined where their beginning is known. */
  #tail: number | undefined;
  /** Where blocks begin that have the last lines in them, and how many are in each. */
  readonly #found: { readonly cursor: string; readonly count: number }[] = [];
  #foundLines = 0;
  /** Lines still to be left out of those that are found. */
  #surplus = 0;

  constructor(paths: LogPaths, { from, select, ...form }: Omit<LogReadRequest, 'signal'>) {
    this.#form = form;
    this.#select = select;
    this.#matcher = select?.grep === undefined ? undefined : new LineMatcher(select.grep);
    this.#end = select?.lines?.end ?? Number.POSITIVE_INFINITY;
    const isResumed = from !== undefined && 'cursor' in from;
    if (!isResumed) this.#tail = select?.tail;
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
      this.#skip = Math.max(this.#skip, (select?.lines?.first ?? 0) - this.#line);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The next lines, or undefined at the end of what is kept. */
  next(): LogBatch | LogProgress | undefined {
    const until = performance.now() + SLICE_MS;
    for (;;) {
      const counts = this.#tail !== undefined;
      if (counts && this.#matcher === undefined) this.#findTail(this.#tail ?? 0);
      const lines = this.#tail === undefined ? this.#nextLines() : this.#searchTail(this.#tail);
      if (lines === undefined) {
        if (this.#tail === undefined) return undefined;
        this.#beginTail(this.#tail);
      } else if (lines !== 'none') return renderBatch(lines, this.#form, this.#cursor());
      if (performance.now() > until) return this.#tail === undefined && this.#surplus === 0 ? { passedTo: this.#cursor() } : {};
    }
  }

  /** The last line that is wanted has been passed. */
  get isPastEnd(): boolean {
    return this.#line >= this.#end;
  }

  /** Of a sealed log that was read to its end: rejects with `DATA_LOSS` where that is not the end of what was kept. */
  assertWhole(): void {
    const size = fstatSync(this.#index).size;
    if (this.isPastEnd || this.#scanner.position >= size) return;
    throw new GoferError(
      'DATA_LOSS',
      `The log's index is damaged at its byte ${this.#scanner.position}: lines from number ${this.#line + 1} on cannot be told apart. Its bytes can still be read raw.`,
    );
  }

  /** `none`: a block was looked at, and nothing in it is selected. */
  #nextLines(): BatchLines | 'none' | undefined {
    this.#pass();
    this.#passUnwanted();
    if (this.isPastEnd) return undefined;
    this.#fill();
    const lines = this.#split();
    if (this.#select === undefined || lines === undefined || lines === 'none') return lines;
    const { stream, since, grep } = this.#select;
    // Lines that follow each other need no numbers, and no picking.
    if (stream === undefined && since === undefined && grep === undefined) return lines;
    const picked = pickLines(lines, (run) => this.#wants(run), this.#matcher);
    if (picked === undefined || this.#surplus === 0) return picked ?? 'none';
    const dropped = Math.min(this.#surplus, picked.ends.length);
    this.#surplus -= dropped;
    return dropped === picked.ends.length ? 'none' : withoutFirst(picked, dropped);
  }

  #wants({ stream, time }: Stretch): boolean {
    const select = this.#select;
    return (select?.stream ?? stream) === stream && time >= (select?.since ?? time);
  }

  /** Where the last lines begin is known from the index alone: it is passed over once, and then from a place near them. */
  #findTail(wanted: number): void {
    this.#tail = undefined;
    let before = 0;
    let records = 0;
    const places: { readonly position: number; readonly dataAt: number; readonly line: number; readonly before: number }[] = [];
    this.#scanner.skim((extent) => {
      if (records++ % PLACE_RECORDS === 0)
        places.push({ position: this.#scanner.position, dataAt: this.#dataAt, line: this.#line, before });
      this.#dataAt += extent.dataBytes;
      this.#line += extent.lines;
      if (this.#wants(extent)) before += extent.lines;
      return false;
    });
    const first = Math.max(0, before - wanted);
    const place = places.findLast((one) => one.before <= first);
    if (place === undefined) return;
    this.#scanner.moveTo(place.position);
    this.#dataAt = place.dataAt;
    this.#line = place.line;
    this.#skip = first - place.before;
    this.#pass((extent) => this.#wants(extent));
  }

  /** Remembers where the last lines are, as nobody knows before the end which these are. */
  #searchTail(wanted: number): 'none' | undefined {
    const cursor = this.#cursor();
    const lines = this.#nextLines();
    if (lines === undefined || lines === 'none') return lines;
    this.#found.push({ cursor, count: lines.ends.length });
    this.#foundLines += lines.ends.length;
    for (let first = this.#found[0]; first !== undefined && this.#foundLines - first.count >= wanted; first = this.#found[0]) {
      this.#foundLines -= first.count;
      this.#found.shift();
    }
    return 'none';
  }

  #beginTail(wanted: number): void {
    this.#tail = undefined;
    const first = this.#found[0];
    if (first === undefined) return;
    this.#surplus = Math.max(0, this.#foundLines - wanted);
    this.#seek(first.cursor);
    this.#found.length = 0;
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
    this.#scanner.moveTo(indexAt);
    this.#queue = [];
    this.#within = 0;
    this.#dataAt = dataAt;
    this.#line = line;
    this.#fill();
    const first = this.#queue[0]?.record.dataBytes ?? 0;
    const atEnd = this.#scanner.position === indexAt;
    if (within > first || (atEnd && fstatSync(this.#index).size !== indexAt)) throw wrong();
    this.#within = within;
  }

  /** Passes over lines (only those that count): whole records without touching their data, then the lines within one. */
  #pass(counts: (extent: Stretch) => boolean = () => true): void {
    if (this.#skip === 0) return;
    this.#passQueued();
    const stopped = this.#scanner.skim((extent) => {
      const counted = counts(extent);
      if (this.#skip === 0 || (counted && extent.lines > this.#skip)) return true;
      this.#dataAt += extent.dataBytes;
      this.#line += extent.lines;
      if (counted) this.#skip -= extent.lines;
      return false;
    });
    if (!stopped || this.#skip === 0) return;
    const indexAt = this.#scanner.position;
    const record = this.#scanner.next();
    if (record === undefined) return;
    this.#queue.push({ record, indexAt, dataAt: this.#dataAt });
    this.#passWithin(this.#dataAt);
    this.#dataAt += record.dataBytes;
    this.#line += this.#skip;
    this.#skip = 0;
  }

  /** Behind a cursor records may be waiting already. */
  #passQueued(): void {
    for (let head = this.#queue[0]; head !== undefined && this.#skip > 0; head = this.#queue[0]) {
      const start = head.dataAt + this.#within;
      const rest = Buffer.allocUnsafe(head.record.dataBytes - this.#within);
      if (readFully(this.#data, rest, start) < rest.length) throw shorter(start);
      const lines = linesIn(rest);
      if (lines > this.#skip) {
        this.#passWithin(head.dataAt);
        this.#line += this.#skip;
        this.#skip = 0;
        return;
      }
      this.#line += lines;
      this.#skip -= lines;
      this.#within = 0;
      this.#queue.shift();
    }
  }

  /** Passes over records of which nothing is wanted, at the head of what comes: their data is not read. */
  #passUnwanted(): void {
    if (this.#select?.stream === undefined && this.#select?.since === undefined) return;
    for (let head = this.#queue[0]; head !== undefined && this.#within === 0 && !this.#wants(head.record); head = this.#queue[0]) {
      this.#line += head.record.lines;
      this.#queue.shift();
    }
    if (this.#queue.length > 0) return;
    this.#scanner.skim((extent) => {
      if (extent.dataBytes > 0 && this.#wants(extent)) return true;
      this.#dataAt += extent.dataBytes;
      this.#line += extent.lines;
      return false;
    });
  }

  /** Every line passed over here ends with a newline: only a record's last one may lack it, and that is not passed over. */
  #passWithin(dataAt: number): void {
    const block = Buffer.allocUnsafe(BLOCK_BYTES);
    for (let left = this.#skip; left > 0; ) {
      const count = readFully(this.#data, block, dataAt + this.#within);
      if (count === 0) throw shorter(dataAt + this.#within);
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
  #split(): BatchLines | 'none' | undefined {
    const head = this.#queue[0];
    const last = this.#queue.at(-1);
    if (head === undefined || last === undefined) return undefined;
    const start = head.dataAt + this.#within;
    const available = last.dataAt + last.record.dataBytes - start;
    const lines = this.#splitBlock(start, Math.min(available, BATCH_BYTES));
    // One line may be longer than a batch, and never longer than this.
    return lines ?? this.#splitBlock(start, Math.min(available, MAX_LINE_BYTES + 1));
  }

  /** Moves behind the whole lines of a block in which there is nothing. */
  #passBlock(block: Buffer): 'none' | undefined {
    let at = 0;
    let done = 0;
    let within = this.#within;
    let lines = 0;
    for (const { record } of this.#queue) {
      const end = at + record.dataBytes - within;
      if (end > block.length) {
        const behind = block.subarray(at).lastIndexOf(NEWLINE) + 1;
        lines += countNewlines(block.subarray(at, at + behind));
        at += behind;
        within += behind;
        break;
      }
      lines += within === 0 ? record.lines : linesIn(block.subarray(at, end));
      at = end;
      within = 0;
      done++;
    }
    if (at === 0) return undefined;
    this.#queue.splice(0, done);
    this.#within = within;
    this.#line += lines;
    return 'none';
  }

  #splitBlock(start: number, length: number): BatchLines | 'none' | undefined {
    const block = Buffer.allocUnsafeSlow(length);
    if (readFully(this.#data, block, start) < length) throw shorter(start);
    const literal = this.#matcher?.literal;
    if (literal !== undefined && this.#end === Number.POSITIVE_INFINITY && block.indexOf(literal) < 0) return this.#passBlock(block);
    // Of what is searched little is delivered; the rest need not be read again.
    const most = this.#matcher === undefined ? Math.min(length, BATCH_LINES) : length;
    const ends = new Uint32Array(Math.min(most, this.#end - this.#line));
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

/** Whole lines; the last may lack its newline. */
function linesIn(bytes: Uint8Array): number {
  return countNewlines(bytes) + (bytes.length > 0 && bytes.at(-1) !== NEWLINE ? 1 : 0);
}

function shorter(at: number): GoferError {
  return new GoferError(
    'DATA_LOSS',
    `The log's file is shorter than its index says: it ends behind byte ${at}. What is there can still be read raw.`,
  );
}
