import { GoferError } from '@gofer/contracts';

export const OUTPUT_FORMATS = ['plain', 'json', 'silent'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** What every command takes; absent where it was not given. */
export interface GlobalFlags {
  readonly config?: string;
  readonly namespace?: string;
  readonly detail?: boolean;
  readonly outputFormat?: OutputFormat;
  readonly apiBaseUrl?: string;
  readonly host?: string;
  readonly token?: string;
  readonly debug?: boolean;
  readonly caCert?: string;
  readonly insecure?: boolean;
  readonly color?: boolean;
}

interface FlagDefinition {
  readonly flag: string;
  readonly key: keyof GlobalFlags;
  readonly takes: 'value' | 'on' | 'off';
  readonly placeholder?: string;
  readonly description: string;
}

/** In the order of the help. */
export const GLOBAL_FLAGS: readonly FlagDefinition[] = [
  {
    flag: '--config',
    key: 'config',
    takes: 'value',
    placeholder: 'FILE',
    description: 'Read this configuration file instead of the usual ones',
  },
  { flag: '--namespace', key: 'namespace', takes: 'value', placeholder: 'ID', description: 'Work in this namespace' },
  { flag: '--detail', key: 'detail', takes: 'on', description: 'Exact times and more fields' },
  {
    flag: '--output-format',
    key: 'outputFormat',
    takes: 'value',
    placeholder: OUTPUT_FORMATS.join('|'),
    description: 'For people, for programs, or nothing but errors',
  },
  {
    flag: '--api-base-url',
    key: 'apiBaseUrl',
    takes: 'value',
    placeholder: 'URL',
    description: 'The server, such as http://127.0.0.1:8080/',
  },
  { flag: '--host', key: 'host', takes: 'value', placeholder: 'HOST:PORT', description: 'The server, without a scheme' },
  {
    flag: '--token',
    key: 'token',
    takes: 'value',
    placeholder: 'TOKEN',
    description: 'Who you are; better kept in GOFER_TOKEN or the configuration file',
  },
  {
    flag: '--ca-cert',
    key: 'caCert',
    takes: 'value',
    placeholder: 'FILE',
    description: "Trust these certificates (PEM) too: the server's own CA",
  },
  { flag: '--insecure', key: 'insecure', takes: 'on', description: "Do not check the server's certificate" },
  { flag: '--debug', key: 'debug', takes: 'on', description: 'Show requests and the stack of errors' },
  { flag: '--color', key: 'color', takes: 'on', description: 'Colours even where the output is not a terminal' },
  { flag: '--no-color', key: 'color', takes: 'off', description: 'No colours (also NO_COLOR=1)' },
];

/** Commands behind whose words `--config` is what v0 calls a setting of the extension; before them it is the file. */
const WITH_OWN_CONFIG: ReadonlySet<string> = new Set(['extension install', 'extension upgrade']);

const BY_FLAG = new Map(GLOBAL_FLAGS.map((definition) => [definition.flag, definition]));

/**
 * Takes the global flags out of the arguments wherever they stand, up to a `--`; what remains is the command's own, among it `--config` of
 * the commands that have one. Also takes
 * `--flag=value`. A flag that is given twice has its last value. Throws `INVALID_ARGUMENT` where a value is missing or not one of those known.
 */
export function extractGlobalFlags(argv: readonly string[]): { flags: GlobalFlags; rest: string[] } {
  const flags: { -readonly [K in keyof GlobalFlags]: GlobalFlags[K] } = {};
  const rest: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const argument = argv[index] ?? '';
    if (argument === '--') {
      rest.push(...argv.slice(index));
      break;
    }
    const equals = argument.indexOf('=');
    const name = equals === -1 ? argument : argument.slice(0, equals);
    const definition = BY_FLAG.get(name);
    if (definition === undefined || (name === '--config' && WITH_OWN_CONFIG.has(rest.slice(0, 2).join(' ')))) {
      rest.push(argument);
      continue;
    }
    if (definition.takes !== 'value') {
      const value = equals === -1 ? true : readSwitch(name, argument.slice(equals + 1));
      Object.assign(flags, { [definition.key]: definition.takes === 'on' ? value : !value });
      continue;
    }
    const value = equals === -1 ? argv[(index += 1)] : argument.slice(equals + 1);
    if (value === undefined || (equals === -1 && value.startsWith('--'))) {
      throw new GoferError('INVALID_ARGUMENT', `${name} needs a value: ${name} ${definition.placeholder ?? 'VALUE'}`);
    }
    Object.assign(flags, { [definition.key]: definition.key === 'outputFormat' ? readOutputFormat(value) : value });
  }
  return { flags, rest };
}

function readSwitch(name: string, value: string): boolean {
  if (value === 'true') return true;
  if (value === 'false') return false;
  throw new GoferError('INVALID_ARGUMENT', `${name} takes true or false, not "${value}"`);
}

function readOutputFormat(value: string): OutputFormat {
  const format = OUTPUT_FORMATS.find((known) => known === value);
  if (format === undefined)
    throw new GoferError('INVALID_ARGUMENT', `--output-format is one of ${OUTPUT_FORMATS.join(', ')}, not "${value}"`);
  return format;
}
