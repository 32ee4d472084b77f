/** Stretches of a text in the order of their beginnings; those that overlap or touch are one. */
export class Spans {
  count = 0;
  #places = new Uint32Array(16);

  /** `start` is not before that of the last one added. */
  add(start: number, end: number): void {
    if (this.count > 0 && start <= this.end) {
      if (end > this.end) this.#places[2 * this.count - 1] = end;
      return;
    }
    if (2 * this.count === this.#places.length) {
      const grown = new Uint32Array(2 * this.#places.length);
      grown.set(this.#places);
      this.#places = grown;
    }
    this.#places[2 * this.count] = start;
    this.#places[2 * this.count + 1] = end;
    this.count++;
  }

  startOf(index: number): number {
    return this.#places[2 * index] ?? 0;
  }

  endOf(index: number): number {
    return this.#places[2 * index + 1] ?? 0;
  }

  /** Where the last one ends; 0 where there is none. */
  get end(): number {
    return this.count === 0 ? 0 : this.endOf(this.count - 1);
  }

  clear(): void {
    this.count = 0;
  }
}
