import type { FaultList } from './fault-list.ts';
import { type JsonObject, memberPath, readString } from './field-readers.ts';
import { PIPELINE_LIMITS } from './pipeline-limits.ts';

/** The variables of a task or of a run at `at`: what a process's environment can carry. */
export function readVariables(written: JsonObject, at: string, faults: FaultList): Readonly<Record<string, string>> {
  const keys = Object.keys(written);
  if (keys.length === 0) return {};
  if (keys.length > PIPELINE_LIMITS.variables) {
    faults.add(at, `at most ${PIPELINE_LIMITS.variables} variables are taken, these are ${keys.length}`);
    return {};
  }
  let total = 0;
  const variables = keys.map((key): [string, string] => {
    addVariableKeyFaults(key, at, faults);
    const value = readString(written, key, at, PIPELINE_LIMITS.variableCharacters - key.length, faults) ?? '';
    if (value.includes('\0')) faults.add(memberPath(at, key), 'must not contain a NUL character, which no environment can carry');
    total += key.length + value.length;
    return [key, value];
  });
  if (total > PIPELINE_LIMITS.variablesTotalCharacters) {
    faults.add(at, `variables have at most ${PIPELINE_LIMITS.variablesTotalCharacters} characters in all, these have ${total}`);
  }
  return Object.fromEntries(variables);
}

/** An empty key is no fault: v0 accepts it, and it is dropped when the environment is made. */
function addVariableKeyFaults(key: string, path: string, faults: FaultList): void {
  if (key.length > PIPELINE_LIMITS.variableKeyCharacters) {
    const limit = PIPELINE_LIMITS.variableKeyCharacters;
    faults.add(memberPath(path, key), `a variable's name has at most ${limit} characters, this one has ${key.length}`);
  }
  if (key.includes('=') || key.includes('\0')) {
    faults.add(memberPath(path, key), "a variable's name must not contain = or a NUL character, which no environment can carry");
  }
}
