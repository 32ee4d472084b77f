import type { IncomingMessage } from 'node:http';
import { GoferError } from '@gofer/contracts';

/** An answer's bytes as they arrive. To be iterated once, or closed. */
export class Download implements AsyncIterable<Uint8Array> {
  /** Bytes; undefined where the server does not say. */
  readonly size: number | undefined;
  readonly #answer: IncomingMessage;
  readonly #from: string;
  readonly #silence: number;
  readonly #signal: AbortSignal | undefined;

  /** `silence`: the longest one of the server in the middle of it, in milliseconds. */
  constructor(answer: IncomingMessage, { from, silence, signal }: { from: string; silence: number; signal?: AbortSignal | undefined }) {
    const length = answer.headers['content-length'];
    this.size = length === undefined ? undefined : Number(length);
    this.#answer = answer;
    this.#from = from;
    this.#silence = silence;
    this.#signal = signal;
  }

  /** Leaves the rest unread. */
  close(): void {
    this.#answer.destroy();
  }

  /** Rejects with `UNAVAILABLE` where it is cut, `DEADLINE_EXCEEDED` where it stalls, `CANCELLED` where it was aborted: it never just ends early. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    // The time that the reader of our own output takes is no silence of the server.
    this.#answer.setTimeout(0);
    const iterator = (this.#answer as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    let received = 0;
    try {
      for (;;) {
        const { done, value } = await this.#next(iterator);
        if (done === true) return;
        received += value.byteLength;
        yield value;
      }
    } catch (error) {
      throw this.#toError(error, received);
    } finally {
      this.#answer.destroy();
    }
  }

  async #next(iterator: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
    const stall = () =>
      this.#answer.destroy(new GoferError('DEADLINE_EXCEEDED', `${this.#from} sent nothing for ${this.#silence / 1_000} s. Try again.`));
    const timer = setTimeout(stall, this.#silence);
    try {
      return await iterator.next();
    } finally {
      clearTimeout(timer);
    }
  }

  #toError(error: unknown, received: number): unknown {
    if (!(error instanceof Error) || error instanceof GoferError) return error;
    if (this.#signal?.aborted === true) return new GoferError('CANCELLED', 'stopped', { cause: error });
    const all = this.size === undefined ? '' : ` of ${this.size}`;
    return new GoferError('UNAVAILABLE', `the connection to ${this.#from} was lost after ${received}${all} bytes. Try again.`, {
      cause: error,
    });
  }
}
