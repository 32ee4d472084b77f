/** A certificate and its private key as files hold them, read and checked before anybody is shown them. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { ServedCertificate } from './certificate-source.ts';

/** What is wrong with which of the two. Nothing of their content is in it. */
export class KeyPairFault extends Error {
  readonly of: 'cert' | 'key';

  constructor(of: 'cert' | 'key', message: string, options?: ErrorOptions) {
    super(message, options);
    this.of = of;
  }
}

export interface KeyPairPaths {
  readonly cert: string;
  readonly key: string;
}

/** Chains have a few KiB. */
const LARGEST_BYTES = 1024 * 1024;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Rejects with a `KeyPairFault`. */
export async function readKeyPair(paths: KeyPairPaths): Promise<ServedCertificate> {
  const [cert, key] = await Promise.all([readPem('cert', paths.cert), readPem('key', paths.key)]);
  return checkKeyPair(cert, key);
}

/** Throws a `KeyPairFault` where a TLS server could not use them. */
export function checkKeyPair(cert: string, key: string): ServedCertificate {
  const chain = parseChain(cert);
  const privateKey = parseKey(key);
  const place = chain.findIndex((each) => each.checkPrivateKey(privateKey));
  if (place === -1) throw new KeyPairFault('key', 'does not belong to the certificate');
  const own = chain[place];
  if (place !== 0 || own === undefined)
    throw new KeyPairFault(
      'cert',
      `begins with another certificate than the server's own, which is number ${place + 1} in it: put that first`,
    );
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    throw new KeyPairFault('cert', `cannot be used for TLS (${reasonOf(cause)})`, { cause });
  }
  return { cert, key, begins: own.validFromDate.getTime(), expires: own.validToDate.getTime() };
}

function parseChain(cert: string): X509Certificate[] {
  const blocks = cert.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) throw new KeyPairFault('cert', 'holds no certificate in the PEM format (-----BEGIN CERTIFICATE-----)');
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw new KeyPairFault('cert', `is damaged: certificate ${index + 1} in it cannot be read (${reasonOf(cause)})`, { cause });
    }
  });
}

function parseKey(key: string): KeyObject {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(key))
    throw new KeyPairFault('key', 'is encrypted: store it without a passphrase, in a file that only the server can read');
  try {
    return createPrivateKey(key);
  } catch (cause) {
    throw new KeyPairFault('key', 'holds no private key in the PEM format (-----BEGIN PRIVATE KEY-----)', { cause });
  }
}

async function readPem(of: 'cert' | 'key', path: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of createReadStream(path, { end: LARGEST_BYTES })) chunks.push(chunk as Uint8Array);
  } catch (cause) {
    throw new KeyPairFault(of, `cannot be read (${reasonOf(cause)})`, { cause });
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length > LARGEST_BYTES) throw new KeyPairFault(of, `has more than ${LARGEST_BYTES} bytes`);
  return bytes.toString('latin1');
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown error';
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message;
}
