import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import type { ServerConfig } from '@gofer/config';
import type { PluginLog } from '@gofer/contracts';
import { type CertificateSource, openCertificateFiles, openIncludedCertificate } from '../tls/index.ts';

/**
 * What the main listener shows: the configured files, else what the server makes itself; undefined where it speaks in clear. Only the
 * server that has the database may call it: the directory beside it is its own. Rejects with `CONFIG_INVALID`.
 */
export async function openServerCertificate(config: ServerConfig, log: PluginLog): Promise<CertificateSource | undefined> {
  return config.server.use_tls ? await openCertificate('server', config, log) : undefined;
}

/** The same for external events. `main`: of the main listener; the certificate that the server makes itself is one for both. */
export async function openEventsCertificate(
  config: ServerConfig,
  main: CertificateSource | undefined,
  log: PluginLog,
): Promise<CertificateSource | undefined> {
  const { enable, use_tls: useTls, tls_cert_path: cert } = config.external_events;
  if (!enable || !useTls) return undefined;
  const isShared = cert === undefined && config.server.tls_cert_path === undefined;
  return isShared && main !== undefined ? main : await openCertificate('external_events', config, log);
}

async function openCertificate(section: 'server' | 'external_events', config: ServerConfig, log: PluginLog): Promise<CertificateSource> {
  const { server, external_events: events, development } = config;
  const { tls_cert_path: cert, tls_key_path: key } = config[section];
  if (cert !== undefined && key !== undefined)
    return await openCertificateFiles({ cert, key, keys: { cert: `${section}.tls_cert_path`, key: `${section}.tls_key_path` }, log });
  if (!development.use_included_certs) throw new TypeError('TLS without a certificate has passed the rules of the configuration');
  const bound = [server.bind_address, ...(events.enable ? [events.bind_address] : [])].map((address) =>
    address.slice(0, address.lastIndexOf(':')),
  );
  const names = [hostname(), ...bound, ...(server.url === undefined ? [] : [new URL(server.url).hostname])];
  return await openIncludedCertificate({
    directory: join(dirname(server.storage_path), 'tls'),
    names: names.map((name) => name.replace(/^\[|\]$/g, '')).filter((name) => name !== '0.0.0.0' && name !== '::'),
    log,
  });
}
