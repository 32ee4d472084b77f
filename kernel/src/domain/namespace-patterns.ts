/** Which namespaces may use a global secret: patterns that match a whole id, in time that is linear in its length (RE2). */
import { RE2JS } from 're2js';

/** What is wrong with a pattern, for a person; undefined where nothing is. */
export function patternFault(pattern: string): string | undefined {
  if (pattern === '') return 'must not be empty; .* admits every namespace';
  try {
    RE2JS.compile(pattern);
    return undefined;
  } catch (error) {
    return `is not a regular expression that can be used (${error instanceof Error ? error.message : String(error)}); the syntax is RE2's, without look-around and back-references`;
  }
}

/** True where one of the patterns matches the whole id. One that is empty or malformed admits nobody. */
export function admitsNamespace(patterns: readonly string[], namespaceId: string): boolean {
  return patterns.some((pattern) => patternFault(pattern) === undefined && RE2JS.matches(pattern, namespaceId));
}
