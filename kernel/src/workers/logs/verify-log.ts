/** Whether a log's data, its index and its seal agree, and where they do not. */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { GoferError } from '@gofer/contracts';
import { countNewlines } from './count-newlines.ts';
import { decodeSlot, SEAL_SLOT_BYTES } from './index-format.ts';
import { IndexScanner } from './index-scanner.ts';
import type { LogPaths } from './log-files.ts';
import { isErrno, readFully } from './log-files.ts';
import type { LogSeal } from './log-store.ts';

/** One thing that is missing or not as it was kept; plain data. */
export interface LogDamage {
  /**
   * `data_missing`: bytes of the data that are not there any more. `data_added`: bytes behind the end. `data_altered`: other bytes than
   * were kept. `index_damaged`: bytes of the index that cannot be read, or do not fit the seal.
   */
  readonly kind: 'data_missing' | 'data_added' | 'data_altered' | 'index_damaged';
  /** Bytes, from 0, of the data (of the index for `index_damaged`): the first, and the one behind the last where that is known. */
  readonly start: number;
  readonly end?: number;
  /** For a person. */
  readonly message: string;
}

export interface LogVerification {
  /**
   * `complete`: every byte of the task's output is here, as it was kept. `incomplete`: all that was kept is here, and the seal says what
   * never was. `damaged`: not all that was kept is here. `unsealed`: the log has not ended, or was never sealed; what is there fits.
   */
  readonly state: 'complete' | 'incomplete' | 'damaged' | 'unsealed';
  /** Bytes and lines that are there, the lines as far as the index tells. */
  readonly bytes: number;
  readonly lines: number;
  /** Of the bytes that are there, lower-case hex. */
  readonly sha256: string;
  readonly seal?: LogSeal;
  /** Empty unless `damaged`. */
  readonly damages: readonly LogDamage[];
}

const BLOCK_BYTES = 1024 * 1024;
const NEWLINE = 10;

/** How much of an open log its writer has written. */
type Written = { readonly bytes: number } | undefined;

/**
 * Reads both files whole, with the thread given away after each megabyte. What a writer adds meanwhile is not looked at. Rejects with
 * `NOT_FOUND` where there is neither.
 */
export async function verifyLog(paths: LogPaths, written: Written): Promise<LogVerification> {
  const files = [open(paths.data), open(paths.index)] as const;
  try {
    const [data, index] = files;
    if (data === undefined && index === undefined) throw new GoferError('NOT_FOUND', `there is no log at ${paths.data}`);
    return await new Verification(data, index, written?.bytes).verify();
  } finally {
    for (const fd of files) if (fd !== undefined) closeSync(fd);
  }
}

class Verification {
  readonly #data: number | undefined;
  readonly #index: number | undefined;
  readonly #size: number;
  readonly #damages: LogDamage[] = [];

  constructor(data: number | undefined, index: number | undefined, written: number | undefined) {
    this.#data = data;
    this.#index = index;
    this.#size = Math.min(data === undefined ? 0 : fstatSync(data).size, written ?? Number.POSITIVE_INFINITY);
  }

  async verify(): Promise<LogVerification> {
    const seal = this.#readSeal();
    const { bytes: indexed, lines } = await this.#readIndex(seal);
    const expected = seal?.bytes ?? indexed;
    // Behind the last record of an open log lies what a crash left: it is cut and read again.
    const bytes = Math.min(this.#size, expected);
    if (bytes < expected) this.#report('data_missing', bytes, expected, `the data ends behind byte ${bytes} of ${expected}`);
    const sha256 = await this.#hash(bytes);
    if (seal !== undefined && this.#size > expected)
      this.#report('data_added', expected, this.#size, `${this.#size - expected} bytes stand behind the end, at byte ${expected}`);
    if (seal !== undefined && bytes === expected && sha256 !== seal.sha256) await this.#findAltered(expected);
    const state = this.#damages.length > 0 ? 'damaged' : seal === undefined ? 'unsealed' : seal.complete ? 'complete' : 'incomplete';
    return { state, bytes, lines, sha256, ...(seal === undefined ? {} : { seal }), damages: this.#damages };
  }

  #report(kind: LogDamage['kind'], start: number, end: number | undefined, message: string): void {
    this.#damages.push({ kind, start, ...(end === undefined ? {} : { end }), message });
  }

  #readSeal(): LogSeal | undefined {
    if (this.#index === undefined) {
      this.#report('index_damaged', 0, undefined, 'the index is missing, and the seal with it');
      return undefined;
    }
    const slot = Buffer.alloc(SEAL_SLOT_BYTES);
    const seal = decodeSlot(slot.subarray(0, readFully(this.#index, slot, 0)));
    if (seal !== 'torn') return seal;
    this.#report('index_damaged', 0, SEAL_SLOT_BYTES, 'the index does not begin as one does: the seal is lost');
    return undefined;
  }

  /** What the records say that there is; looks at the checksum of each. */
  async #readIndex(seal: LogSeal | undefined): Promise<{ bytes: number; lines: number }> {
    let bytes = 0;
    let lines = 0;
    if (this.#index === undefined) return { bytes: this.#size, lines };
    const size = fstatSync(this.#index).size;
    const scanner = new IndexScanner(this.#index, SEAL_SLOT_BYTES);
    let looked = 0;
    for (let record = scanner.next(); record !== undefined; record = scanner.next()) {
      // An open log may have records of what is written just now.
      if (seal === undefined && bytes + record.dataBytes > this.#size) break;
      bytes += record.dataBytes;
      lines += record.lines;
      if (++looked % 8192 === 0) await setImmediate();
    }
    if (seal === undefined) return { bytes, lines };
    const at = `behind line ${lines}, which ends at byte ${bytes} of the data`;
    if (scanner.position < size)
      this.#report('index_damaged', scanner.position, size, `the record at byte ${scanner.position} of the index cannot be read (${at})`);
    else if (bytes !== seal.bytes || lines !== seal.lines)
      this.#report('index_damaged', size, undefined, `the index ends ${at}; the seal says ${seal.lines} lines and ${seal.bytes} bytes`);
    return { bytes, lines };
  }

  async #hash(bytes: number): Promise<string> {
    const hash = createHash('sha256');
    const block = Buffer.alloc(Math.min(bytes, BLOCK_BYTES));
    for (let at = 0; at < bytes; at += block.length) {
      const part = block.subarray(0, Math.min(block.length, bytes - at));
      if (readFully(this.#data ?? -1, part, at) < part.length) throw new GoferError('DATA_LOSS', 'the log was cut while it was looked at');
      hash.update(part);
      await setImmediate();
    }
    return hash.digest('hex');
  }

  /** The first record whose lines do not end where they ended narrows it down; where all do, only the hash tells. */
  async #findAltered(end: number): Promise<void> {
    const scanner = new IndexScanner(this.#index ?? -1, SEAL_SLOT_BYTES);
    let at = 0;
    for (let record = scanner.next(), number = 1; record !== undefined; record = scanner.next(), number++) {
      const { dataBytes, lines } = record;
      if (dataBytes > 0 && (await this.#linesBetween(at, at + dataBytes)) !== lines) {
        const which = `record ${number} of the index`;
        this.#report(
          'data_altered',
          at,
          at + dataBytes,
          `the hash differs; the lines of ${which} (bytes ${at} to ${at + dataBytes}) are not as they were`,
        );
        return;
      }
      at += dataBytes;
    }
    this.#report('data_altered', 0, end, 'the hash differs; every line still ends where it did');
  }

  async #linesBetween(start: number, end: number): Promise<number> {
    let lines = 0;
    let last = NEWLINE;
    for (let at = start; at < end; at += BLOCK_BYTES) {
      const part = Buffer.alloc(Math.min(BLOCK_BYTES, end - at));
      readFully(this.#data ?? -1, part, at);
      lines += countNewlines(part);
      last = part.at(-1) ?? NEWLINE;
      if (part.length === BLOCK_BYTES) await setImmediate();
    }
    return lines + (last === NEWLINE ? 0 : 1);
  }
}

function open(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
