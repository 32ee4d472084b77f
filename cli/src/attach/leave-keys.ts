/** The keys of ssh by which one leaves a terminal that passes every other key on: `~.` at the beginning of a line. */

const TILDE = 0x7e;
const DOT = 0x2e;
const LINE_ENDS: ReadonlySet<number> = new Set([0x0a, 0x0d]);

export interface Typed {
  /** What is for the command. */
  readonly bytes: Uint8Array;
  readonly leaves: boolean;
}

export class LeaveKeys {
  #state: 'line-begins' | 'tilde' | 'within-line' = 'line-begins';

  /** A `~` that begins a line is held back until the next key; `~~` is one. */
  read(typed: Uint8Array): Typed {
    const bytes: number[] = [];
    for (const key of typed) {
      if (this.#state === 'tilde') {
        this.#state = 'within-line';
        if (key === DOT) return { bytes: Uint8Array.from(bytes), leaves: true };
        bytes.push(TILDE);
        if (key === TILDE) continue;
      } else if (this.#state === 'line-begins' && key === TILDE) {
        this.#state = 'tilde';
        continue;
      }
      this.#state = LINE_ENDS.has(key) ? 'line-begins' : 'within-line';
      bytes.push(key);
    }
    return { bytes: Uint8Array.from(bytes), leaves: false };
  }
}
