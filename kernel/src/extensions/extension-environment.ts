/**
 * What an extension is given when it starts: what the server tells it, then its settings as they were written, with every reference to a
 * global secret looked up at that moment.
 */
import { createHash } from 'node:crypto';
import { codeOf, GoferError } from '@gofer/contracts';
import { formatReference, parseReference } from '../domain/index.ts';
import type { ExtensionRecord } from '../storage/extensions-table.ts';
import type { References } from '../stores/references.ts';
import type { SecretValues } from '../stores/secret-values.ts';
import { isBuiltIn } from './built-in-extensions.ts';
import type { ExtensionStart } from './extension-host.ts';
import type { SealedRegistration } from './extension-settings.ts';

/** Of the variables by which the server tells an extension about itself. */
export const SYSTEM_PREFIX = 'GOFER_EXTENSION_SYSTEM_';

/** Everything that a start depends on, but for its uid. */
export interface PreparedStart {
  readonly start: Omit<ExtensionStart, 'uid'>;
  /** Its own secret. */
  readonly key: string;
  /** The same where the same would be started: of another one an extension that runs is of no use. */
  readonly fingerprint: string;
  /** What must not stand in its log. */
  readonly masked: readonly string[];
}

export interface ExtensionEnvironmentsParts {
  readonly secrets: SecretValues;
  readonly references: References;
  /** The server's log level, which extensions are told. */
  readonly logLevel: string;
  /** What extensions are to serve TLS with, PEM; undefined: they serve in clear. */
  readonly tls: () => Promise<{ readonly cert: string; readonly key: string } | undefined>;
  /** Where an extension reaches this server, or why it cannot. */
  readonly baseUrl: (builtIn: boolean) => Promise<{ readonly url: string } | { readonly missing: string }>;
}

/**
 * A setting that was given as it is may be a secret, or a word that every line has: what is shorter than this is taken for a word. What
 * refers to a secret is masked whatever its length.
 */
const SHORTEST_SECRET_SETTING = 16;

export class ExtensionEnvironments {
  readonly #parts: ExtensionEnvironmentsParts;

  constructor(parts: ExtensionEnvironmentsParts) {
    this.#parts = parts;
  }

  /**
   * Rejects with `FAILED_PRECONDITION` and every reference that stands for nothing, with `DATA_LOSS` where a value is lost, and with
   * `UNAVAILABLE` where a store cannot be reached or this server has no address for extensions. No message holds anything of a value.
   */
  async prepare(record: ExtensionRecord): Promise<PreparedStart> {
    const { secrets } = this.#parts;
    const key = Buffer.from(await secrets.read(record.key)).toString('utf8');
    const sealed = await this.#unseal(record);
    const found = await this.#lookUp(record, sealed);
    const { env, tlsKey } = await this.#systemEnvironment(record, key);
    const start = {
      extensionId: record.id,
      extensionUid: record.uid,
      image: record.image,
      env: { ...env, ...found.settings },
      ...(record.registry === undefined ? {} : { registryAuth: { username: record.registry.user, password: found.password } }),
    };
    return {
      start,
      key,
      fingerprint: fingerprintOf(start),
      masked: [key, ...(tlsKey === '' ? [] : [tlsKey]), ...found.secrets],
    };
  }

  async #unseal({ sealed }: ExtensionRecord): Promise<SealedRegistration> {
    if (sealed === undefined) return { settings: {} };
    return JSON.parse(Buffer.from(await this.#parts.secrets.read(sealed)).toString('utf8'));
  }

  async #lookUp({ settings }: ExtensionRecord, sealed: SealedRegistration) {
    const faults: string[] = [];
    const secrets: string[] = [];
    const values: Record<string, string> = {};
    for (const { key, reference } of settings) {
      const given = sealed.settings[key] ?? '';
      const value = reference === undefined ? given : await this.#valueOf(reference, `setting ${key}`, faults);
      if (reference !== undefined || value.length >= SHORTEST_SECRET_SETTING) secrets.push(value);
      values[key] = value;
    }
    const password = await this.#valueOf(sealed.password ?? '', "the registry's password", faults);
    if (password !== '') secrets.push(password);
    if (faults.length > 0) throw new GoferError('FAILED_PRECONDITION', faults.join('; '));
    return { settings: values, secrets, password };
  }

  async #valueOf(text: string, use: string, faults: string[]): Promise<string> {
    const reference = parseReference(text);
    if (reference === undefined) return text;
    try {
      return await this.#parts.references.resolveGlobal(reference);
    } catch (error) {
      if (codeOf(error) !== 'FAILED_PRECONDITION' && codeOf(error) !== 'DATA_LOSS') throw error;
      faults.push(`${use} refers to ${formatReference(reference)}: ${error instanceof Error ? error.message : String(error)}`);
      return '';
    }
  }

  async #systemEnvironment({ id, image }: ExtensionRecord, key: string) {
    const { logLevel, tls, baseUrl } = this.#parts;
    const access = await baseUrl(isBuiltIn(image));
    if ('missing' in access)
      throw new GoferError('UNAVAILABLE', `extensions cannot reach this server, since ${access.missing}: set server.extension_address`);
    // Those that come with the server speak to it on its own machine only.
    const certificate = isBuiltIn(image) ? undefined : await tls();
    const env = {
      USE_TLS: certificate === undefined ? 'false' : 'true',
      TLS_CERT: certificate?.cert ?? '',
      TLS_KEY: certificate?.key ?? '',
      ID: id,
      LOG_LEVEL: logLevel,
      SECRET: key,
      GOFER_HOST: hostOf(access.url),
      GOFER_URL: access.url,
    };
    return {
      env: Object.fromEntries(Object.entries(env).map(([name, value]) => [SYSTEM_PREFIX + name, value])),
      tlsKey: certificate?.key ?? '',
    };
  }
}

/** `host:port`, the port also where a URL leaves it out. */
function hostOf(text: string): string {
  const { hostname, port, protocol } = new URL(text);
  return `${hostname}:${port === '' ? (protocol === 'https:' ? 443 : 80) : port}`;
}

/** Nobody finds out what it is of: the key in it has 256 random bits. */
function fingerprintOf({ image, env, registryAuth }: Omit<ExtensionStart, 'uid'>): string {
  const sorted = Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([image, sorted, registryAuth?.username, registryAuth?.password]))
    .digest('base64url');
}
