/** What the documentation and the help say about the configuration, made from the schemas. */
import { CLI_ENVIRONMENT_PREFIX, cliSettings } from './cli-schema.ts';
import type { PluginSchemas } from './plugin-schemas.ts';
import { withPluginSchemas } from './plugin-schemas.ts';
import { SERVER_ENVIRONMENT_PREFIX } from './server-schema.ts';
import type { SettingSchema } from './setting.ts';
import { isTable, spellingsOf } from './setting.ts';
import { defaultInWords, developmentDefaultInWords, typeInWords } from './setting-words.ts';
import { environmentVariable, leavesOf } from './written-setting.ts';

export interface EnvironmentVariable {
  /** `GOFER_WEB_API__LOG_LEVEL`. */
  readonly name: string;
  readonly type: string;
  /** As TOML; empty where there is none. */
  readonly default: string;
  readonly description: string;
}

/** Every variable that the server reads (those of the blocks of plugins as far as their schemas are given), in the order of the sections. */
export function environmentVariables(schemas: PluginSchemas = {}): readonly EnvironmentVariable[] {
  return [...leavesOf(withPluginSchemas(schemas))].map(({ path, schema }) => ({
    name: environmentVariable(SERVER_ENVIRONMENT_PREFIX, path),
    type: typeInWords(schema),
    default: defaultInWords(schema),
    description: schema.description ?? '',
  }));
}

/** Every key of both configurations, as Markdown; `schemas` adds the keys that only plugins know. */
export function configurationReference(schemas: PluginSchemas = {}): string {
  const lines = ['# Configuration', '', '## Server', '', SERVER_INTRODUCTION, ''];
  for (const [name, section] of Object.entries(withPluginSchemas(schemas).properties ?? {})) writeSection(lines, [name], section);
  lines.push('## Command line', '', CLI_INTRODUCTION, '');
  writeKeys(lines, cliSettings, (key) => environmentVariable(CLI_ENVIRONMENT_PREFIX, [key]));
  return `${lines.join('\n').trimEnd()}\n`;
}

const SERVER_INTRODUCTION = `The server reads the TOML file of \`--config\`, else \`/etc/gofer/gofer_web.toml\` if it is there. An environment variable beats the
file, a flag beats both. \`gofer service init-config\` prints a commented file.

- A **duration** is a string such as \`"4380h"\`, \`"1h30m"\` or \`"250ms"\`, or a whole number of seconds.
- A key with **another spelling** may be written either way; both with different values is an error.
- An unknown key or a value of the wrong type is an error at start, with its file and line. All are reported together.
- An environment variable is read by the key's type, in any case; an empty one counts as not set. Lists are separated by commas.
- Without a file (and unless \`development.bypass_auth\` is set to false) the server is in **development mode**: it bypasses
  authentication, binds loopback addresses only, and takes the development defaults where the table names one.
- \`$XDG_STATE_HOME\` is \`~/.local/state\` where it is not set. A path that is configured is used as it is.
- A table \`[scheduler.NAME]\`, \`[object_store.NAME]\` or \`[secret_store.NAME]\` that is not listed here belongs to the plugin of that name.`;

const CLI_INTRODUCTION = `The command reads the TOML file of \`--config\`, else the first of \`$HOME/.gofer.toml\` and \`$HOME/.config/gofer.toml\`. A variable
beats the file, a flag beats both. Started from a checkout by \`npm run gofer\` it looks for \`.gofer_dev.toml\` and
\`.config/gofer_dev.toml\` first. \`GOFER_NAMESPACE_ID\` and \`GOFER_API_TOKEN\`, which tasks are given, are read where
\`GOFER_NAMESPACE\` and \`GOFER_TOKEN\` are not set; other \`GOFER_\` variables are ignored.`;

function writeSection(lines: string[], path: readonly string[], section: SettingSchema): void {
  const [name = ''] = path.slice(-1);
  const others = spellingsOf(name, section).slice(1);
  lines.push(`### \`[${path.join('.')}]\`${others.map((other) => `, also \`[${other}]\``).join('')}`, '', section.description ?? '', '');
  writeKeys(lines, section, (key) => environmentVariable(SERVER_ENVIRONMENT_PREFIX, [...path, key]));
  for (const [key, property] of Object.entries(section.properties ?? {})) {
    if (isTable(property)) writeSection(lines, [...path, key], property);
  }
}

function writeKeys(lines: string[], section: SettingSchema, variableOf: (key: string) => string): void {
  lines.push('| Key | Type | Default | Variable | Meaning |', '|---|---|---|---|---|');
  for (const [key, property] of Object.entries(section.properties ?? {})) {
    if (isTable(property)) continue;
    const spellings = spellingsOf(key, property).map(code).join(', also ');
    const ignored = property['x-ignored'] === undefined ? '' : ` (${property['x-ignored']})`;
    const cells = [
      spellings,
      cell(typeInWords(property)),
      defaults(property),
      code(variableOf(key)),
      cell((property.description ?? '') + ignored),
    ];
    lines.push(`| ${cells.join(' | ')} |`);
  }
  lines.push('');
}

function defaults(schema: SettingSchema): string {
  const usual = defaultInWords(schema);
  const development = developmentDefaultInWords(schema);
  const shown = usual === '' ? 'none' : code(usual);
  return development === '' ? shown : `${shown} (in development mode ${schema['x-secret'] === true ? development : code(development)})`;
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
