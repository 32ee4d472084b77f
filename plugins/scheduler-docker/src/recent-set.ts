/** A set that forgets what was added longest ago, so that it cannot grow for ever. */
export class RecentSet {
  #values = new Set<string>();
  #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#values.size;
  }

  has(value: string): boolean {
    return this.#values.has(value);
  }

  add(value: string): void {
    this.#values.delete(value);
    this.#values.add(value);
    for (const oldest of this.#values) {
      if (this.#values.size <= this.#most) return;
      this.#values.delete(oldest);
    }
  }

  /** True if it was there. */
  delete(value: string): boolean {
    return this.#values.delete(value);
  }

  /** The oldest first. */
  [Symbol.iterator](): IterableIterator<string> {
    return this.#values.values();
  }
}
