import type { PatternTable } from './pattern-table.ts';
import { Spans } from './spans.ts';

/** What stands for a secret. */
export const MASK = '[redacted]';

const MASK_BYTES = Buffer.from(MASK);
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
/** Up to this length a loop is faster than a call that copies. */
const LOOP_BYTES = 24;
/** More than the longest match has, with all the line breaks that it may pass over. */
const SEAM_BYTES = 4096;
const NOTHING = new Uint8Array(0);

/** What a masker remembers between two pieces of its stream. */
export interface MaskerState {
  /** Not given out yet: a match may begin with its first byte. */
  readonly held: Uint8Array;
  /** So many bytes of what is held are masked in any case, by matches that began before it. */
  readonly covered: number;
  /** The last byte given out was a masked one: one that follows it needs no mask of its own. */
  readonly inMask: boolean;
}

export const INITIAL_STATE: MaskerState = { held: NOTHING, covered: 0, inMask: false };

/**
 * Masks one stream that comes in pieces, so that the outcome does not depend on where it was cut. A byte is masked if it lies in a
 * match; line breaks never are; each unbroken run of masked bytes becomes one mask.
 */
export class StreamMasker {
  state: MaskerState;
  readonly #table: PatternTable;
  readonly #spans = new Spans();
  #out = NOTHING;
  #outBytes = 0;

  constructor(table: PatternTable, state: MaskerState = INITIAL_STATE) {
    this.#table = table;
    this.state = state;
  }

  /** What can be given out now, in one piece or two. It may be (part of) the memory that came in. */
  push(bytes: Uint8Array): readonly Uint8Array[] {
    const { held } = this.state;
    if (held.length === 0) return [this.#advance(bytes, false)];
    if (bytes.length <= 2 * SEAM_BYTES) return [this.#advance(Buffer.concat([held, bytes]), false)];
    // Only the seam is copied. What began in what was held is decided behind it, so that the rest lies in one piece.
    const first = this.#advance(Buffer.concat([held, bytes.subarray(0, SEAM_BYTES)]), false);
    const undecided = this.state.held.length;
    this.state = { ...this.state, held: NOTHING };
    return [first, this.#advance(bytes.subarray(SEAM_BYTES - undecided), false)];
  }

  /** The rest, at the end of the stream. */
  end(): Uint8Array {
    return this.#advance(this.state.held, true);
  }

  #advance(text: Uint8Array, final: boolean): Uint8Array {
    const { covered, inMask } = this.state;
    const spans = this.#spans;
    spans.clear();
    if (covered > 0) spans.add(0, covered);
    const decided = this.#table.search(text, final, spans);
    // A copy: the memory that came in is not ours, and may be large.
    const held = decided === text.length ? NOTHING : new Uint8Array(text.subarray(decided));
    const next = { held, covered: Math.max(0, spans.end - decided) };
    if (spans.count === 0) {
      this.state = { ...next, inMask: inMask && decided === 0 };
      return text.subarray(0, decided);
    }
    return this.#render(text.subarray(0, decided), next);
  }

  #render(text: Uint8Array, next: Pick<MaskerState, 'held' | 'covered'>): Uint8Array {
    const spans = this.#spans;
    let { inMask } = this.state;
    let at = 0;
    this.#out = Buffer.allocUnsafeSlow(text.length + 256);
    this.#outBytes = 0;
    for (let index = 0; index < spans.count; index++) {
      const start = Math.min(spans.startOf(index), text.length);
      const end = Math.min(spans.endOf(index), text.length);
      if (start > at) inMask = false;
      this.#copy(text, at, start);
      for (at = start; at < end; at++) {
        const byte = text[at];
        const isBreak = byte === LINE_FEED || byte === CARRIAGE_RETURN;
        if (isBreak) this.#copy(text, at, at + 1);
        else if (!inMask) this.#copy(MASK_BYTES, 0, MASK_BYTES.length);
        inMask = !isBreak;
      }
    }
    if (text.length > at) inMask = false;
    this.#copy(text, at, text.length);
    this.state = { ...next, inMask };
    const out = this.#out.subarray(0, this.#outBytes);
    this.#out = NOTHING;
    return out;
  }

  #copy(from: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.#outBytes + length > this.#out.length) {
      const grown = Buffer.allocUnsafeSlow(2 * this.#out.length + length);
      grown.set(this.#out.subarray(0, this.#outBytes));
      this.#out = grown;
    }
    if (length > LOOP_BYTES) this.#out.set(from.subarray(start, end), this.#outBytes);
    else for (let at = 0; at < length; at++) this.#out[this.#outBytes + at] = from[start + at] ?? 0;
    this.#outBytes += length;
  }
}
