/**
 * Finds all matches of many patterns at once. A match begins where the first six bytes of a pattern stand; from there on line breaks
 * in the text are passed over. To find the beginnings it looks at two bytes at a time and leaps as far as no pattern can begin (Wu and
 * Manber, "A fast algorithm for multi-pattern searching", 1994); patterns with the same six bytes are then told apart as in a sorted
 * list. Memory and the time to make it are in proportion to the patterns.
 */
import { ANCHOR_BYTES } from './cut-patterns.ts';
import type { Spans } from './spans.ts';

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
/** A match may pass over so many line breaks, and two more for each byte of it so far. It bounds what is held back. */
const FREE_BREAKS = 64;
const MAX_LEAP = ANCHOR_BYTES - 1;
const UNDECIDED = -2;
const NO_MATCH = -1;

export class PatternTable {
  readonly size: number;
  /** The patterns, one behind the other in their order. */
  readonly #bytes: Buffer;
  /** Where each pattern begins, and where the last one ends. */
  readonly #starts: Uint32Array;
  /** The anchors in their order, as numbers of 48 bits, and for each the first of the patterns that begin with it. */
  readonly #anchors: Float64Array;
  readonly #groups: Uint32Array;
  /** For each two bytes: how far the window may move when it ends with them. */
  readonly #leaps = new Uint8Array(65_536).fill(MAX_LEAP);
  /** 1 where a pattern begins with this byte. */
  readonly #firsts = new Uint8Array(256);
  /** A hash table from an anchor's two parts to the number of its group, counted from 1. */
  readonly #slots: Uint32Array;
  readonly #highs: Uint16Array;
  readonly #lows: Uint32Array;

  /** `patterns` are binary strings of 6 bytes or more, sorted, each once, without line breaks behind the sixth byte. */
  constructor(patterns: readonly string[]) {
    this.size = patterns.length;
    this.#bytes = Buffer.allocUnsafeSlow(patterns.reduce((sum, { length }) => sum + length, 0));
    this.#starts = new Uint32Array(patterns.length + 1);
    const groups: number[] = [];
    let at = 0;
    let last = '';
    for (const [index, pattern] of patterns.entries()) {
      this.#starts[index] = at;
      at += this.#bytes.write(pattern, at, 'latin1');
      const anchor = pattern.slice(0, ANCHOR_BYTES);
      if (anchor !== last) groups.push(index);
      last = anchor;
    }
    this.#starts[patterns.length] = at;
    this.#groups = Uint32Array.from([...groups, patterns.length]);
    this.#anchors = new Float64Array(groups.length);
    this.#highs = new Uint16Array(groups.length);
    this.#lows = new Uint32Array(groups.length);
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(2 * groups.length + 2)));
    for (let group = 0; group < groups.length; group++) this.#addAnchor(group);
  }

  /**
   * Adds what is matched in `text` to `spans`, and returns from where on it is undecided whether a match begins: what follows there
   * has to be looked at again, together with more. With `final` there is no more, and everything is decided.
   */
  search(text: Uint8Array, final: boolean, spans: Spans): number {
    const leaps = this.#leaps;
    const end = text.length;
    if (this.size === 0) return end;
    for (let at = 0; at + ANCHOR_BYTES <= end; ) {
      const leap = leaps[((text[at + 4] ?? 0) << 8) | (text[at + 5] ?? 0)] ?? 0;
      if (leap > 0) {
        at += leap;
        continue;
      }
      const group = this.#groupAt(text, at);
      if (group >= 0) {
        const matchEnd = this.#match(text, at, group, final);
        if (matchEnd === UNDECIDED) return at;
        if (matchEnd !== NO_MATCH) spans.add(at, matchEnd);
      }
      at++;
    }
    return final ? end : this.#undecidedEnd(text);
  }

  #addAnchor(group: number): void {
    const start = this.#starts[this.#groups[group] ?? 0] ?? 0;
    const bytes = this.#bytes;
    for (let at = 0; at < MAX_LEAP; at++) {
      const block = bytes.readUInt16BE(start + at);
      this.#leaps[block] = Math.min(this.#leaps[block] ?? 0, MAX_LEAP - 1 - at);
    }
    this.#firsts[bytes[start] ?? 0] = 1;
    this.#anchors[group] = bytes.readUIntBE(start, ANCHOR_BYTES);
    const high = bytes.readUInt16LE(start);
    const low = bytes.readUInt32LE(start + 2);
    this.#highs[group] = high;
    this.#lows[group] = low;
    const mask = this.#slots.length - 1;
    let slot = hash(high, low) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = group + 1;
  }

  /** The group whose anchor stands at `at`, or -1. */
  #groupAt(text: Uint8Array, at: number): number {
    const high = (text[at] ?? 0) | ((text[at + 1] ?? 0) << 8);
    const low = ((text[at + 2] ?? 0) | ((text[at + 3] ?? 0) << 8) | ((text[at + 4] ?? 0) << 16) | ((text[at + 5] ?? 0) << 24)) >>> 0;
    const mask = this.#slots.length - 1;
    for (let slot = hash(high, low) & mask; ; slot = (slot + 1) & mask) {
      const group = (this.#slots[slot] ?? 0) - 1;
      if (group < 0 || (this.#lows[group] === low && this.#highs[group] === high)) return group;
    }
  }

  /** Where the longest match of a pattern of this group ends that begins at `from`. */
  #match(text: Uint8Array, from: number, group: number, final: boolean): number {
    const bytes = this.#bytes;
    const starts = this.#starts;
    // The patterns from `low` to before `high` agree with the text so far; the shortest comes first.
    let low = this.#groups[group] ?? 0;
    let high = this.#groups[group + 1] ?? 0;
    let at = from + ANCHOR_BYTES;
    let matched = NO_MATCH;
    let breaks = FREE_BREAKS;
    let depth = ANCHOR_BYTES;
    while (high - low > 1) {
      if ((starts[low] ?? 0) + depth === starts[low + 1]) {
        matched = at;
        low++;
        continue;
      }
      let byte = text[at];
      while (byte === LINE_FEED || byte === CARRIAGE_RETURN) {
        if (--breaks < 0) return matched;
        byte = text[++at];
      }
      if (byte === undefined) return final ? matched : UNDECIDED;
      if (bytes[(starts[low] ?? 0) + depth] !== byte || bytes[(starts[high - 1] ?? 0) + depth] !== byte) {
        low = this.#firstFrom(low, high, depth, byte);
        high = this.#firstFrom(low, high, depth, byte + 1);
        if (low === high) return matched;
      }
      at++;
      depth++;
      breaks += 2;
    }
    // One is left: its own bytes have no line breaks here.
    let own = (starts[low] ?? 0) + depth;
    const end = starts[low + 1] ?? 0;
    for (; own < end; at++) {
      const byte = text[at];
      if (byte === bytes[own]) {
        own++;
        breaks += 2;
      } else if (byte === LINE_FEED || byte === CARRIAGE_RETURN) {
        if (--breaks < 0) return matched;
      } else {
        return byte === undefined && !final ? UNDECIDED : matched;
      }
    }
    return at;
  }

  /** The first of the patterns from `low` to before `high` with a byte at `depth` that is not below `byte`; `high` where none has. */
  #firstFrom(low: number, high: number, depth: number, byte: number): number {
    let first = low;
    let behind = high;
    while (first < behind) {
      const middle = (first + behind) >>> 1;
      if ((this.#bytes[(this.#starts[middle] ?? 0) + depth] ?? 0) < byte) first = middle + 1;
      else behind = middle;
    }
    return first;
  }

  /** Where the text's last few bytes may be the beginning of an anchor; its end where they are not. */
  #undecidedEnd(text: Uint8Array): number {
    const end = text.length;
    for (let at = Math.max(0, end - MAX_LEAP); at < end; at++) {
      if (this.#firsts[text[at] ?? 0] === 1 && this.#hasAnchorWith(text, at)) return at;
    }
    return end;
  }

  #hasAnchorWith(text: Uint8Array, from: number): boolean {
    let least = 0;
    for (let at = from; at < from + ANCHOR_BYTES; at++) least = least * 256 + (text[at] ?? 0);
    const most = least + 256 ** (ANCHOR_BYTES - (text.length - from));
    let first = 0;
    let behind = this.#anchors.length;
    while (first < behind) {
      const middle = (first + behind) >>> 1;
      if ((this.#anchors[middle] ?? 0) < least) first = middle + 1;
      else behind = middle;
    }
    return first < this.#anchors.length && (this.#anchors[first] ?? 0) < most;
  }
}

function hash(high: number, low: number): number {
  const mixed = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
