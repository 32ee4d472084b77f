/** Keys in words, for people: the types, defaults and values of the sample, the reference and the help. */
import { formatDuration } from './duration.ts';
import type { SettingSchema } from './setting.ts';

export function typeInWords(schema: SettingSchema): string {
  if (schema['x-duration'] === true) return 'duration';
  if (schema.enum !== undefined) return schema.enum.join(' | ');
  if (schema.type === 'array') return 'list of strings';
  return typeof schema.type === 'string' ? schema.type : 'any';
}

/** A value as TOML. */
export function asToml(schema: SettingSchema, value: unknown): string {
  if (schema['x-duration'] === true && typeof value === 'number') return JSON.stringify(formatDuration(value));
  if (Array.isArray(value)) return `[${value.map((item) => JSON.stringify(item)).join(', ')}]`;
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** The default as TOML; empty where there is none. */
export function defaultInWords(schema: SettingSchema): string {
  const statePath = schema['x-state-path'];
  if (statePath !== undefined) return JSON.stringify(`$XDG_STATE_HOME/gofer/${statePath}`);
  return schema.default === undefined ? '' : asToml(schema, schema.default);
}

/** The default in development mode as TOML, where it is another; never a secret. */
export function developmentDefaultInWords(schema: SettingSchema): string {
  const value = schema['x-development-default'];
  if (value === undefined) return '';
  return schema['x-secret'] === true ? 'a well-known key' : asToml(schema, value);
}
