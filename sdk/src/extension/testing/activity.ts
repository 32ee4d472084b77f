/**
 * What is under way between an extension and the test's server. It is settled when nothing is but what waits for the virtual clock or for
 * the test: then nothing more happens by itself.
 */
const QUIET_ROUNDS = 6;
const LONGEST_MS = 10_000;

export class Activity {
  #underWay = 0;
  /** Grows with whatever happens. */
  #happened = 0;
  /** Asked for what is on its way without anybody counting it. */
  readonly #flushes = new Set<() => Promise<void>>();

  /** Something begins; what is answered ends it, and ends it once. */
  begin(): () => void {
    this.#underWay += 1;
    this.#happened += 1;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#underWay -= 1;
      this.#happened += 1;
    };
  }

  async track<Result>(work: Promise<Result>): Promise<Result> {
    const end = this.begin();
    try {
      return await work;
    } finally {
      end();
    }
  }

  /** Something that is under way waits for the test from now on, until what is answered is called. */
  hold(): () => void {
    this.#underWay -= 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#underWay += 1;
      this.#happened += 1;
    };
  }

  flushWith(flush: () => Promise<void>): void {
    this.#flushes.add(flush);
  }

  /** Rejects where it goes on for ten seconds. */
  async settled(): Promise<void> {
    const until = performance.now() + LONGEST_MS;
    for (let quiet = 0; quiet < QUIET_ROUNDS; ) {
      const before = this.#happened;
      for (const flush of this.#flushes) await flush();
      await new Promise<void>((resolve) => setImmediate(resolve));
      quiet = this.#underWay <= 0 && this.#happened === before ? quiet + 1 : 0;
      if (performance.now() > until) throw new Error(`The extension has not come to rest in ${LONGEST_MS / 1000} seconds.`);
    }
  }
}
