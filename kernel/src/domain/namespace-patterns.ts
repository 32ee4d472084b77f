/** Which namespaces may use a global secret. */
import { compilePattern, patternFault } from './target-pattern.ts';

/** True where one of the patterns matches the whole id. One that is empty or malformed admits nobody. */
export function admitsNamespace(patterns: readonly string[], namespaceId: string): boolean {
  return patterns.some(
    (pattern) => patternFault(pattern, Number.POSITIVE_INFINITY) === undefined && compilePattern(pattern).matches(namespaceId),
  );
}
