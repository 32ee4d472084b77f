/** What extensions in containers serve TLS with: `extensions.use_tls`. */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { ServerConfig } from '@gofer/config';
import { GoferError, type PluginLog } from '@gofer/contracts';
import { type CertificateSource, openIncludedCertificate } from '../tls/index.ts';

export interface ExtensionCertificate {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** PEM: who has signed it, where that is this server itself. */
  readonly ca?: string;
}

/**
 * The configured files as they are now, else what the server makes itself; undefined where extensions serve in clear. `main`: what the main
 * listener shows. Rejects with `CONFIG_INVALID`.
 */
export async function readExtensionCertificate(
  { extensions, development, server }: ServerConfig,
  main: CertificateSource | undefined,
  log: PluginLog,
): Promise<ExtensionCertificate | undefined> {
  if (!extensions.use_tls) return undefined;
  const { tls_cert_path: cert, tls_key_path: key } = extensions;
  if (cert !== undefined && key !== undefined) return { cert: await read(cert, 'tls_cert_path'), key: await read(key, 'tls_key_path') };
  if (!development.use_included_certs) throw new TypeError('TLS without a certificate has passed the rules of the configuration');
  const directory = join(dirname(server.storage_path), 'tls');
  // Where the main listener shows an included certificate it is that: two that make one in the same place would take turns.
  const isMain = main !== undefined && server.tls_cert_path === undefined;
  const source = isMain ? main : await openIncludedCertificate({ directory, names: [hostname()], log });
  const { current } = source;
  if (!isMain) source.close();
  return { cert: current.cert, key: current.key, ca: await readFile(join(directory, 'ca.pem'), 'utf8') };
}

async function read(path: string, name: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new GoferError('CONFIG_INVALID', `extensions.${name}: ${path} cannot be read (${message}).`, { cause: error });
  }
}
