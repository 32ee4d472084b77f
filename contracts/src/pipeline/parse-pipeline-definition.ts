/**
 * Reads the JSON that users' programs print (v0's SDK JSON) into a definition. The command and the server use this same code, so
 * that what passes here is accepted there. Written by hand: it names every fault in one pass, in linear time.
 */

import type { Fault } from '../errors.ts';
import { addDependencyFaults } from './dependency-faults.ts';
import { FaultList } from './fault-list.ts';
import { isJsonObject, kindOf, quote, readOptionalString, readString } from './field-readers.ts';
import { IDENTIFIER_RULE, isIdentifier } from './identifiers.ts';
import { parseTaskDefinition } from './parse-task-definition.ts';
import type { PipelineDefinition, TaskDefinition } from './pipeline-definition.ts';
import { PIPELINE_LIMITS } from './pipeline-limits.ts';
import { readPipelineReliability } from './read-reliability.ts';
import { readSubscriptions } from './subscription-definition.ts';

export type ParsedPipelineDefinition =
  | { readonly definition: PipelineDefinition; readonly faults?: undefined }
  | { readonly definition?: undefined; readonly faults: readonly Fault[] };

/**
 * Must name every fault of the input at once (the first `PIPELINE_LIMITS.faults` of them), each with its JSON path from `$`; must
 * never throw, whatever the input. Takes `depends_on` values in either of v0's spellings (`Success`, `success`), takes `null` as
 * absent, defaults what has a default, and ignores fields it does not know, as v0 does.
 */
export function parsePipelineDefinition(input: unknown): ParsedPipelineDefinition {
  const faults = new FaultList();
  if (!isJsonObject(input)) {
    faults.add('$', `a pipeline must be an object, is ${kindOf(input)}`);
    return { faults: faults.toArray() };
  }

  const id = readString(input, 'id', '$', Number.POSITIVE_INFINITY, faults);
  if (id !== undefined && !isIdentifier(id)) faults.add('$.id', `${quote(id)} is not a pipeline id; use ${IDENTIFIER_RULE}`);
  const name = readString(input, 'name', '$', PIPELINE_LIMITS.nameCharacters, faults);
  const description = readOptionalString(input, 'description', '$', PIPELINE_LIMITS.descriptionCharacters, faults);
  const parallelism = readParallelism(input.parallelism, faults);
  const reliability = readPipelineReliability(input, faults);
  const tasks = readTasks(input.tasks, faults);
  const subscriptions = readSubscriptions(input.subscriptions, faults);

  if (id === undefined || name === undefined || !faults.isEmpty) return { faults: faults.toArray() };
  const subscribed = subscriptions === undefined ? undefined : { subscriptions };
  return { definition: { id, name, description, parallelism, ...reliability, tasks, ...subscribed } };
}

function readParallelism(value: unknown, faults: FaultList): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  const found = typeof value === 'number' ? String(value) : kindOf(value);
  faults.add('$.parallelism', `must be a whole number of runs, 0 for the server's limit; is ${found}`);
  return 0;
}

function readTasks(value: unknown, faults: FaultList): readonly TaskDefinition[] {
  const path = '$.tasks';
  if (!Array.isArray(value)) {
    faults.add(path, `must be an array of tasks, is ${kindOf(value)}`);
    return [];
  }
  if (value.length === 0) faults.add(path, 'a pipeline must have at least one task');
  if (value.length > PIPELINE_LIMITS.tasks) {
    faults.add(path, `a pipeline has at most ${PIPELINE_LIMITS.tasks} tasks, this one has ${value.length}`);
    return [];
  }
  // Positions stay those of the input, with a hole where a task has no id: later faults name them.
  const imageFaults = new Map<string, string | undefined>();
  const tasks = Array.from(value, (task: unknown, index) => parseTaskDefinition(task, `${path}[${index}]`, imageFaults, faults));
  addDependencyFaults(tasks, faults);
  return tasks.filter((task) => task !== undefined);
}
