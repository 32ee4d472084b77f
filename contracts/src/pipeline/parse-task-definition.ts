import type { FaultList } from './fault-list.ts';
import type { JsonObject } from './field-readers.ts';
import {
  isJsonObject,
  kindOf,
  memberPath,
  quote,
  readOptionalBoolean,
  readOptionalObject,
  readOptionalString,
  readString,
} from './field-readers.ts';
import { isTaskId, TASK_ID_RULE } from './identifiers.ts';
import { parseImageReference } from './image-reference.ts';
import type { RegistryAuth, RequiredParentStatus, TaskDefinition } from './pipeline-definition.ts';
import { PIPELINE_LIMITS } from './pipeline-limits.ts';
import { readTaskReliability } from './read-reliability.ts';
import { readVariables } from './read-variables.ts';

/** Both spellings that v0 has: PascalCase from SDKs, snake_case from the API. */
const REQUIRED_STATUSES: ReadonlyMap<unknown, RequiredParentStatus> = new Map([
  ['Any', 'any'],
  ['any', 'any'],
  ['Success', 'success'],
  ['success', 'success'],
  ['Failure', 'failure'],
  ['failure', 'failure'],
]);

/**
 * A task with an id, even when other fields of it are at fault, so that its dependencies can be checked too; else `undefined`.
 * `imageFaults` remembers the judgement of each image: the tasks of a pipeline tend to share them.
 */
export function parseTaskDefinition(
  input: unknown,
  path: string,
  imageFaults: Map<string, string | undefined>,
  faults: FaultList,
): TaskDefinition | undefined {
  if (!isJsonObject(input)) {
    faults.add(path, `a task must be an object, is ${kindOf(input)}`);
    return undefined;
  }
  const id = readString(input, 'id', path, Number.POSITIVE_INFINITY, faults);
  if (id !== undefined && !isTaskId(id)) faults.add(`${path}.id`, `${quote(id)} is not a task id; use ${TASK_ID_RULE}`);
  const description = readOptionalString(input, 'description', path, PIPELINE_LIMITS.descriptionCharacters, faults);
  const image = readImage(input, path, imageFaults, faults);
  const registryAuth = readRegistryAuth(input, path, faults);
  const dependsOn = readDependsOn(input, path, faults);
  const variables = readVariables(readOptionalObject(input, 'variables', path, faults), `${path}.variables`, faults);
  const entrypoint = readArguments(input, 'entrypoint', path, faults);
  const command = readArguments(input, 'command', path, faults);
  const injectApiToken = readOptionalBoolean(input, 'inject_api_token', path, faults);
  const alwaysPullNewestImage = readOptionalBoolean(input, 'always_pull_newest_image', path, faults);
  const reliability = readTaskReliability(input, path, faults);
  if (id === undefined) return undefined;
  return {
    id,
    description,
    image,
    ...(registryAuth === undefined ? undefined : { registryAuth }),
    dependsOn,
    variables,
    ...(entrypoint === undefined ? undefined : { entrypoint }),
    ...(command === undefined ? undefined : { command }),
    injectApiToken,
    alwaysPullNewestImage,
    ...reliability,
  };
}

function readImage(task: JsonObject, path: string, imageFaults: Map<string, string | undefined>, faults: FaultList): string {
  const image = readString(task, 'image', path, Number.POSITIVE_INFINITY, faults);
  if (image === undefined) return '';
  if (!imageFaults.has(image)) imageFaults.set(image, parseImageReference(image).fault);
  const fault = imageFaults.get(image);
  if (fault !== undefined) faults.add(`${path}.image`, `image ${quote(image)} ${fault}`);
  return image;
}

function readRegistryAuth(task: JsonObject, path: string, faults: FaultList): RegistryAuth | undefined {
  const value = task.registry_auth;
  if (value === undefined || value === null) return undefined;
  const at = `${path}.registry_auth`;
  if (!isJsonObject(value)) {
    faults.add(at, `must be an object with user and pass, is ${kindOf(value)}`);
    return undefined;
  }
  const user = readString(value, 'user', at, PIPELINE_LIMITS.registryAuthCharacters, faults);
  const pass = readString(value, 'pass', at, PIPELINE_LIMITS.registryAuthCharacters, faults);
  return user === undefined || pass === undefined ? undefined : { user, pass };
}

function readDependsOn(task: JsonObject, path: string, faults: FaultList): Readonly<Record<string, RequiredParentStatus>> {
  const dependencies = readOptionalObject(task, 'depends_on', path, faults);
  const parents = Object.keys(dependencies);
  if (parents.length === 0) return {};
  // `fromEntries` and not assignment: `__proto__` is a valid task id.
  return Object.fromEntries(
    parents.map((parent) => {
      const written = dependencies[parent];
      const required = REQUIRED_STATUSES.get(written);
      if (required === undefined) {
        const found = typeof written === 'string' ? quote(written) : kindOf(written);
        faults.add(memberPath(`${path}.depends_on`, parent), `must be Any, Success or Failure, is ${found}`);
      }
      return [parent, required ?? 'any'];
    }),
  );
}

function readArguments(task: JsonObject, key: 'entrypoint' | 'command', path: string, faults: FaultList): readonly string[] | undefined {
  const value = task[key];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) {
    faults.add(`${path}.${key}`, `must be an array of strings, is ${kindOf(value)}`);
    return undefined;
  }
  if (value.length > PIPELINE_LIMITS.arguments) {
    faults.add(`${path}.${key}`, `has at most ${PIPELINE_LIMITS.arguments} strings, this one has ${value.length}`);
    return undefined;
  }
  return Array.from(value, (argument: unknown, index) => readArgument(argument, () => `${path}.${key}[${index}]`, faults));
}

function readArgument(value: unknown, path: () => string, faults: FaultList): string {
  if (typeof value !== 'string') {
    faults.add(path(), `must be a string, is ${kindOf(value)}`);
    return '';
  }
  if (value.length > PIPELINE_LIMITS.argumentCharacters) {
    faults.add(path(), `must be at most ${PIPELINE_LIMITS.argumentCharacters} characters, has ${value.length}`);
  }
  if (value.includes('\0')) faults.add(path(), 'must not contain a NUL character, which no command line can carry');
  return value;
}
