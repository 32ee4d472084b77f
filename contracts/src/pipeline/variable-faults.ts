import type { Fault } from '../errors.ts';
import { FaultList } from './fault-list.ts';
import { readVariables } from './read-variables.ts';

/** What is wrong with variables that a run is started with, each fault with its JSON path; the rules are those of a task's own. */
export function variableFaults(variables: Readonly<Record<string, string>>, path: string): readonly Fault[] {
  const faults = new FaultList();
  readVariables(variables, path, faults);
  return faults.toArray();
}
