/**
 * What the supervisor must know after its own death: one line of JSON for each step of an attempt. That an attempt is about to be started
 * is handed to the operating system before it is, every other step by the end of the turn of the event loop in which it is seen. What a power failure may cost, and why nothing runs twice after one, is told in power-failure.ts.
 */
import { closeSync, fdatasync, fdatasyncSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { TaskExit } from '@gofer/contracts';
import { Refusal, systemCode } from './refusal.ts';

export type JournalRecord =
  /**
   * A supervisor begins, at `at` (epoch milliseconds); `boot` names the machine's start where the system has a name for it. What was
   * asked for before `unsureBefore` and is not known may have been started all the same (see power-failure.ts).
   */
  | { readonly step: 'open'; readonly pid: number; readonly at: number; readonly boot: string; readonly unsureBefore: number }
  | {
      readonly step: 'start';
      readonly attempt: string;
      readonly labels: Readonly<Record<string, string>>;
      /** Its environment and output may hold secrets; neither is ever written here. Absent: no. */
      readonly sensitive?: true;
    }
  /** It runs; `birth` tells its process from a later one with the same id. */
  | {
      readonly step: 'run';
      readonly attempt: string;
      readonly pid: number;
      readonly birth: string;
      readonly startedAt: number;
    }
  | { readonly step: 'exit'; readonly attempt: string; readonly exit: TaskExit }
  /** Its output was read to the end. */
  | { readonly step: 'read'; readonly attempt: string }
  | { readonly step: 'remove'; readonly attempt: string }
  /** The supervisor ends: `reason` is why it leaves tasks behind, empty when it leaves none. */
  | { readonly step: 'close'; readonly reason: string };

/** Below this size nothing is rewritten. */
const COMPACT_BYTES = 1024 * 1024;

export class Journal {
  readonly #path: string;
  #fd: number;
  #size = 0;
  #sizeAfterCompaction = 0;
  /** True after a write that may have left half a line. */
  #torn = false;
  #committing = 0;
  readonly #later: JournalRecord[] = [];
  readonly #waiting: JournalRecord[] = [];
  #current: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  private constructor(path: string, fd: number) {
    this.#path = path;
    this.#fd = fd;
  }

  /** Opens a journal and gives what it holds; a last line cut off by the death of the machine counts as not written. */
  static open(path: string): { journal: Journal; records: JournalRecord[] } {
    const fd = openSync(path, 'a', 0o600);
    const records: JournalRecord[] = [];
    for (const line of readFileSync(path, 'utf8').split('\n')) {
      if (line === '') continue;
      try {
        records.push(JSON.parse(line) as JournalRecord);
      } catch (error) {
        process.stderr.write(`${path}: skipped a line that is not JSON (${String(error)})\n`);
      }
    }
    return { journal: new Journal(path, fd), records };
  }

  /** Hands records to the operating system. Throws `STORAGE_FULL` where the disk has no room. */
  append(...records: readonly JournalRecord[]): void {
    const all = [...this.#later.splice(0), ...records];
    const lines = Buffer.from(`${this.#torn ? '\n' : ''}${all.map((record) => `${JSON.stringify(record)}\n`).join('')}`);
    this.#torn = true;
    try {
      for (let written = 0; written < lines.length; ) written += writeSync(this.#fd, lines, written);
    } catch (error) {
      if (systemCode(error) === 'ENOSPC' || systemCode(error) === 'EDQUOT') {
        throw new Refusal('STORAGE_FULL', `no room for ${this.#path}: free space on its disk`);
      }
      throw error;
    }
    this.#torn = false;
    this.#size += lines.length;
  }

  /** As `note`, together with the next record or at the end of this turn of the event loop. */
  noteLater(record: JournalRecord): void {
    if (this.#later.push(record) > 1) return;
    setImmediate(() => {
      if (this.#later.length > 0) this.note();
    });
  }

  /** As `append`, for what has happened already and cannot be refused: a failure is noted and the task goes on. */
  note(...records: readonly JournalRecord[]): void {
    try {
      this.append(...records);
    } catch (error) {
      process.stderr.write(`${this.#path}: ${String(error)}\n`);
    }
  }

  /** Resolves when the record is on the disk. Records that come while the disk is busy share the next write. */
  commit(record: JournalRecord): Promise<void> {
    this.#waiting.push(record);
    this.#next ??= this.#commitNext(this.#current);
    return this.#next;
  }

  async #commitNext(before: Promise<void>): Promise<void> {
    await before;
    // A failed write is its callers' to hear of; the next one only comes behind it.
    this.#current = this.#next?.catch(() => {}) ?? before;
    this.#next = undefined;
    this.append(...this.#waiting.splice(0));
    this.#committing++;
    await new Promise<void>((resolve, reject) => {
      fdatasync(this.#fd, (error) => (error === null ? resolve() : reject(error)));
    }).finally(() => this.#committing--);
  }

  /** True when most of the file speaks of attempts that were removed. */
  get wantsCompaction(): boolean {
    return this.#committing === 0 && this.#size > COMPACT_BYTES && this.#size > 4 * this.#sizeAfterCompaction;
  }

  /** Replaces everything by these records. Must not be called while a commit is under way (see `wantsCompaction`). */
  compact(records: readonly JournalRecord[]): void {
    this.#later.length = 0;
    const fresh = `${this.#path}.new`;
    const fd = openSync(fresh, 'w', 0o600);
    const lines = Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
    for (let written = 0; written < lines.length; ) written += writeSync(fd, lines, written);
    fdatasyncSync(fd);
    renameSync(fresh, this.#path);
    const directory = openSync(dirname(this.#path), 'r');
    fsyncSync(directory);
    closeSync(directory);
    closeSync(this.#fd);
    this.#fd = fd;
    this.#size = this.#sizeAfterCompaction = lines.length;
    this.#torn = false;
  }
}
