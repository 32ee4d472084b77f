/** What a child process writes, for one reader at a time. While the reader does not ask, the child's pipes fill, and then the child waits. */
import type { Readable } from 'node:stream';
import type { LogChunk } from '@gofer/contracts';
import { throwIfAborted } from './scheduler-patience.ts';

const MOST_HELD_BYTES = 256 * 1024;

interface HeldChunk {
  readonly number: number;
  readonly chunk: LogChunk;
}

export class ChildOutput {
  readonly #sources: readonly Readable[];
  readonly #held: HeldChunk[] = [];
  readonly #now: () => number;
  #heldBytes = 0;
  #last = 0;
  #open: number;
  #wake = Promise.withResolvers<void>();

  constructor(sources: { readonly stdout: Readable; readonly stderr: Readable }, now: () => number) {
    this.#now = now;
    this.#sources = [sources.stdout, sources.stderr];
    this.#open = this.#sources.length;
    this.#take('stdout', sources.stdout);
    this.#take('stderr', sources.stderr);
  }

  /**
   * What is held, and what comes, until the output has ended. By asking for the next chunk the reader says that it has kept the ones before,
   * which are forgotten then. Rejects with `CANCELLED` when `signal` aborts.
   */
  async *read(after: string | undefined, signal: AbortSignal): AsyncGenerator<LogChunk> {
    this.#forget(Number(after ?? 0));
    for (;;) {
      throwIfAborted(signal);
      const next = this.#held[0];
      if (next !== undefined) {
        yield next.chunk;
        this.#forget(next.number);
      } else if (this.#open === 0) {
        return;
      } else {
        await this.#changed(signal);
      }
    }
  }

  /** Takes no more: what was read already can still be asked for. */
  close(): void {
    for (const source of this.#sources) source.destroy();
  }

  #take(stream: LogChunk['stream'], source: Readable): void {
    source.on('data', (bytes: Uint8Array) => {
      this.#last += 1;
      const chunk = { stream, time: this.#now(), bytes: new Uint8Array(bytes), cursor: String(this.#last) };
      this.#held.push({ number: this.#last, chunk });
      this.#heldBytes += bytes.byteLength;
      if (this.#heldBytes >= MOST_HELD_BYTES) for (const each of this.#sources) each.pause();
      this.#notify();
    });
    // A pipe that breaks ends the output like one that ends: `close` follows.
    source.on('error', () => {});
    source.once('close', () => {
      this.#open -= 1;
      this.#notify();
    });
  }

  #forget(number: number): void {
    while (this.#held[0] !== undefined && this.#held[0].number <= number) {
      this.#heldBytes -= this.#held[0].chunk.bytes.byteLength;
      this.#held.shift();
    }
    if (this.#heldBytes < MOST_HELD_BYTES) for (const each of this.#sources) each.resume();
  }

  #notify(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers();
  }

  async #changed(signal: AbortSignal): Promise<void> {
    const wake = this.#wake;
    const abort = (): void => wake.resolve();
    signal.addEventListener('abort', abort, { once: true });
    await wake.promise;
    signal.removeEventListener('abort', abort);
  }
}
