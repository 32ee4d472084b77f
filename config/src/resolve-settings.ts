/** From what was written in several places to one value a key: flags beat the environment, the environment beats the file, all beat defaults. */

import { join } from 'node:path';
import type { Fault } from '@gofer/contracts';
import { GoferError } from '@gofer/contracts';
import { readValue } from './read-value.ts';
import type { SettingSchema } from './setting.ts';
import { isTable } from './setting.ts';
import type { WrittenLayer, WrittenSetting } from './written-setting.ts';

/** A key's value and who set it. */
export interface ResolvedSetting {
  readonly value: unknown;
  readonly written: WrittenSetting;
}

/** What was set, by the key's own dotted path. */
export type ResolvedSettings = ReadonlyMap<string, ResolvedSetting>;

/** `layers` from the weakest to the strongest. A value that does not fit is a fault even where a stronger layer replaces it. */
export function resolveSettings(layers: readonly WrittenLayer[]): {
  readonly settings: ResolvedSettings;
  readonly faults: readonly Fault[];
} {
  const resolved = new Map<string, ResolvedSetting>();
  const faults: Fault[] = [];
  for (const layer of layers) {
    faults.push(...layer.faults);
    for (const [key, setting] of resolveLayer(layer, faults)) resolved.set(key, setting);
  }
  return { settings: resolved, faults };
}

function resolveLayer(layer: WrittenLayer, faults: Fault[]): ResolvedSettings {
  const resolved = new Map<string, ResolvedSetting>();
  for (const written of layer.settings) {
    const read = readValue(written.schema, written.value, written.textual);
    if (!read.ok) {
      faults.push({ path: written.at, message: `${written.written} ${read.message}` });
      continue;
    }
    const key = written.path.join('.');
    const other = resolved.get(key);
    if (other === undefined) {
      resolved.set(key, { value: read.value, written });
    } else if (JSON.stringify(other.value) !== JSON.stringify(read.value)) {
      const message = `${other.written.written} (${other.written.at}) and ${written.written} (${written.at}) are the same key and differ; remove one`;
      faults.push({ path: written.at, message });
    }
  }
  return resolved;
}

export interface DefaultsContext {
  readonly developmentMode: boolean;
  /** Undefined where there is no home directory to derive it from. */
  readonly stateDirectory: string | undefined;
}

/** The whole table with its defaults. A path that needs a state directory that there is not is a fault. */
export function buildTable(
  schema: SettingSchema,
  settings: ResolvedSettings,
  context: DefaultsContext,
  faults: Fault[],
  base: readonly string[] = [],
): Record<string, unknown> {
  const built: Record<string, unknown> = {};
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const path = [...base, name];
    const key = path.join('.');
    const setting = settings.get(key);
    let value: unknown;
    if (isTable(property)) value = buildTable(property, settings, context, faults, path);
    else if (setting !== undefined) value = setting.value;
    else value = defaultOf(property, key, context, faults);
    if (value !== undefined) built[name] = value;
  }
  return built;
}

function defaultOf(schema: SettingSchema, key: string, context: DefaultsContext, faults: Fault[]): unknown {
  if (context.developmentMode && schema['x-development-default'] !== undefined) return schema['x-development-default'];
  const inState = schema['x-state-path'];
  if (inState === undefined) return structuredClone(schema.default);
  if (context.stateDirectory !== undefined) return join(context.stateDirectory, inState);
  faults.push({ path: key, message: `${key} has no default because neither HOME nor XDG_STATE_HOME is set; set it, or one of them` });
  return undefined;
}

export function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}

/** One error for all faults. */
export function configInvalid(faults: readonly Fault[]): GoferError {
  const [first] = faults;
  const message =
    faults.length === 1 && first !== undefined
      ? `The configuration cannot be used. ${first.path}: ${first.message}`
      : `The configuration cannot be used: ${faults.length} faults`;
  return new GoferError('CONFIG_INVALID', message, { details: faults });
}
