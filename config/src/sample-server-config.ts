/** The commented file that `gofer service init-config` prints. */
import type { PluginSchemas } from './plugin-schemas.ts';
import { withPluginSchemas } from './plugin-schemas.ts';
import type { SettingSchema } from './setting.ts';
import { isTable } from './setting.ts';
import { asToml } from './setting-words.ts';

const WIDTH = 100;

const INTRODUCTION = `# Gofer's service configuration (TOML): /etc/gofer/gofer_web.toml, or any file by --config.
#
# Every key is shown with its default, or with an example where it has none; take the # away to set it. Durations are strings such
# as "4380h", "1h30m" or "250ms", or whole numbers of seconds. Every key can also be set by an environment variable, which then
# counts: GOFER_WEB_API__LOG_LEVEL for log_level of [api].
`;

export interface SampleOptions {
  /** 32 random characters: written into the sample, not commented out. */
  readonly encryptionKey?: string;
  /** Adds the keys that only plugins know. */
  readonly pluginSchemas?: PluginSchemas;
}

/** Loads as it is and with every key's `#` taken away. */
export function sampleServerConfig(options: SampleOptions = {}): string {
  const lines: string[] = [INTRODUCTION];
  writeTables(lines, withPluginSchemas(options.pluginSchemas ?? {}), [], options);
  return `${lines.join('\n').trimEnd()}\n`;
}

function writeTables(lines: string[], schema: SettingSchema, path: readonly string[], options: SampleOptions): void {
  const properties = Object.entries(schema.properties ?? {});
  for (const [name, property] of properties) {
    if (isTable(property) || property['x-ignored'] !== undefined) continue;
    lines.push(...comment(property.description ?? ''), settingLine(name, property, options), '');
  }
  for (const [name, property] of properties) {
    if (!isTable(property)) continue;
    lines.push(...comment(property.description ?? ''), `[${[...path, name].join('.')}]`, '');
    writeTables(lines, property, [...path, name], options);
  }
}

function settingLine(name: string, schema: SettingSchema, options: SampleOptions): string {
  if (schema['x-secret'] === true && schema.type === 'array') return `#${name} = []`;
  if (schema['x-secret'] === true) {
    return options.encryptionKey === undefined
      ? '# Make one with: openssl rand -hex 16'
      : `${name} = ${asToml(schema, options.encryptionKey)}`;
  }
  const shown = schema['x-sample'] ?? schema.default;
  if (shown === undefined) return `# (${name} has no default)`;
  return `#${name} = ${asToml(schema, shown)}`;
}

function comment(text: string): string[] {
  const lines: string[] = [];
  let line = '#';
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
