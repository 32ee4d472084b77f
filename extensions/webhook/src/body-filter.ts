/** Which bodies start a run: `place=value` pairs, all of which must hold. */
import { toText } from './body.ts';
import { splitEntries, splitPair } from './pairs.ts';
import { type Pointer, parsePointer, valueAt } from './pointer.ts';

export interface Condition {
  readonly place: string;
  readonly pointer: Pointer;
  readonly value: string;
}

/** Throws a `Refusal`. */
export function parseFilter(text: string): readonly Condition[] {
  return splitEntries('filter', text).map((entry) => {
    const [place, value] = splitPair('filter', entry, 'place=value');
    return { place, pointer: parsePointer(place), value };
  });
}

/** What is missing equals nothing, not even the empty text. */
export function fitsFilter(conditions: readonly Condition[], body: unknown): boolean {
  return conditions.every(({ pointer, value }) => toText(valueAt(body, pointer)) === value);
}
