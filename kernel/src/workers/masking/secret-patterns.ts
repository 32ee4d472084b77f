import { ANCHOR_BYTES, cutPatterns } from './cut-patterns.ts';
import { encodedForms, toBinary } from './encoded-forms.ts';

/** Characters. What is shorter, without the white space around it, is not masked: it would stand in every other line by chance. */
export const SHORTEST_MASKED = 6;
/** A value with more lines than this has them masked as they are, and not in their encoded forms. */
const MAX_ENCODED_LINES = 100;

/**
 * What must not be printed, for these values: each value, each line of one with several, and the encoded forms of both. Binary
 * strings, sorted, each once. Behind the first six bytes of a pattern there are no line breaks: they do not count there.
 */
export function secretPatterns(values: readonly string[]): string[] {
  const patterns = new Set<string>();
  for (const value of new Set(values)) {
    for (const form of secretForms(value)) {
      for (const pattern of cutPatterns(form)) patterns.add(withoutBreaks(pattern));
    }
  }
  return [...patterns].sort();
}

/** The value and everything derived from it, uncut, as binary strings. */
export function secretForms(value: string): Set<string> {
  const trimmed = value.trim();
  const forms = new Set<string>();
  if (!isMasked(trimmed)) return forms;
  for (const form of plainForms(toBinary(trimmed))) forms.add(form);
  for (const form of encodedForms(value, trimmed)) forms.add(form);
  const lines = new Set(trimmed.split(/[\r\n]+/).map((line) => line.trim()));
  for (const line of lines) if (!isMasked(line)) lines.delete(line);
  for (const line of lines) {
    forms.add(toBinary(line));
    if (lines.size > MAX_ENCODED_LINES || line === trimmed) continue;
    for (const form of encodedForms(line, line)) forms.add(form);
  }
  return forms;
}

function isMasked(text: string): boolean {
  // A character has one or two units.
  return text.length >= SHORTEST_MASKED && (text.length >= 2 * SHORTEST_MASKED || Array.from(text).length >= SHORTEST_MASKED);
}

/** Line breaks count within the first six bytes: a value with one there is looked for with each kind of break, and without. */
function plainForms(value: string): string[] {
  if (!/[\r\n]/.test(value.slice(0, ANCHOR_BYTES))) return [value];
  const unix = value.replaceAll('\r\n', '\n');
  return [value, unix, unix.replaceAll('\n', '\r\n'), value.replace(/[\r\n]/g, '')].filter((form) => form.length >= ANCHOR_BYTES);
}

function withoutBreaks(pattern: string): string {
  return pattern.slice(0, ANCHOR_BYTES) + pattern.slice(ANCHOR_BYTES).replace(/[\r\n]+/g, '');
}
