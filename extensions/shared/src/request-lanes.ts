/** Many requests to the server, a bounded number at a time, and few for the same pipeline: one that is slow does not hold up the others. */

const TOTAL = 64;
const EACH = 2;

interface Lane {
  active: number;
  readonly waiting: (() => void)[];
}

export class RequestLanes {
  readonly #lanes = new Map<string, Lane>();
  /** Lanes with something that waits and may start, in turn. */
  readonly #ready = new Set<string>();
  #active = 0;

  /** Runs `request` when it is the turn of its lane; those of a lane start in the order in which they came. */
  async run<T>(name: string, request: () => Promise<T>): Promise<T> {
    await this.#turn(name);
    try {
      return await request();
    } finally {
      this.#active -= 1;
      const lane = this.#lane(name);
      lane.active -= 1;
      if (lane.waiting.length > 0) this.#ready.add(name);
      else if (lane.active === 0) this.#lanes.delete(name);
      this.#startNext();
    }
  }

  #turn(name: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const lane = this.#lane(name);
    lane.waiting.push(resolve);
    if (lane.active < EACH) this.#ready.add(name);
    this.#startNext();
    return promise;
  }

  #startNext(): void {
    for (const name of this.#ready) {
      if (this.#active >= TOTAL) return;
      this.#ready.delete(name);
      const lane = this.#lane(name);
      const start = lane.waiting.shift();
      if (start === undefined) continue;
      lane.active += 1;
      this.#active += 1;
      // Behind the others: a set is walked in the order of insertion.
      if (lane.waiting.length > 0 && lane.active < EACH) this.#ready.add(name);
      start();
    }
  }

  #lane(name: string): Lane {
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      lane = { active: 0, waiting: [] };
      this.#lanes.set(name, lane);
    }
    return lane;
  }
}
