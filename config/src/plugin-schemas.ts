/** The blocks of plugins: what the server declares of them, and what their own schemas add. */
import type { JsonSchema } from '@gofer/contracts';
import { serverSettings } from './server-schema.ts';
import type { SettingSchema } from './setting.ts';
import type { PluginSection } from './store-and-scheduler-schema.ts';

/** The `configSchema` of plugins by section and name. */
export type PluginSchemas = Partial<Readonly<Record<PluginSection, Readonly<Record<string, JsonSchema>>>>>;

/** A block's keys: the plugin's declaration of a key over the server's, so that a mark of either counts. */
export function mergeBlock(declared: SettingSchema | undefined, plugin: SettingSchema): SettingSchema {
  const properties: Record<string, SettingSchema> = { ...declared?.properties };
  for (const [name, property] of Object.entries(plugin.properties ?? {})) properties[name] = { ...properties[name], ...property };
  const { description = plugin.description } = declared ?? {};
  return { ...plugin, properties, ...(description === undefined ? {} : { description }) };
}

/** The server's schema with the whole blocks of these plugins, so that every key of them is known. */
export function withPluginSchemas(schemas: PluginSchemas): SettingSchema {
  const sections: Record<string, SettingSchema> = { ...serverSettings.properties };
  for (const [name, blocks] of Object.entries(schemas)) {
    const section = sections[name];
    const properties: Record<string, SettingSchema> = { ...section?.properties };
    for (const [block, schema] of Object.entries(blocks)) properties[block] = mergeBlock(properties[block], schema);
    sections[name] = { ...section, properties };
  }
  return { ...serverSettings, properties: sections };
}
