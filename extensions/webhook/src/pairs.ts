/** Lists in a parameter: one entry a line, or, in a single line, between commas. */
import { Refusal } from '@gofer/sdk/extension';

const MAX_ENTRIES = 100;

export function splitEntries(parameter: string, text: string): readonly string[] {
  const entries = text
    .split(text.trim().includes('\n') ? '\n' : ',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  if (entries.length <= MAX_ENTRIES) return entries;
  throw new Refusal(`${parameter}: at most ${MAX_ENTRIES} entries are taken, these are ${entries.length}.`);
}

/** At the first `=`. Throws a `Refusal` where there is none. */
export function splitPair(parameter: string, entry: string, form: string): readonly [string, string] {
  const at = entry.indexOf('=');
  if (at > 0) return [entry.slice(0, at).trim(), entry.slice(at + 1).trim()];
  throw new Refusal(`${parameter}: ${JSON.stringify(entry.slice(0, 100))} is not of the form ${form}.`);
}
