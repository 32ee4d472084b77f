/**
 * Finds all matches of many patterns at once. A match begins where the first six bytes of a pattern stand (its anchor); from there on
 * line breaks in the text are passed over. Wherever it begins, three bytes of the anchor stand at a multiple of four: so only those
 * places are looked at, and a table says at which distances behind the beginning of an anchor the three bytes may stand. Looking is
 * independent of what was found before, which lets the processor do much of it at a time. Patterns with the same anchor are then told
 * apart as in a sorted list. Memory and the time to make it are in proportion to the patterns.
 */
import { ANCHOR_BYTES } from './cut-patterns.ts';
import type { Spans } from './spans.ts';

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
/** A match may pass over so many line breaks, and two more for each byte of it so far. It bounds what is held back. */
const FREE_BREAKS = 64;
/** From one place that is looked at to the next. */
const STRIDE = 4;
/** So many bytes are looked at, so that they lie within an anchor wherever it begins. */
const BLOCK_BYTES = ANCHOR_BYTES - STRIDE + 1;
/** The table of blocks has 64 KiB, which is near the processor, or for many patterns 128 KiB. */
const SMALL_BITS = 16;
const LARGE_BITS = 17;
const MANY_PATTERNS = 1000;
/** Whole words are read at a time where the text is not so short that making ready for it costs more. */
const SHORTEST_IN_WORDS = 256;
const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
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
  /** For each block, by a hash of it: a bit for every distance behind the beginning of an anchor at which it stands in one. */
  readonly #distances: Uint8Array;
  readonly #shift: number;
  /** 1 where a pattern begins with this byte. */
  readonly #firsts = new Uint8Array(256);
  /** A hash table from an anchor's two parts to the number of its group, counted from 1; mostly empty, as most of what is asked for is not there. */
  readonly #slots: Uint32Array;
  readonly #highs: Uint16Array;
  readonly #lows: Uint32Array;

  /** `patterns` are binary strings of 6 bytes or more, sorted, each once, without line breaks behind the sixth byte. */
  constructor(patterns: readonly string[]) {
    this.size = patterns.length;
    this.#bytes = Buffer.allocUnsafeSlow(patterns.reduce((sum, { length }) => sum + length, 0));
    this.#starts = new Uint32Array(patterns.length + 1);
    const bits = patterns.length < MANY_PATTERNS ? SMALL_BITS : LARGE_BITS;
    this.#distances = new Uint8Array(2 ** bits);
    this.#shift = 32 - bits;
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
    this.#slots = new Uint32Array(2 ** Math.ceil(Math.log2(8 * groups.length + 2)));
    for (let group = 0; group < groups.length; group++) this.#addAnchor(group);
  }

  /**
   * Adds what is matched in `text` to `spans`, and returns from where on it is undecided whether a match begins: what follows there
   * has to be looked at again, together with more. With `final` there is no more, and everything is decided.
   */
  search(text: Uint8Array, final: boolean, spans: Spans): number {
    const end = text.length;
    if (this.size === 0) return end;
    const distances = this.#distances;
    const shift = this.#shift;
    let at = 0;
    if (end >= SHORTEST_IN_WORDS && IS_LITTLE_ENDIAN) {
      // The places that are looked at may begin anywhere within the first stride; here, where a word may begin.
      at = -text.byteOffset & (STRIDE - 1);
      const words = new Uint32Array(text.buffer, text.byteOffset + at, (end - at) >>> 2);
      for (let index = 0; index < words.length; index++) {
        const found = distances[blockHash((words[index] ?? 0) & 0xffffff, shift)] ?? 0;
        if (found !== 0) {
          const undecided = this.#decide(text, at + STRIDE * index, found, final, spans);
          if (undecided >= 0) return undecided;
        }
      }
      at += STRIDE * words.length;
    }
    for (; at + BLOCK_BYTES <= end; at += STRIDE) {
      const found = distances[blockHash(blockAt(text, at), shift)] ?? 0;
      const undecided = found === 0 ? -1 : this.#decide(text, at, found, final, spans);
      if (undecided >= 0) return undecided;
    }
    return final ? end : this.#undecidedEnd(text);
  }

  /** Looks for matches that begin at these distances before `at`, and returns where one may begin that is undecided, or -1. */
  #decide(text: Uint8Array, at: number, distances: number, final: boolean, spans: Spans): number {
    for (let left = distances; left !== 0; ) {
      // The farthest first: matches are added in the order of their beginnings.
      const distance = 31 - Math.clz32(left);
      left ^= 1 << distance;
      const start = at - distance;
      if (start < 0 || start + ANCHOR_BYTES > text.length) continue;
      const group = this.#groupAt(text, start);
      if (group < 0) continue;
      const matchEnd = this.#match(text, start, group, final);
      if (matchEnd === UNDECIDED) return start;
      if (matchEnd !== NO_MATCH) spans.add(start, matchEnd);
    }
    return -1;
  }

  #addAnchor(group: number): void {
    const start = this.#starts[this.#groups[group] ?? 0] ?? 0;
    const bytes = this.#bytes;
    for (let distance = 0; distance < STRIDE; distance++) {
      const block = blockHash(blockAt(bytes, start + distance), this.#shift);
      this.#distances[block] = (this.#distances[block] ?? 0) | (1 << distance);
    }
    this.#firsts[bytes[start] ?? 0] = 1;
    this.#anchors[group] = bytes.readUIntBE(start, ANCHOR_BYTES);
    const high = bytes.readUInt16LE(start);
    const low = bytes.readUInt32LE(start + 2);
    this.#highs[group] = high;
    this.#lows[group] = low;
    const slots = this.#slots.length - 1;
    let slot = hash(high, low) & slots;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & slots;
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
    for (let at = Math.max(0, end - ANCHOR_BYTES + 1); at < end; at++) {
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

/** Three bytes as a number, as they stand in a word of a little-endian machine. */
function blockAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
}

function blockHash(block: number, shift: number): number {
  return Math.imul(block, 0x9e3779b1) >>> shift;
}

function hash(high: number, low: number): number {
  const mixed = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
