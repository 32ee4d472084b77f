import type { JsonSchema } from '@gofer/contracts';
import { serverSettings } from './server-schema.ts';
import type { SettingSchema } from './setting.ts';
import { isRecord } from './written-setting.ts';

export const REDACTED = '[redacted]';

/** A copy in which every value that the schema marks `"x-secret": true` is replaced. For the server's configuration unless told. */
export function redact(config: unknown, schema: JsonSchema = { ...serverSettings }): unknown {
  const declaration: SettingSchema = schema;
  if (config === undefined) return undefined;
  if (declaration['x-secret'] === true) return REDACTED;
  if (Array.isArray(config)) return config.map((item) => redact(item, { ...declaration.items }));
  if (!isRecord(config)) return config;
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, redact(value, { ...declaration.properties?.[key] })]));
}
