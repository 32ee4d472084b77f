/**
 * The sparse index beside a log's data. It begins with a slot of fixed size, allocated when the log is made, so that the seal can be
 * written even when the disk has become full. Behind it stand records, one for each run of lines that came together: how many bytes
 * and lines of the data are theirs, which stream, when, the source's cursor behind them, and the start of a line that is not complete
 * yet (it moves into the data when it is). Some records carry, in the place of that, what masking holds back, sealed: readers pass over
 * them, as no data is theirs. Each record carries a checksum: what a crash tore is recognised and cut.
 */
import { crc32 } from 'node:zlib';
import type { LogSeal, LogStream } from './log-store.ts';

export interface IndexRecord {
  readonly stream: LogStream;
  /** Epoch milliseconds. */
  readonly time: number;
  /** Bytes of the data that belong to this record. */
  readonly dataBytes: number;
  /** Lines in them; the last may lack its newline (the record's end is its end). */
  readonly lines: number;
  /** The last line is a piece of a longer one. */
  readonly continued: boolean;
  /** The record stands at the end of a chunk of the source: a log can be resumed behind it. */
  readonly settled: boolean;
  /** Behind this record the stream's incomplete line is `tail` alone; otherwise `tail` is added to it. */
  readonly restart: boolean;
  /** `tail` is no part of a line, but what the stream's masking holds back behind this record, sealed; empty where that is nothing. */
  readonly masking: boolean;
  readonly tail: Uint8Array;
  /** The source's cursor behind this record; empty where it has not moved. */
  readonly cursor: string;
}

export const SEAL_SLOT_BYTES = 512;
const MAX_PROBLEM_BYTES = 400;
const MAGIC = Buffer.from('gofer log index 1\n\0\0');
const SEAL_AT = 24;
const SEAL_FIXED_BYTES = 56;

/** Header: crc u32 · flags and stream u8 ×2 · cursor length u16 · data bytes u32 · lines u32 · tail bytes u32 · time f64. */
export const RECORD_HEADER_BYTES = 28;
const STREAMS: readonly LogStream[] = ['stdout', 'stderr', 'gofer'];
const CONTINUED = 1;
const SETTLED = 2;
const RESTART = 4;
const MASKING = 8;

export function encodeRecords(records: readonly IndexRecord[]): Buffer {
  let size = 0;
  for (const record of records) size += RECORD_HEADER_BYTES + Buffer.byteLength(record.cursor) + record.tail.length;
  const out = Buffer.allocUnsafe(size);
  let at = 0;
  for (const record of records) {
    const start = at;
    const cursorBytes = out.write(record.cursor, start + RECORD_HEADER_BYTES);
    out[start + 4] =
      (record.continued ? CONTINUED : 0) | (record.settled ? SETTLED : 0) | (record.restart ? RESTART : 0) | (record.masking ? MASKING : 0);
    out[start + 5] = STREAMS.indexOf(record.stream);
    out.writeUInt16LE(cursorBytes, start + 6);
    out.writeUInt32LE(record.dataBytes, start + 8);
    out.writeUInt32LE(record.lines, start + 12);
    out.writeUInt32LE(record.tail.length, start + 16);
    out.writeDoubleLE(record.time, start + 20);
    out.set(record.tail, start + RECORD_HEADER_BYTES + cursorBytes);
    at = start + RECORD_HEADER_BYTES + cursorBytes + record.tail.length;
    out.writeUInt32LE(crc32(out.subarray(start + 4, at)), start);
  }
  return out;
}

/** How long the record is that begins there, with at least a header of it. */
export function recordSize(bytes: Buffer, at: number): number {
  return RECORD_HEADER_BYTES + bytes.readUInt16LE(at + 6) + bytes.readUInt32LE(at + 16);
}

/** Which lines a record is about. */
export type RecordExtent = Pick<IndexRecord, 'stream' | 'time' | 'dataBytes' | 'lines'>;

/** The same for the record that begins there, by its header alone; undefined where that is none. */
export function decodeExtent(bytes: Buffer, at: number): RecordExtent | undefined {
  const stream = STREAMS[bytes[at + 5] ?? STREAMS.length];
  if (stream === undefined) return undefined;
  return { stream, time: bytes.readDoubleLE(at + 20), dataBytes: bytes.readUInt32LE(at + 8), lines: bytes.readUInt32LE(at + 12) };
}

/** The record in exactly these bytes, or undefined where they are not one. */
export function decodeRecord(bytes: Buffer): IndexRecord | undefined {
  const stream = STREAMS[bytes[5] ?? STREAMS.length];
  if (stream === undefined || crc32(bytes.subarray(4)) !== bytes.readUInt32LE(0)) return undefined;
  const flags = bytes[4] ?? 0;
  const tailAt = RECORD_HEADER_BYTES + bytes.readUInt16LE(6);
  return {
    stream,
    time: bytes.readDoubleLE(20),
    dataBytes: bytes.readUInt32LE(8),
    lines: bytes.readUInt32LE(12),
    continued: (flags & CONTINUED) !== 0,
    settled: (flags & SETTLED) !== 0,
    restart: (flags & RESTART) !== 0,
    masking: (flags & MASKING) !== 0,
    tail: bytes.subarray(tailAt),
    cursor: bytes.toString('utf8', RECORD_HEADER_BYTES, tailAt),
  };
}

/** The slot at the index's beginning, with the seal or still open. */
export function encodeSlot(seal?: LogSeal): Buffer {
  const slot = Buffer.alloc(SEAL_SLOT_BYTES);
  MAGIC.copy(slot);
  if (seal === undefined) return slot;
  const problem = Buffer.from(seal.problem ?? '');
  slot[SEAL_AT + 4] = seal.complete ? 1 : 0;
  slot.writeUInt16LE(problem.length, SEAL_AT + 6);
  slot.writeDoubleLE(seal.lines, SEAL_AT + 8);
  slot.writeDoubleLE(seal.bytes, SEAL_AT + 16);
  slot.write(seal.sha256, SEAL_AT + 24, 'hex');
  problem.copy(slot, SEAL_AT + SEAL_FIXED_BYTES);
  slot.writeUInt32LE(crc32(slot.subarray(SEAL_AT + 4)), SEAL_AT);
  return slot;
}

/** The seal in a slot; undefined where the log is open, and `torn` where this is no slot at all. */
export function decodeSlot(slot: Buffer): LogSeal | 'torn' | undefined {
  if (slot.length < SEAL_SLOT_BYTES || !slot.subarray(0, MAGIC.length).equals(MAGIC)) return 'torn';
  if (crc32(slot.subarray(SEAL_AT + 4)) !== slot.readUInt32LE(SEAL_AT)) return undefined;
  const problemAt = SEAL_AT + SEAL_FIXED_BYTES;
  const problem = slot.toString('utf8', problemAt, problemAt + slot.readUInt16LE(SEAL_AT + 6));
  return {
    lines: slot.readDoubleLE(SEAL_AT + 8),
    bytes: slot.readDoubleLE(SEAL_AT + 16),
    sha256: slot.toString('hex', SEAL_AT + 24, SEAL_AT + SEAL_FIXED_BYTES),
    ...(slot[SEAL_AT + 4] === 1 ? { complete: true } : { complete: false, problem }),
  };
}

/** A problem's text, cut so that it fits the slot. */
export function fitProblem(problem: string): string {
  const bytes = Buffer.from(problem);
  if (bytes.length <= MAX_PROBLEM_BYTES) return problem;
  return new TextDecoder().decode(bytes.subarray(0, MAX_PROBLEM_BYTES - 3), {
    stream: true,
  });
}
