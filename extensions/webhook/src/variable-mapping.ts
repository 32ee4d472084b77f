/** Which values of a body become which variables: `NAME=place`, and `NAME!=place` for what must be there. */
import { asLiteral, Refusal } from '@gofer/sdk/extension';
import { toText } from './body.ts';
import { splitEntries, splitPair } from './pairs.ts';
import { type Pointer, parsePointer, valueAt } from './pointer.ts';

export interface VariableMapping {
  readonly name: string;
  readonly place: string;
  readonly pointer: Pointer;
  readonly isRequired: boolean;
}

/** UTF-16 units. Linux takes 128 KiB of one variable with its name, in bytes. */
export const MAX_VALUE = 32_768;

/** Throws a `Refusal`. */
export function parseMappings(text: string): readonly VariableMapping[] {
  const seen = new Set<string>();
  return splitEntries('variables', text).map((entry) => {
    const [left, place] = splitPair('variables', entry, 'NAME=place or NAME!=place');
    const isRequired = left.endsWith('!');
    const name = isRequired ? left.slice(0, -1).trim() : left;
    if (!/^[a-zA-Z_][a-zA-Z0-9_]{0,127}$/.test(name)) {
      throw new Refusal(`variables: ${JSON.stringify(name.slice(0, 100))} is no name of a variable: use letters, digits and underscores.`);
    }
    const key = name.toUpperCase();
    if (key.startsWith('GOFER_')) throw new Refusal(`variables: ${name} cannot be set; names with GOFER_ are Gofer's own.`);
    if (seen.has(key)) throw new Refusal(`variables: ${name} is there twice; the case of names does not count.`);
    seen.add(key);
    return { name, place, pointer: parsePointer(place), isRequired };
  });
}

/** Throws a `Refusal` that names all that is missing or too long. What is missing otherwise, and null, is empty. */
export function toVariables(mappings: readonly VariableMapping[], body: unknown): Readonly<Record<string, string>> {
  const faults: string[] = [];
  const variables = mappings.map(({ name, place, pointer, isRequired }): [string, string] => {
    const value = valueAt(body, pointer);
    const text = value === null ? undefined : toText(value);
    if (text === undefined && isRequired) faults.push(`${place}, which ${name} is made of, is missing`);
    if (text !== undefined && text.length > MAX_VALUE)
      faults.push(`${place} has ${text.length} characters, and ${name} can have ${MAX_VALUE}`);
    return [name, asLiteral(text ?? '')];
  });
  if (faults.length > 0) throw new Refusal(`The body does not fit the subscription: ${faults.join('; ')}.`);
  return Object.fromEntries(variables);
}
