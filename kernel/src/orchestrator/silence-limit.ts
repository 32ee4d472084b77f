/**
 * How long a source may neither say anything nor end. While it is not asked for more, because what it gave is still being written, it is
 * not silent.
 */
import type { Clock } from '../clock/clock.ts';

export class SilenceLimit {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #giveUp: () => void;
  #isOn = false;
  #isListening = false;
  #forget = (): void => {};

  /** `giveUp` is called once the source has been silent for `ms`; nothing is while the limit is not on. */
  constructor(clock: Clock, ms: number, giveUp: () => void) {
    this.#clock = clock;
    this.#ms = ms;
    this.#giveUp = giveUp;
  }

  /** It counts from now on. */
  turnOn(): void {
    this.#isOn = true;
    if (this.#isListening) this.#count();
  }

  /** The same source, listened to. One at a time. */
  async *listened<Value>(source: AsyncIterable<Value>): AsyncGenerator<Value> {
    try {
      this.#listen();
      for await (const value of source) {
        this.#rest();
        yield value;
        this.#listen();
      }
    } finally {
      this.#rest();
    }
  }

  #listen(): void {
    this.#isListening = true;
    if (this.#isOn) this.#count();
  }

  #count(): void {
    this.#forget();
    this.#forget = this.#clock.after(this.#ms, this.#giveUp);
  }

  #rest(): void {
    this.#isListening = false;
    this.#forget();
  }
}
