/**
 * The output of one fake task. Bursts are kept as a description and rendered when they are read, so a task of gigabytes costs nothing
 * before somebody reads it. A cursor is the number of bytes up to and with its chunk.
 */

import type { LogChunk } from '@gofer/contracts';
import { GoferError } from '@gofer/contracts';

type Stream = LogChunk['stream'];

const LARGEST_CHUNK = 64 * 1024;
const LINES_PER_SEGMENT = 1000;

interface Segment {
  readonly stream: Stream;
  readonly time: number;
  /** Offset of its first byte in the whole output. */
  readonly start: number;
  readonly size: number;
  /** The bytes from `from`, at most `LARGEST_CHUNK`. */
  readonly read: (from: number) => Uint8Array;
}

export class FakeOutput {
  #segments: Segment[] = [];
  #size = 0;
  #ended = false;
  #forgotten = 0;
  #wake: (() => void)[] = [];

  print(stream: Stream, bytes: Uint8Array): void {
    this.#append(stream, bytes.byteLength, (from) => bytes.slice(from, from + LARGEST_CHUNK));
  }

  fill(stream: Stream, count: number): void {
    this.#append(stream, count, (from) => new Uint8Array(Math.min(LARGEST_CHUNK, count - from)).fill(0x78));
  }

  /** `line <first>` and so on. */
  lines(stream: Stream, first: number, count: number): void {
    for (let from = first; from < first + count; from += LINES_PER_SEGMENT) {
      const end = Math.min(first + count, from + LINES_PER_SEGMENT);
      let size = 0;
      for (let line = from; line < end; line++) size += String(line).length + 'line \n'.length;
      this.#append(stream, size, (at) => renderLines(from, end).subarray(at));
    }
  }

  end(): void {
    this.#ended = true;
    this.#notify();
  }

  /** The first chunk behind `offset`, or that there is none yet, or that there will be none. */
  read(offset: number): LogChunk | 'wait' | 'end' {
    if (offset >= this.#size) return this.#ended ? 'end' : 'wait';
    const segment = this.#find(Math.max(offset, this.#forgotten));
    if (segment === undefined) return this.#ended ? 'end' : 'wait';
    const from = Math.max(offset, this.#forgotten) - segment.start;
    const bytes = segment.read(from);
    return { stream: segment.stream, time: segment.time, bytes, cursor: String(segment.start + from + bytes.byteLength) };
  }

  /** Gives up what is before `offset`: what a back end without replay does. */
  forget(offset: number): void {
    this.#forgotten = Math.max(this.#forgotten, offset);
  }

  /** Resolves when there may be more to read, or when `signal` aborts. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        resolve();
      };
      signal.addEventListener('abort', wake, { once: true });
      this.#wake.push(wake);
    });
  }

  #append(stream: Stream, size: number, read: Segment['read']): void {
    if (size === 0) return;
    this.#segments.push({ stream, time: Date.now(), start: this.#size, size, read });
    this.#size += size;
    this.#notify();
  }

  #find(offset: number): Segment | undefined {
    let low = 0;
    let high = this.#segments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const segment = this.#segments[middle];
      if (segment !== undefined && segment.start + segment.size <= offset) low = middle + 1;
      else high = middle;
    }
    return this.#segments[low];
  }

  #notify(): void {
    if (this.#wake.length === 0) return;
    for (const wake of this.#wake.splice(0)) wake();
  }
}

export function fromCursor(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  const offset = Number(cursor);
  if (!Number.isSafeInteger(offset) || offset < 0) throw new GoferError('INVALID_ARGUMENT', `"${cursor}" is not a cursor of this task`);
  return offset;
}

function renderLines(first: number, end: number): Uint8Array {
  let text = '';
  for (let line = first; line < end; line++) text += `line ${line}\n`;
  return new TextEncoder().encode(text);
}
