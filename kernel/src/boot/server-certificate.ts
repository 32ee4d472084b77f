import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { ServerConfig } from '@gofer/config';
import type { PluginLog } from '@gofer/contracts';
import { type CertificateSource, openCertificateFiles, openIncludedCertificate } from '../tls/index.ts';

/**
 * What the main listener shows: the configured files, else what the server makes itself; undefined where it speaks in clear. Only the
 * server that has the database may call it: the directory beside it is its own. Rejects with `CONFIG_INVALID`.
 */
export async function openServerCertificate({ server, development }: ServerConfig, log: PluginLog): Promise<CertificateSource | undefined> {
  if (!server.use_tls) return undefined;
  const { tls_cert_path: cert, tls_key_path: key } = server;
  if (cert !== undefined && key !== undefined)
    return await openCertificateFiles({ cert, key, keys: { cert: 'server.tls_cert_path', key: 'server.tls_key_path' }, log });
  if (!development.use_included_certs) throw new TypeError('TLS without a certificate has passed the rules of the configuration');
  const bound = server.bind_address.slice(0, server.bind_address.lastIndexOf(':'));
  const names = [hostname(), bound, ...(server.url === undefined ? [] : [new URL(server.url).hostname])];
  return await openIncludedCertificate({
    directory: join(dirname(server.storage_path), 'tls'),
    names: names.map((name) => name.replace(/^\[|\]$/g, '')).filter((name) => name !== '0.0.0.0' && name !== '::'),
    log,
  });
}
