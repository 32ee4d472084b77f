/** The variables of a task execution: where they come from, and which one wins. */

export type VariableSource = 'system' | 'run_options' | 'pipeline_config';

export interface Variable {
  readonly key: string;
  /** As given: references to secrets and objects are still in place. */
  readonly value: string;
  readonly source: VariableSource;
}

export type VariableValues = Readonly<Record<string, string>>;

/** From the weakest to the strongest. */
const PRECEDENCE = ['system', 'run_options', 'pipeline_config'] as const satisfies readonly VariableSource[];

/**
 * One variable for each name, names compared without regard to case: the strongest source wins and keeps its own spelling; within a
 * source the last one wins. Empty names are dropped. Sorted by name, so that the same sources always give the same list.
 */
export function mergeVariables(sources: Readonly<Partial<Record<VariableSource, VariableValues>>>): readonly Variable[] {
  const merged = new Map<string, Variable>();
  for (const source of PRECEDENCE) {
    for (const [key, value] of Object.entries(sources[source] ?? {})) {
      if (key !== '') merged.set(key.toUpperCase(), { key, value, source });
    }
  }
  return [...merged].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, variable]) => variable);
}

/** The environment that a scheduler is given. */
export function toEnvironment(variables: readonly Variable[]): VariableValues {
  return Object.fromEntries(variables.map(({ key, value }) => [key, value]));
}
