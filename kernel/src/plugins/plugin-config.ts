/** Holds a plugin's block of the configuration to the plugin's own schema. */
import { closestName } from '@gofer/config';
import type { Fault, JsonSchema } from '@gofer/contracts';
import type { Ajv2020, ErrorObject } from 'ajv/dist/2020.js';

/** What was written for a plugin. */
export interface WrittenBlock {
  readonly value: Readonly<Record<string, unknown>>;
  /** What is wrong with it already. */
  readonly faults: readonly Fault[];
  /** Where a key was set, as in `gofer_web.toml:12`, or its dotted name where that is not known. */
  readonly locate: (key: readonly string[]) => string;
}

/** Gives the block with the schema's defaults, deeply frozen, or every fault. `block` is its name: `scheduler.docker`. */
export async function checkPluginConfig(
  block: string,
  schema: JsonSchema,
  written: WrittenBlock,
): Promise<{ readonly value: unknown } | { readonly faults: readonly Fault[] }> {
  if (written.faults.length > 0) return { faults: written.faults };
  const ajv = await validator();
  const value: unknown = structuredClone(written.value);
  let check: ReturnType<Ajv2020['compile']>;
  try {
    check = ajv.compile(schema);
  } catch (error) {
    return { faults: [{ path: block, message: `the plugin's configSchema is not a JSON Schema: ${String(error)}` }] };
  }
  if (check(value)) return { value: deepFreeze(value) };
  return { faults: (check.errors ?? []).map((error) => toFault(block, schema, written, error)) };
}

/** Compiled when the first plugin is loaded: importing Ajv takes longer than everything else here. */
let shared: Promise<Ajv2020> | undefined;

function validator(): Promise<Ajv2020> {
  // `x-secret` and other marks are no keywords of JSON Schema; formats belong to a package that is not needed here.
  shared ??= import('ajv/dist/2020.js').then(
    ({ Ajv2020 }) => new Ajv2020({ useDefaults: true, allErrors: true, strict: false, validateFormats: false }),
  );
  return shared;
}

function toFault(block: string, schema: JsonSchema, written: WrittenBlock, error: ErrorObject): Fault {
  const key = error.instancePath.split('/').slice(1).map(unescapePointer);
  let message = error.message ?? `fails "${error.keyword}"`;
  if (error.keyword === 'additionalProperties') {
    const unknown = String(error.params.additionalProperty);
    key.push(unknown);
    const properties: unknown = schema.properties;
    const meant =
      key.length === 1 && typeof properties === 'object' && properties !== null ? closestName(unknown, Object.keys(properties)) : undefined;
    message = meant === undefined ? 'is not known' : `is not known; did you mean ${meant}?`;
  } else if (error.keyword === 'required') {
    key.push(String(error.params.missingProperty));
    message = 'is required';
  } else if (error.keyword === 'enum') {
    message = `must be one of ${(error.params.allowedValues as unknown[]).map((allowed) => JSON.stringify(allowed)).join(', ')}`;
  }
  const name = [block, ...key].join('.');
  const where = written.locate(key);
  return where === name ? { path: name, message } : { path: where, message: `${name} ${message}` };
}

function unescapePointer(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~');
}

function deepFreeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
