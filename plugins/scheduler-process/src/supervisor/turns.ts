/**
 * One start for each turn of the event loop. Starting a process blocks for about a millisecond; between two of them output is read and
 * ends are noticed.
 */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #taken = false;

  /** Resolves when it is the caller's turn, at once if nobody had this one. */
  next(): Promise<void> {
    if (this.#taken) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#taken = true;
    setImmediate(this.#advance);
    return Promise.resolve();
  }

  readonly #advance = (): void => {
    const next = this.#waiting.shift();
    if (next === undefined) {
      this.#taken = false;
      return;
    }
    next();
    setImmediate(this.#advance);
  };
}
