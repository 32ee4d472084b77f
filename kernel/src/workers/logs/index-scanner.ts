import type { IndexRecord, RecordExtent } from './index-format.ts';
import { decodeExtent, decodeRecord, RECORD_HEADER_BYTES, recordSize } from './index-format.ts';
import { readFully } from './log-files.ts';

/** Most logs are small: what is read at once grows from the first to the second. */
const FIRST_BLOCK_BYTES = 1024;
const MAX_BLOCK_BYTES = 64 * 1024;
/** A header, a cursor of 65,535 bytes and a tail of 1 MiB: what claims more is not a record. */
const MAX_RECORD_BYTES = 2 * 1024 * 1024;

/** Reads an index's records one after the other. At the end, or at what is torn, it stays where it is and can be asked again. */
export class IndexScanner {
  /** Where the next record begins; moved by `moveTo`. */
  position: number;
  readonly #fd: number;
  #block = Buffer.alloc(0);
  #at = 0;
  #blockBytes = FIRST_BLOCK_BYTES;

  constructor(fd: number, position: number) {
    this.#fd = fd;
    this.position = position;
  }

  /** Goes on at another record. */
  moveTo(position: number): void {
    this.position = position;
    this.#stop();
  }

  next(): IndexRecord | undefined {
    if (!this.#ensure(RECORD_HEADER_BYTES)) return undefined;
    const size = recordSize(this.#block, this.#at);
    if (size > MAX_RECORD_BYTES || !this.#ensure(size)) return this.#stop();
    const record = decodeRecord(this.#block.subarray(this.#at, this.#at + size));
    if (record === undefined) return this.#stop();
    this.#at += size;
    this.position += size;
    return record;
  }

  /**
   * Passes over records until `stop` says so of one, which is the next then; false at the end. Far faster than reading them, as checksums
   * are not looked at: for an index that was looked at before, and for what is read by `next` afterwards.
   */
  skim(stop: (extent: RecordExtent) => boolean): boolean {
    while (this.#ensure(RECORD_HEADER_BYTES)) {
      const size = recordSize(this.#block, this.#at);
      const extent = size > MAX_RECORD_BYTES ? undefined : decodeExtent(this.#block, this.#at);
      if (extent === undefined || !this.#ensure(size)) return this.#stop() ?? false;
      if (stop(extent)) return true;
      this.#at += size;
      this.position += size;
    }
    return false;
  }

  #ensure(size: number): boolean {
    if (this.#block.length - this.#at >= size) return true;
    // A fresh block each time: records given away refer to the old one.
    const block = Buffer.allocUnsafeSlow(Math.max(size, this.#blockBytes));
    this.#blockBytes = Math.min(this.#blockBytes * 4, MAX_BLOCK_BYTES);
    const count = readFully(this.#fd, block, this.position);
    this.#block = block.subarray(0, count);
    this.#at = 0;
    if (count >= size) return true;
    this.#stop();
    return false;
  }

  /** Forgets what was read, so that a later call sees what has been written since. */
  #stop(): undefined {
    this.#block = Buffer.alloc(0);
    this.#at = 0;
    return undefined;
  }
}
