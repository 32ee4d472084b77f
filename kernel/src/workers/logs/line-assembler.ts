import { countNewlines } from './count-newlines.ts';
import type { IndexRecord } from './index-format.ts';
import type { LogStream } from './log-store.ts';

/** The longest line kept in one piece, without its newline. */
export const MAX_LINE_BYTES = 1024 * 1024;

const NEWLINE = 10;
const EMPTY = new Uint8Array(0);
const NOTHING = { lines: 0, continued: false, settled: false, restart: false, masking: false, tail: EMPTY, cursor: '' };
/** Records are joined only while that copies little. */
const MAX_JOINED_TAIL_BYTES = 4096;

/** The incomplete line of one stream: a buffer that grows, so that a line that comes byte by byte costs no object a byte. */
class Tail {
  length = 0;
  #buffer = EMPTY;

  add(bytes: Uint8Array): void {
    const needed = this.length + bytes.length;
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(256, needed, Math.min(this.#buffer.length * 2, MAX_LINE_BYTES)));
      grown.set(this.bytes());
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.length);
    this.length = needed;
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.length);
  }

  /** Empties it and gives what was in it away. */
  take(): Uint8Array {
    const taken = this.bytes();
    this.#buffer = EMPTY;
    this.length = 0;
    return taken;
  }
}

/**
 * Turns the pieces of two streams, cut anywhere, into data in which every line stands whole, and the records that describe it. Bytes
 * of one stream keep their order; a line takes its place when it is complete. What is not complete yet travels in the records.
 */
export class LineAssembler {
  readonly #tails = { stdout: new Tail(), stderr: new Tail() };
  #data: Uint8Array[] = [];
  #records: IndexRecord[] = [];

  /** Takes (part of) a chunk. What `take` gives refers to its memory. */
  push(stream: 'stdout' | 'stderr', time: number, bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) rest = this.#pushPart(stream, time, rest, Math.min(rest.length, MAX_LINE_BYTES));
  }

  /** Takes what masking holds back of a stream, sealed. It belongs before `settle`: where it is torn off, the chunk is read again. */
  pushMasking(stream: 'stdout' | 'stderr', time: number, sealed: Uint8Array): void {
    this.#add({ ...NOTHING, stream, time, masking: true, tail: sealed }, []);
  }

  /** A chunk ends here, and with it all before it: behind this the log can be resumed, from the source's cursor. */
  settle(stream: 'stdout' | 'stderr', time: number, cursor: string): void {
    const last = this.#records.at(-1);
    if (last === undefined || last.settled) this.#add({ ...NOTHING, stream, time, settled: true, cursor }, []);
    else this.#records[this.#records.length - 1] = { ...last, settled: true, cursor };
  }

  /** Takes over the incomplete lines of another one. */
  carryOn(from: LineAssembler, time: number): void {
    for (const stream of ['stdout', 'stderr'] as const) this.push(stream, time, from.#tails[stream].bytes());
  }

  /** Takes whole lines that no source gave. */
  pushLines(stream: LogStream, time: number, bytes: Uint8Array): void {
    this.#add({ ...NOTHING, stream, time, lines: countNewlines(bytes), settled: true }, [bytes]);
  }

  /** What is incomplete at the end is a line all the same. */
  end(time: number): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const tail = this.#tails[stream];
      if (tail.length === 0) continue;
      // A record of its own: its end is what ends the line.
      this.#add({ ...NOTHING, stream, time, lines: 1, settled: true, restart: true }, [tail.take()], false);
    }
  }

  /** Puts back what a record says about its stream's incomplete line. */
  restore(record: IndexRecord): void {
    if (record.stream === 'gofer' || record.masking) return;
    const tail = this.#tails[record.stream];
    if (record.restart) tail.take();
    tail.add(record.tail);
  }

  /** What has been assembled since the last time. */
  take(): { readonly data: readonly Uint8Array[]; readonly records: readonly IndexRecord[] } {
    const taken = { data: this.#data, records: this.#records };
    this.#data = [];
    this.#records = [];
    return taken;
  }

  /** Handles at most `limit` bytes, at least one, and returns what is left. */
  #pushPart(stream: 'stdout' | 'stderr', time: number, bytes: Uint8Array, limit: number): Uint8Array {
    const part = bytes.subarray(0, limit);
    const tail = this.#tails[stream];
    const first = part.indexOf(NEWLINE);
    const firstLength = tail.length + (first < 0 ? part.length : first);
    if (firstLength > MAX_LINE_BYTES) {
      const used = cutAt(part, MAX_LINE_BYTES - tail.length);
      this.#add({ ...NOTHING, stream, time, lines: 1, continued: true, restart: true }, [tail.take(), part.subarray(0, used)]);
      return bytes.subarray(used);
    }
    if (first < 0) {
      tail.add(part);
      // `part` may be memory of the source's: what is kept in the record is read before the source is asked again.
      this.#add({ ...NOTHING, stream, time, tail: part }, []);
      return bytes.subarray(part.length);
    }
    const whole = part.subarray(0, part.lastIndexOf(NEWLINE) + 1);
    const left = part.subarray(whole.length);
    const head = tail.take();
    tail.add(left);
    const record = { ...NOTHING, stream, time, lines: countNewlines(whole), restart: true, tail: left };
    this.#add(record, head.length === 0 ? [whole] : [head, whole]);
    return bytes.subarray(part.length);
  }

  /** Adds a record, joined with the one before it where both are of the same stream and time. */
  #add(record: Omit<IndexRecord, 'dataBytes'>, data: readonly Uint8Array[], joinable = true): void {
    let dataBytes = 0;
    for (const piece of data) {
      dataBytes += piece.length;
      if (piece.length > 0) this.#data.push(piece);
    }
    const last = this.#records.at(-1);
    const joins =
      joinable &&
      last !== undefined &&
      last.stream === record.stream &&
      last.time === record.time &&
      !last.continued &&
      !last.masking &&
      !record.masking &&
      (record.restart || last.tail.length + record.tail.length <= MAX_JOINED_TAIL_BYTES);
    if (!joins) {
      this.#records.push({ ...record, dataBytes });
      return;
    }
    this.#records[this.#records.length - 1] = {
      ...record,
      dataBytes: last.dataBytes + dataBytes,
      lines: last.lines + record.lines,
      restart: last.restart || record.restart,
      tail: record.restart ? record.tail : last.tail.length === 0 ? record.tail : Buffer.concat([last.tail, record.tail]),
      cursor: record.cursor === '' ? last.cursor : record.cursor,
    };
  }
}

/** The place at or a little before `limit` where no UTF-8 sequence is cut in two. */
function cutAt(bytes: Uint8Array, limit: number): number {
  let at = limit;
  while (at > limit - 3 && at > 1 && ((bytes[at] ?? 0) & 0xc0) === 0x80) at--;
  return ((bytes[at] ?? 0) & 0xc0) === 0x80 ? limit : at;
}
