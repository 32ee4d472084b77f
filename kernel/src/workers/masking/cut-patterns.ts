/** A pattern is found by so many bytes at its beginning, between which nothing else may stand. */
export const ANCHOR_BYTES = 6;
/**
 * Bounds what is held back while a match is undecided, and the work for a byte of the output where a secret repeats itself. The parts
 * of a longer secret are masked each for itself, so that a part of it that is printed is masked too.
 */
const MAX_PATTERN_BYTES = 512;
/** Leaves room to move a cut. */
const SEGMENT_BYTES = 360;
/** How far a cut is moved to find a place without white space. */
const MAX_MOVE = 128;
/** So many bytes before a cut a segment's twin begins: their anchors share one byte, and so no place between two. */
const EARLIER_BYTES = ANCHOR_BYTES - 1;
/** A pattern's end counts on its own from this length on: what is shorter could be found by chance. */
const SHORTEST_END = 12;

/**
 * The patterns of one form. A long one is cut into segments of even length, each found by itself. A line break in the output within
 * the bytes that a pattern is found by (text folded at 76 columns, say) would hide the whole of it; so each has a twin that begins
 * a few bytes later, or for a segment earlier, and no break between two bytes is within both.
 */
export function* cutPatterns(form: string): Generator<string> {
  const count = form.length <= MAX_PATTERN_BYTES ? 1 : Math.ceil(form.length / SEGMENT_BYTES);
  const later = placeOf(form, EARLIER_BYTES, 0);
  for (let segment = 1, start = 0; segment <= count; segment++) {
    const end = segment === count ? form.length : placeOf(form, Math.floor((segment * form.length) / count), EARLIER_BYTES);
    yield form.slice(start, end);
    if (start > 0) yield form.slice(start - EARLIER_BYTES, end);
    else if (end - later >= SHORTEST_END) yield form.slice(later, end);
    start = end;
  }
}

/**
 * The first place from `wanted` on where a pattern that begins there, or `before` bytes earlier, is found by no white space: that is
 * what chunks end with and lines begin with, so that a pattern which is found by it would often be suspected.
 */
function placeOf(form: string, wanted: number, before: number): number {
  for (let at = wanted; at < wanted + MAX_MOVE; at++) if (!/\s/.test(form.slice(at - before, at + ANCHOR_BYTES))) return at;
  for (let at = wanted; at < wanted + MAX_MOVE; at++) if (!/\s/.test(form.charAt(at))) return at;
  return wanted;
}
