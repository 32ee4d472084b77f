/** One thing at a time for each name, in the order in which they were asked for. */
export class NameQueues {
  readonly #tails = new Map<string, Promise<void>>();

  async exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(name);
    const { promise: tail, resolve: leave } = Promise.withResolvers<void>();
    this.#tails.set(name, tail);
    try {
      await before;
      return await work();
    } finally {
      if (this.#tails.get(name) === tail) this.#tails.delete(name);
      leave();
    }
  }

  /** Resolves when nothing waits. */
  async settled(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all(this.#tails.values());
  }
}
