/** What the server tells an extension in its environment. */
import type { LogLevel } from './extension.ts';
import { toLogLevel } from './json-log.ts';

const PREFIX = 'GOFER_EXTENSION_SYSTEM_';
const DEFAULT_BIND_ADDRESS = '0.0.0.0:8082';

export interface ExtensionSettings {
  readonly id: string;
  /** Both what the server shows here and what is shown to the server. */
  readonly secret: string;
  /** Without a path: `https://gofer.example:8080`. */
  readonly goferUrl: string;
  /** PEM of who vouches for the server, beside those that Node knows; undefined: nobody else. */
  readonly goferCa: string | undefined;
  readonly bind: { readonly host: string; readonly port: number };
  /** PEM; undefined: plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  readonly logLevel: LogLevel;
  /** Where to write the address once it is listened on; undefined: nowhere. */
  readonly announceFd: number | undefined;
  /** Standard input ends when the process that started this one has ended. */
  readonly endsWithInput: boolean;
  readonly config: (key: string) => string | undefined;
}

/** Throws where they cannot be used, with a message that names the variable. */
export function readExtensionSettings(env: Readonly<Record<string, string | undefined>>): ExtensionSettings {
  const get = (name: string): string | undefined => presence(env[PREFIX + name]);
  const need = (name: string): string => {
    const value = get(name);
    if (value !== undefined) return value;
    throw new Error(`${PREFIX}${name} is not set: an extension is started by Gofer, which sets it.`);
  };
  const usesTls = readBoolean(get('USE_TLS'));
  return {
    id: need('ID'),
    secret: need('SECRET'),
    goferUrl: readUrl(get('GOFER_URL') ?? `${usesTls ? 'https' : 'http'}://${need('GOFER_HOST')}`),
    goferCa: get('GOFER_CA'),
    bind: readAddress(get('BIND_ADDRESS') ?? DEFAULT_BIND_ADDRESS),
    tls: usesTls ? { cert: need('TLS_CERT'), key: need('TLS_KEY') } : undefined,
    logLevel: toLogLevel(get('LOG_LEVEL')),
    announceFd: readFd(get('ANNOUNCE_FD')),
    endsWithInput: readParentPipe(get('PARENT_PIPE')),
    config: configOf({ ...env }),
  };
}

/** What nobody who looks at the process from outside or is started by it is to find there. */
export function forgetSecrets(env: Record<string, string | undefined>): void {
  for (const name of ['SECRET', 'TLS_KEY']) delete env[PREFIX + name];
}

/** Settings come under the keys that they were installed with; v0's SDKs ask for them in capitals, and one of them behind a prefix. */
export function configOf(env: Readonly<Record<string, string | undefined>>): (key: string) => string | undefined {
  const byCapitals = new Map<string, string>();
  for (const [key, value] of Object.entries(env)) {
    if (value !== undefined && value !== '' && !key.startsWith(PREFIX)) byCapitals.set(key.toUpperCase(), value);
  }
  return (key) => {
    if (key.startsWith(PREFIX)) return undefined;
    const capitals = key.toUpperCase();
    return (
      presence(env[key]) ?? presence(env[capitals]) ?? byCapitals.get(capitals) ?? byCapitals.get(`GOFER_EXTENSION_CONFIG_${capitals}`)
    );
  };
}

function presence(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

function readBoolean(text: string | undefined): boolean {
  if (text === undefined || text === 'false') return false;
  if (text === 'true') return true;
  throw new Error(`${PREFIX}USE_TLS is ${JSON.stringify(text)}: it must be true or false.`);
}

function readUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && (url.protocol === 'http:' || url.protocol === 'https:') && url.host !== '') return url.href.replace(/\/+$/, '');
  throw new Error(
    `${JSON.stringify(text)} is not where Gofer can be: ${PREFIX}GOFER_URL must be a URL, or ${PREFIX}GOFER_HOST a host and port.`,
  );
}

function readAddress(text: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match !== null && port <= 65_535) return { host: match[1] ?? (match[2] || '0.0.0.0'), port };
  throw new Error(`${PREFIX}BIND_ADDRESS is ${JSON.stringify(text)}: it must be a host and a port, such as ${DEFAULT_BIND_ADDRESS}.`);
}

function readFd(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new Error(`${PREFIX}ANNOUNCE_FD is ${JSON.stringify(text)}: it must be the number of an open file.`);
}

function readParentPipe(text: string | undefined): boolean {
  if (text === undefined) return false;
  if (text === 'stdin') return true;
  throw new Error(`${PREFIX}PARENT_PIPE is ${JSON.stringify(text)}: it must be stdin.`);
}
