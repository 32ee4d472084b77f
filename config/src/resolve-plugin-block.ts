/** A plugin's own block of the configuration (`[scheduler.<name>]`), read by the plugin's own schema. */
import type { Fault, JsonSchema } from '@gofer/contracts';
import type { ConfigFile } from './config-file.ts';
import { mergeBlock } from './plugin-schemas.ts';
import type { DefaultsContext } from './resolve-settings.ts';
import { buildTable, deepFreeze, resolveSettings } from './resolve-settings.ts';
import type { ServerConfig } from './server-schema.ts';
import { SERVER_ENVIRONMENT_PREFIX, serverSettings } from './server-schema.ts';
import type { SettingSchema } from './setting.ts';
import { findProperty, isTable } from './setting.ts';
import type { PluginSection } from './store-and-scheduler-schema.ts';
import type { Environment, Flags } from './written-setting.ts';
import { isRecord, writtenInEnvironment, writtenInFile, writtenInFlags } from './written-setting.ts';

/** What was written, kept until the plugins' schemas are known. It may hold secrets: it must never be logged. */
export interface PluginSources {
  readonly file: ConfigFile | undefined;
  readonly environment: Environment;
  readonly flags: Flags;
  readonly context: DefaultsContext;
  readonly config: ServerConfig;
}

export interface PluginBlock {
  /** Deeply frozen: durations in seconds, the schema's defaults applied. */
  readonly value: Readonly<Record<string, unknown>>;
  /** Unknown keys, wrong types, missing keys. Whatever else JSON Schema can say is the caller's to validate. */
  readonly faults: readonly Fault[];
  /** Where a key of the block was set, for faults of the caller's own; `key` as in `['retry', 'count']`. */
  readonly locate: (key: readonly string[]) => string;
}

/**
 * Keys that the server itself declares for a built-in block keep the server's default; those that the plugin's schema does not
 * have are the server's own and are left out. Keys that neither declares are faults. Never throws for what an operator wrote.
 */
export function resolvePluginBlock(sources: PluginSources, section: PluginSection, name: string, schema: JsonSchema): PluginBlock {
  const plugin: SettingSchema = schema;
  const base = [section, name];
  const declared = findProperty(findProperty(serverSettings, section)?.schema ?? {}, name)?.schema;
  const known = mergeBlock(declared, plugin);
  const layers = [
    ...(sources.file === undefined ? [] : [writtenInFile(sources.file, known, base)]),
    writtenInEnvironment(sources.environment, SERVER_ENVIRONMENT_PREFIX, known, base),
    writtenInFlags(sources.flags, known, base),
  ];
  const { settings, faults: written } = resolveSettings(layers);
  const faults: Fault[] = [...written];
  const block = buildTable(plugin, settings, sources.context, faults, base);
  const ofServer: unknown = Reflect.get(sources.config[section], name);
  for (const key of Object.keys(plugin.properties ?? {})) {
    const fromServer: unknown = isRecord(ofServer) ? ofServer[key] : undefined;
    if (!settings.has([...base, key].join('.')) && fromServer !== undefined) block[key] = fromServer;
  }
  const isWritten = (path: readonly string[]): boolean => [...settings.keys()].some((key) => key.startsWith(`${path.join('.')}.`));
  const locate = (key: readonly string[]): string =>
    locateIn(sources, settings.get([...base, ...key].join('.'))?.written.at, [...base, ...key]);
  // A key whose value was refused is not missing as well.
  if (faults.length === 0) faults.push(...missingKeys(plugin, block, base, isWritten).map((message) => ({ path: locate([]), message })));
  return { value: deepFreeze(block), faults, locate };
}

function locateIn(sources: PluginSources, written: string | undefined, path: readonly string[]): string {
  return written ?? sources.file?.locate(path) ?? path.join('.');
}

/** What to say of the required keys without a value. An optional table of which nothing was written is dropped instead if it would be incomplete. */
function missingKeys(
  schema: SettingSchema,
  value: Record<string, unknown>,
  base: readonly string[],
  isWritten: (path: readonly string[]) => boolean,
): string[] {
  const missing: string[] = [];
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const path = [...base, name];
    const isRequired = schema.required?.includes(name) === true;
    const part = value[name];
    if (part === undefined) {
      const remedy = property['x-remedy'];
      if (isRequired) missing.push(`${path.join('.')} is required${remedy === undefined ? '' : `: ${remedy}`}`);
    } else if (isTable(property) && isRecord(part)) {
      const inside = missingKeys(property, part, path, isWritten);
      if (inside.length > 0 && !isRequired && !isWritten(path)) delete value[name];
      else missing.push(...inside);
    }
  }
  return missing;
}
