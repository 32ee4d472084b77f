/**
 * Output of one task that its reader has not kept yet, in order of arrival. Bytes of both streams share blocks, one piece behind the
 * other, so that a task that prints single bytes costs little more than its bytes. A position counts the bytes of both streams.
 */
import { Buffer } from 'node:buffer';
import type { OutputPiece } from '../protocol.ts';
import { Refusal } from './refusal.ts';

type Stream = OutputPiece['stream'];

interface Segment {
  readonly stream: Stream;
  readonly time: number;
  readonly from: number;
  length: number;
  readonly block: Buffer;
  readonly offset: number;
}

interface Waiter {
  readonly wake: () => void;
  readonly refuse: (reason: Refusal) => void;
}

const FIRST_BLOCK_BYTES = 4 * 1024;
const BLOCK_BYTES = 64 * 1024;
/** What a segment itself costs in memory, charged to the task. */
const SEGMENT_COST = 128;
/** Bytes that arrive this close together count as one piece. */
const SAME_TIME_MS = 20;

export interface OutputBatch {
  readonly from: number;
  readonly to: number;
  readonly pieces: readonly OutputPiece[];
  readonly parts: readonly Uint8Array[];
}

export class Output {
  /** Held segments are those from `#first` on. */
  #segments: Segment[] = [];
  #first = 0;
  #block: Buffer | undefined;
  #used = 0;
  #limit: number;
  /** Position of the first byte still held. */
  #kept: number;
  /** Position behind the last byte received. */
  #received: number;
  #ended = false;
  #onRead: (() => void) | undefined;
  #onKept: () => void = () => {};
  #reader: Waiter | undefined;

  constructor(limit: number, position = 0) {
    this.#limit = limit;
    this.#kept = position;
    this.#received = position;
  }

  get received(): number {
    return this.#received;
  }

  get kept(): number {
    return this.#kept;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get full(): boolean {
    return this.#cost >= this.#limit;
  }

  /** Room enough to go on after having been full. */
  get roomy(): boolean {
    return this.#cost <= this.#limit / 2;
  }

  get #cost(): number {
    return this.#received - this.#kept + (this.#segments.length - this.#first) * SEGMENT_COST;
  }

  set limit(bytes: number) {
    this.#limit = bytes;
  }

  /** Called once, when the end is known and everything before it was kept. */
  set onRead(callback: () => void) {
    this.#onRead = callback;
    this.#noteRead();
  }

  /** Called each time that something was forgotten. */
  set onKept(callback: () => void) {
    this.#onKept = callback;
  }

  /** Copies `bytes`, which may be reused afterwards. */
  append(stream: Stream, bytes: Buffer, time: number): void {
    let offset = 0;
    while (offset < bytes.length) {
      let block = this.#block;
      if (block === undefined || this.#used === block.length) {
        const size = block === undefined && bytes.length <= FIRST_BLOCK_BYTES ? FIRST_BLOCK_BYTES : BLOCK_BYTES;
        block = this.#block = Buffer.allocUnsafeSlow(size);
        this.#used = 0;
      }
      const length = Math.min(block.length - this.#used, bytes.length - offset);
      bytes.copy(block, this.#used, offset, offset + length);
      const last = this.#segments.length > this.#first ? this.#segments.at(-1) : undefined;
      if (last !== undefined && last.block === block && last.stream === stream && time - last.time <= SAME_TIME_MS) last.length += length;
      else
        this.#segments.push({
          stream,
          time,
          from: this.#received,
          length,
          block,
          offset: this.#used,
        });
      this.#used += length;
      this.#received += length;
      offset += length;
    }
    this.#wake();
  }

  /** Says that nothing more will come. */
  end(): void {
    this.#ended = true;
    this.#wake();
    this.#noteRead();
  }

  /** Forgets everything and calls nobody any more. */
  clear(): void {
    this.#onRead = undefined;
    this.#onKept = () => {};
    this.#segments = [];
    this.#first = 0;
    this.#block = undefined;
  }

  /** What is held behind `after`, at most `max` bytes. */
  read(after: number, max: number): OutputBatch {
    const pieces: { stream: Stream; length: number; time: number }[] = [];
    const parts: Uint8Array[] = [];
    const from = Math.min(Math.max(after, this.#kept), this.#received);
    let to = from;
    for (let index = this.#first; index < this.#segments.length && to - from < max; index++) {
      const segment = this.#segments[index];
      if (segment === undefined || segment.from + segment.length <= from) continue;
      const skip = to - segment.from;
      const length = Math.min(segment.length - skip, max - (to - from));
      parts.push(segment.block.subarray(segment.offset + skip, segment.offset + skip + length));
      const last = pieces.at(-1);
      if (last !== undefined && last.stream === segment.stream && segment.time - last.time <= SAME_TIME_MS) last.length += length;
      else pieces.push({ stream: segment.stream, length, time: segment.time });
      to += length;
    }
    return { from, to, pieces, parts };
  }

  /** Forgets everything up to `to`. */
  keep(to: number): void {
    if (to <= this.#kept) return;
    this.#kept = Math.min(to, this.#received);
    for (;;) {
      const segment = this.#segments[this.#first];
      if (segment === undefined || segment.from + segment.length > this.#kept) break;
      this.#first++;
    }
    if (this.#first === this.#segments.length) {
      this.#segments = [];
      this.#first = 0;
    } else if (this.#first > 1024 && this.#first * 2 > this.#segments.length) {
      this.#segments = this.#segments.slice(this.#first);
      this.#first = 0;
    }
    this.#onKept();
    this.#noteRead();
  }

  #noteRead(): void {
    if (!this.#ended || this.#kept !== this.#received) return;
    const onRead = this.#onRead;
    this.#onRead = undefined;
    onRead?.();
  }

  /** Resolves as soon as something is appended or the end is known. A new waiter takes the place of an older one, which is refused. */
  more(): Promise<void> {
    this.#reader?.refuse(new Refusal('CANCELLED', 'another reader took over'));
    return new Promise((wake, refuse) => {
      this.#reader = { wake, refuse };
    });
  }

  /** Whether somebody waits in `more`. */
  get awaited(): boolean {
    return this.#reader !== undefined;
  }

  /** Refuses the waiter, if there is one. */
  refuse(reason: Refusal): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.refuse(reason);
  }

  #wake(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    this.#reader = undefined;
    // One answer for all that is read in this turn of the event loop.
    setImmediate(reader.wake);
  }
}
