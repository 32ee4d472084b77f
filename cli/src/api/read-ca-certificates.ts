import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { GoferError } from '@gofer/contracts';
import type { CliSettings } from '../cli-settings.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** The PEM of the file that is configured; undefined where none is. Rejects with `CONFIG_INVALID` where it holds no certificates. */
export async function readCaCertificates({
  caCert: path,
  caCertSource: source,
}: Pick<CliSettings, 'caCert' | 'caCertSource'>): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const blocks = (await readText(path, source)).match(CERTIFICATE) ?? [];
  if (blocks.length === 0) throw refusal(path, source, 'holds no certificate in the PEM format (-----BEGIN CERTIFICATE-----)');
  for (const block of blocks) {
    try {
      void new X509Certificate(block).subject;
    } catch (cause) {
      throw refusal(path, source, 'holds a certificate that is damaged', cause);
    }
  }
  return blocks.join('\n');
}

async function readText(path: string, source: string | undefined): Promise<string> {
  try {
    return await readFile(path, 'latin1');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
    throw refusal(path, source, `cannot be read (${code})`, cause);
  }
}

function refusal(path: string, source: string | undefined, what: string, cause?: unknown): GoferError {
  return new GoferError('CONFIG_INVALID', `the file of trusted certificates ${path} (${source ?? 'ca_cert'}) ${what}`, { cause });
}
