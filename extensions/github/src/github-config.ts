/** The settings of the whole extension: read once, and every fault of them named at once. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { ExtensionHost, Parameter } from '@gofer/sdk/extension';

const DEFAULT_API_URL = 'https://api.github.com';

export interface GithubConfig {
  readonly appId: number;
  readonly installationId: number;
  /** PKCS#8, PEM. */
  readonly privateKey: string;
  readonly webhookSecret: string;
  /** Without a slash at its end. */
  readonly apiUrl: string;
  /** With `{namespace}`, `{pipeline}` and `{run}` still in it. */
  readonly detailsUrl?: string;
}

export const CONFIG_PARAMETERS: readonly Parameter[] = [
  { key: 'APP_ID', required: true, documentation: 'The id of the GitHub app.' },
  { key: 'APP_INSTALLATION', required: true, documentation: 'The id of its installation, as the payload of any delivery shows it.' },
  { key: 'APP_KEY', required: true, documentation: "The app's private key, as it was downloaded (PEM) or in base64." },
  {
    key: 'APP_WEBHOOK_SECRET',
    required: true,
    documentation: "The app's webhook secret: a long random text, by which events are known to come from GitHub.",
  },
  {
    key: 'GITHUB_API_URL',
    required: false,
    documentation: `GitHub's API; default ${DEFAULT_API_URL}. For GitHub Enterprise Server: https://HOST/api/v3.`,
  },
  {
    key: 'CHECK_DETAILS_URL',
    required: false,
    documentation:
      'Where "Details" of a check leads to: an address in which {namespace}, {pipeline} and {run} are filled in. Default: nowhere.',
  },
];

/** Throws with all that is wrong. */
export function readGithubConfig(host: Pick<ExtensionHost, 'config' | 'id'>): GithubConfig {
  const faults: string[] = [];
  const read = <Value>(key: string, parse: (text: string) => Value, missing?: Value): Value | undefined => {
    const text = host.config(key)?.trim();
    if (text === undefined || text === '') {
      if (missing === undefined) faults.push(`${key} is missing`);
      return missing;
    }
    try {
      return parse(text);
    } catch (error) {
      faults.push(`${key} ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  };
  const appId = read('APP_ID', toId);
  const installationId = read('APP_INSTALLATION', toId);
  const privateKey = read('APP_KEY', toPrivateKey);
  const webhookSecret = read('APP_WEBHOOK_SECRET', (text) => text);
  const apiUrl = read('GITHUB_API_URL', toApiUrl, DEFAULT_API_URL);
  const detailsUrl = read('CHECK_DETAILS_URL', toDetailsUrl, '');
  if (
    faults.length > 0 ||
    appId === undefined ||
    installationId === undefined ||
    privateKey === undefined ||
    webhookSecret === undefined ||
    apiUrl === undefined
  ) {
    throw new Error(`The extension cannot start: ${faults.join('; ')}. Give them with: gofer extension upgrade ${host.id} -c KEY=VALUE`);
  }
  return { appId, installationId, privateKey, webhookSecret, apiUrl, ...(detailsUrl ? { detailsUrl } : {}) };
}

function toId(text: string): number {
  const id = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(id) || id < 1)
    throw new Error(`is to be a whole number, not ${JSON.stringify(text)}`);
  return id;
}

/** Never with what it is given in a message. */
function toPrivateKey(text: string): string {
  const pem = text.includes('-----BEGIN') ? text : Buffer.from(text, 'base64').toString();
  if (!pem.includes('-----BEGIN')) throw new Error('is neither a private key in PEM form nor one in base64');
  let key: KeyObject;
  try {
    // Line breaks are often written as \n where a value has one line.
    key = createPrivateKey(pem.replaceAll('\\n', '\n'));
  } catch {
    throw new Error('cannot be read as a private key: download a new one from the page of the GitHub app');
  }
  if (key.asymmetricKeyType !== 'rsa') throw new Error(`is to be an RSA key, as GitHub makes them, not ${key.asymmetricKeyType}`);
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function toApiUrl(text: string): string {
  const url = toUrl(text);
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && local)) throw new Error('is to begin with https://');
  if (url.username !== '' || url.search !== '' || url.hash !== '') throw new Error('is to have neither a user nor a query nor a fragment');
  return url.href.replace(/\/+$/, '');
}

function toDetailsUrl(text: string): string {
  const url = toUrl(text.replace(/\{(namespace|pipeline|run)\}/g, '1'));
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new Error('is to begin with https:// or http://');
  return text;
}

function toUrl(text: string): URL {
  if (!URL.canParse(text)) throw new Error(`is to be an address such as ${DEFAULT_API_URL}, not ${JSON.stringify(text)}`);
  return new URL(text);
}
