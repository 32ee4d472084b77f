import type { FaultList } from './fault-list.ts';
import { isJsonObject, kindOf, memberPath, quote, readEntries, readOptionalBoolean, readOptionalString, readString } from './field-readers.ts';
import { isTaskId, TASK_ID_RULE } from './identifiers.ts';
import { parseImageReference } from './image-reference.ts';
import type { RegistryAuth, RequiredParentStatus, TaskDefinition } from './pipeline-definition.ts';
import { PIPELINE_LIMITS } from './pipeline-limits.ts';

/** Both spellings that v0 has: PascalCase from SDKs, snake_case from the API. */
const REQUIRED_STATUSES: ReadonlyMap<unknown, RequiredParentStatus> = new Map([
  ['Any', 'any'],
  ['any', 'any'],
  ['Success', 'success'],
  ['success', 'success'],
  ['Failure', 'failure'],
  ['failure', 'failure'],
]);

/** A task with an id, even when other fields of it are at fault, so that its dependencies can be checked too; else `undefined`. */
export function parseTaskDefinition(input: unknown, path: string, faults: FaultList): TaskDefinition | undefined {
  if (!isJsonObject(input)) {
    faults.add(path, `a task must be an object, is ${kindOf(input)}`);
    return undefined;
  }
  const id = readString(input.id, `${path}.id`, Number.POSITIVE_INFINITY, faults);
  if (id !== undefined && !isTaskId(id)) faults.add(`${path}.id`, `${quote(id)} is not a task id; use ${TASK_ID_RULE}`);
  const description = readOptionalString(input.description, `${path}.description`, PIPELINE_LIMITS.descriptionCharacters, faults);
  const image = readImage(input.image, `${path}.image`, faults);
  const registryAuth = readRegistryAuth(input.registry_auth, `${path}.registry_auth`, faults);
  const dependsOn = readDependsOn(input.depends_on, `${path}.depends_on`, faults);
  const variables = readVariables(input.variables, `${path}.variables`, faults);
  const entrypoint = readArguments(input.entrypoint, `${path}.entrypoint`, faults);
  const command = readArguments(input.command, `${path}.command`, faults);
  const injectApiToken = readOptionalBoolean(input.inject_api_token, `${path}.inject_api_token`, faults);
  const alwaysPullNewestImage = readOptionalBoolean(input.always_pull_newest_image, `${path}.always_pull_newest_image`, faults);
  if (id === undefined) return undefined;
  return {
    id,
    description,
    image,
    ...(registryAuth === undefined ? {} : { registryAuth }),
    dependsOn,
    variables,
    ...(entrypoint === undefined ? {} : { entrypoint }),
    ...(command === undefined ? {} : { command }),
    injectApiToken,
    alwaysPullNewestImage,
  };
}

function readImage(value: unknown, path: string, faults: FaultList): string {
  const image = readString(value, path, Number.POSITIVE_INFINITY, faults);
  if (image === undefined) return '';
  const { fault } = parseImageReference(image);
  if (fault !== undefined) faults.add(path, `image ${quote(image)} ${fault}`);
  return image;
}

function readRegistryAuth(value: unknown, path: string, faults: FaultList): RegistryAuth | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) {
    faults.add(path, `must be an object with user and pass, is ${kindOf(value)}`);
    return undefined;
  }
  const user = readString(value.user, `${path}.user`, PIPELINE_LIMITS.registryAuthCharacters, faults);
  const pass = readString(value.pass, `${path}.pass`, PIPELINE_LIMITS.registryAuthCharacters, faults);
  return user === undefined || pass === undefined ? undefined : { user, pass };
}

function readDependsOn(value: unknown, path: string, faults: FaultList): Readonly<Record<string, RequiredParentStatus>> {
  // `fromEntries` and not assignment: `__proto__` is a valid task id.
  return Object.fromEntries(
    readEntries(value, path, faults).map(([parent, written]) => {
      const required = REQUIRED_STATUSES.get(written);
      if (required === undefined) {
        const found = typeof written === 'string' ? quote(written) : kindOf(written);
        faults.add(memberPath(path, parent), `must be Any, Success or Failure, is ${found}`);
      }
      return [parent, required ?? 'any'];
    }),
  );
}

function readVariables(value: unknown, path: string, faults: FaultList): Readonly<Record<string, string>> {
  const entries = readEntries(value, path, faults);
  if (entries.length > PIPELINE_LIMITS.variables) {
    faults.add(path, `a task has at most ${PIPELINE_LIMITS.variables} variables, this one has ${entries.length}`);
    return {};
  }
  let total = 0;
  const variables = entries.map(([key, written]): [string, string] => {
    const at = memberPath(path, key);
    addVariableKeyFaults(key, at, faults);
    const text = readString(written, at, PIPELINE_LIMITS.variableCharacters - key.length, faults) ?? '';
    if (text.includes('\0')) faults.add(at, 'must not contain a NUL character, which no environment can carry');
    total += key.length + text.length;
    return [key, text];
  });
  if (total > PIPELINE_LIMITS.variablesTotalCharacters) {
    faults.add(path, `a task's variables have at most ${PIPELINE_LIMITS.variablesTotalCharacters} characters in all, these have ${total}`);
  }
  return Object.fromEntries(variables);
}

/** An empty key is no fault: v0 accepts it, and it is dropped when the environment is made. */
function addVariableKeyFaults(key: string, path: string, faults: FaultList): void {
  if (key.length > PIPELINE_LIMITS.variableKeyCharacters) {
    faults.add(path, `a variable's name has at most ${PIPELINE_LIMITS.variableKeyCharacters} characters, this one has ${key.length}`);
  }
  if (/[=\0]/.test(key)) faults.add(path, "a variable's name must not contain = or a NUL character, which no environment can carry");
}

function readArguments(value: unknown, path: string, faults: FaultList): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) {
    faults.add(path, `must be an array of strings, is ${kindOf(value)}`);
    return undefined;
  }
  if (value.length > PIPELINE_LIMITS.arguments) {
    faults.add(path, `has at most ${PIPELINE_LIMITS.arguments} strings, this one has ${value.length}`);
    return undefined;
  }
  return Array.from(value, (argument: unknown, index) => {
    const at = `${path}[${index}]`;
    const text = readString(argument, at, PIPELINE_LIMITS.argumentCharacters, faults) ?? '';
    if (text.includes('\0')) faults.add(at, 'must not contain a NUL character, which no command line can carry');
    return text;
  });
}
