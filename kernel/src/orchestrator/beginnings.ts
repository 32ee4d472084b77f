/**
 * Runs that may begin, first come first served, a few in a turn of the event loop: beginning a run is far more work than accepting one,
 * and between two turns everything that has been asked for meanwhile is accepted. The fewest begin while runs are being accepted, and
 * more with every turn in which none was. In every turn one begins at least, whatever is asked for, so that nobody can keep them back.
 */

/** Of one turn in which runs were accepted, or that follows a pause. */
export const FEWEST = 2;
/** So many more in each turn after one in which no run was accepted. */
export const MORE = 2;
/** Of one turn: some milliseconds. */
export const MOST = 32;

export class Beginnings {
  readonly #begin: (runUid: string) => void;
  readonly #nextTurn: (turn: () => void) => void;
  readonly #waiting = new Set<string>();
  /** Of this turn: how many may begin, and how many have. */
  #most = FEWEST;
  #begun = 0;
  #isAccepting = false;
  #isTurning = false;

  /** `begin` is called once for each. `nextTurn` calls back once, in the next turn of the event loop. */
  constructor(begin: (runUid: string) => void, nextTurn: (turn: () => void) => void = (turn) => void setImmediate(turn)) {
    this.#begin = begin;
    this.#nextTurn = nextTurn;
  }

  /** It begins now where nobody is before it and this turn has room, else when its turn comes. */
  add(runUid: string): void {
    this.#waiting.add(runUid);
    this.#beginSome();
    this.#keepTurning();
  }

  /** A run was accepted: others may be asked for at the same time, and go first. */
  accepted(): void {
    this.#isAccepting = true;
    this.#keepTurning();
  }

  /** It may begin, and its turn has not come. */
  isWaiting(runUid: string): boolean {
    return this.#waiting.has(runUid);
  }

  #keepTurning(): void {
    if (this.#isTurning) return;
    this.#isTurning = true;
    this.#nextTurn(() => this.#turn());
  }

  #turn(): void {
    this.#isTurning = false;
    const isPause = this.#waiting.size === 0 && !this.#isAccepting;
    this.#most = this.#isAccepting || isPause ? FEWEST : Math.min(this.#most + MORE, MOST);
    this.#begun = 0;
    this.#isAccepting = false;
    if (isPause) return;
    this.#beginSome();
    this.#keepTurning();
  }

  #beginSome(): void {
    for (const runUid of this.#waiting) {
      if (this.#begun >= this.#most) return;
      this.#begun += 1;
      this.#waiting.delete(runUid);
      this.#begin(runUid);
    }
  }
}
