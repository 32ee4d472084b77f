import { patternTable } from './pattern-cache.ts';
import type { PatternTable } from './pattern-table.ts';
import { StreamMasker } from './stream-masker.ts';

/**
 * Masks secrets in short texts, such as the reason of a failure, by the rules that hold for a task's output. Nothing is made ready
 * before the first text comes.
 */
export function createTextMasker(values: readonly string[]): (text: string) => string {
  let table: PatternTable | undefined;
  return (text) => {
    table ??= patternTable(values);
    const bytes = Buffer.from(text);
    const masker = new StreamMasker(table);
    const masked = Buffer.concat([...masker.push(bytes), masker.end()]);
    // A text without a secret stays as it is, also where it is not well-formed.
    return masked.equals(bytes) ? text : masked.toString();
  };
}
