/** Masks the whole of a text at once, by the definition and without any cleverness: what the fast way is compared with. */
import { MASK } from './stream-masker.ts';

const isBreak = (byte: number | undefined): boolean => byte === 10 || byte === 13;

export function naiveMask(text: Uint8Array, patterns: readonly string[]): Buffer {
  const masked = new Uint8Array(text.length);
  for (const pattern of patterns) {
    const bytes = Buffer.from(pattern, 'latin1');
    for (let start = 0; start < text.length; start++) {
      const end = matchEnd(text, start, bytes);
      if (end !== undefined) masked.fill(1, start, end);
    }
  }
  const out: number[] = [];
  let inMask = false;
  for (const [at, byte] of text.entries()) {
    const hidden = masked[at] === 1 && !isBreak(byte);
    if (!hidden) out.push(byte);
    else if (!inMask) out.push(...Buffer.from(MASK));
    inMask = hidden;
  }
  return Buffer.from(out);
}

function matchEnd(text: Uint8Array, start: number, pattern: Uint8Array): number | undefined {
  let depth = 0;
  let breaks = 0;
  for (let at = start; ; at++) {
    if (depth === pattern.length) return at;
    if (depth >= 6 && isBreak(text[at])) {
      if (++breaks > 64 + 2 * (depth - 6)) return undefined;
    } else if (text[at] === pattern[depth]) {
      depth++;
    } else {
      return undefined;
    }
  }
}
