/**
 * Which attempts were started: an engine forgets a container that is removed, and an attempt must not run a second time because its
 * container is gone. One short line a start, appended before the container is started; the last 100,000 are kept. It need not be
 * synced: the death of this process loses nothing, and the death of the machine ends its containers too.
 */
import { appendFile, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RecentSet } from './recent-set.ts';

const KEPT = 100_000;

export class AttemptJournal {
  #file: string;
  #attempts: RecentSet;
  #lines: number;
  #kept: number;
  /** Writes follow each other. */
  #tail: Promise<void> = Promise.resolve();

  private constructor(file: string, attempts: RecentSet, lines: number, kept: number) {
    this.#file = file;
    this.#attempts = attempts;
    this.#lines = lines;
    this.#kept = kept;
  }

  static async open(directory: string, kept = KEPT): Promise<AttemptJournal> {
    const file = join(directory, 'started-attempts');
    const text = await readFile(file, 'utf8').catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
      throw error;
    });
    const attempts = new RecentSet(kept);
    const lines = text.split('\n').filter((line) => line !== '');
    for (const line of lines) {
      if (line.startsWith('-')) attempts.delete(line.slice(1));
      else attempts.add(line);
    }
    return new AttemptJournal(file, attempts, lines.length, kept);
  }

  has(attemptId: string): boolean {
    return this.#attempts.has(attemptId);
  }

  /** Resolves once it is written. */
  async add(attemptId: string): Promise<void> {
    if (this.#attempts.has(attemptId)) return;
    this.#attempts.add(attemptId);
    await this.#write(`${attemptId}\n`);
  }

  /** The attempt was not started after all. */
  async delete(attemptId: string): Promise<void> {
    if (this.#attempts.delete(attemptId)) await this.#write(`-${attemptId}\n`);
  }

  /** Resolves once everything is written. */
  async close(): Promise<void> {
    await this.#tail;
  }

  #write(line: string): Promise<void> {
    const written = this.#tail.then(async () => {
      this.#lines += 1;
      if (this.#lines <= 2 * this.#kept) return appendFile(this.#file, line, { mode: 0o600 });
      const rewritten = `${this.#file}.new`;
      await writeFile(rewritten, Array.from(this.#attempts, (attempt) => `${attempt}\n`).join(''), { mode: 0o600 });
      await rename(rewritten, this.#file);
      this.#lines = this.#attempts.size;
    });
    // A failed write is its caller's to hear of; the next one only comes behind it.
    this.#tail = written.catch(() => undefined);
    return written;
  }
}
