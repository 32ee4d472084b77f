/** The body of a `put`, read one piece at a time: an abort ends the waiting for a piece, and the body is left exactly once. */
import { cancelled } from './store-error.ts';

export class PutBody {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #signal: AbortSignal;
  readonly #abort = (): void => this.#giveUp?.(cancelled());
  #giveUp: ((error: unknown) => void) | undefined;
  /** A piece was asked for and has not come. */
  #asking = false;
  #over = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(body: AsyncIterable<Uint8Array>, signal: AbortSignal) {
    this.#source = body[Symbol.asyncIterator]();
    this.#signal = signal;
    signal.addEventListener('abort', this.#abort, { once: true });
  }

  /** The error is the body's own: whoever put it gets it as it is. */
  isFailure(error: unknown): boolean {
    return this.#failure?.error === error && this.#failure !== undefined;
  }

  /** `undefined` at the end. Rejects with the body's error, or with `CANCELLED`. */
  async next(): Promise<Uint8Array | undefined> {
    this.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<IteratorResult<Uint8Array>>();
    this.#giveUp = reject;
    this.#ask().then(resolve, reject);
    const item = await promise;
    this.#giveUp = undefined;
    return item.done === true ? undefined : item.value;
  }

  throwIfAborted(): void {
    if (this.#signal.aborted) throw cancelled();
  }

  async #ask(): Promise<IteratorResult<Uint8Array>> {
    this.#asking = true;
    try {
      const item = await this.#source.next();
      if (item.done === true) this.#over = true;
      return item;
    } catch (error) {
      this.#over = true;
      this.#failure = { error };
      throw error;
    } finally {
      this.#asking = false;
    }
  }

  /** Tells the body that no more is wanted. Must be called, whatever came of it. */
  async leave(): Promise<void> {
    this.#signal.removeEventListener('abort', this.#abort);
    if (this.#over) return;
    this.#over = true;
    // How a body takes its end is not the store's concern.
    const leaving = Promise.resolve(this.#source.return?.()).catch(() => undefined);
    // A generator that is waiting for something takes note of it only afterwards, and that may be never.
    if (!this.#asking) await leaving;
  }
}
