/**
 * A certificate that the server makes itself, by a certificate authority of its own, for development: `development.use_included_certs`.
 * Clients trust the authority, whose certificate stays the same for years; the server's own is made anew in time, and when it lacks a name.
 */
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { GoferError, type PluginLog } from '@gofer/contracts';
import { CertificateKeeper } from './certificate-keeper.ts';
import type { CertificateSource, ServedCertificate } from './certificate-source.ts';
import { checkKeyPair, KeyPairFault } from './key-pair.ts';

export interface IncludedCertificateOptions {
  /** Made with mode 0700 where it is not there: `ca.pem`, `ca.key`, `server.pem`, `server.key`. */
  readonly directory: string;
  /** Host names and addresses; those of this machine's loopback are always there. */
  readonly names: readonly string[];
  readonly log: PluginLog;
  readonly now?: () => number;
  readonly checkMs?: number;
}

const LOOPBACK = ['localhost', '127.0.0.1', '::1'];
const HOST_NAME = /^(?=.{1,253}$)[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?(?:\.[a-z\d_](?:[a-z\d_-]{0,61}[a-z\d_])?)*$/;
const DAY_MS = 86_400_000;
/** Before the day on which the keeper begins to warn. */
const SERVER_RENEWAL_MS = 30 * DAY_MS;
const AUTHORITY_RENEWAL_MS = 60 * DAY_MS;

/** Rejects with `CONFIG_INVALID` where the directory cannot be written. */
export async function openIncludedCertificate({ directory, names, ...rest }: IncludedCertificateOptions): Promise<CertificateSource> {
  const { log, now = Date.now } = rest;
  const files = new IncludedFiles(directory);
  const all = [...new Set([...LOOPBACK, ...names.map((name) => name.toLowerCase())])].filter(
    (name) => isIP(name) !== 0 || HOST_NAME.test(name),
  );
  const load = async (): Promise<ServedCertificate> => {
    try {
      return files.usable(all, now()) ?? (await files.make(all, now(), log));
    } catch (error) {
      if (!(error instanceof Error && 'syscall' in error)) throw error;
      const fault = {
        path: 'development.use_included_certs',
        message: `the certificates cannot be kept in ${directory} (${error.message})`,
      };
      throw new GoferError('CONFIG_INVALID', `${fault.path}: ${fault.message}.`, { details: [fault], cause: error });
    }
  };
  const keeper = await CertificateKeeper.open({ ...rest, load });
  log('info', "TLS is served with a certificate of this server's own CA: give that to clients, as with gofer --ca-cert", {
    ca: files.authorityPath,
    names: all,
    expires: new Date(keeper.current.expires).toISOString(),
  });
  return keeper;
}

interface Pair extends ServedCertificate {
  readonly own: X509Certificate;
}

class IncludedFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  get authorityPath(): string {
    return join(this.#directory, 'ca.pem');
  }

  /** What is there, where it is whole, by the authority that is there, for all the names, and for long enough. */
  usable(names: readonly string[], now: number): ServedCertificate | undefined {
    const authority = this.#read('ca');
    const server = this.#read('server');
    if (authority === undefined || server === undefined) return undefined;
    const isOf = server.own.checkIssued(authority.own) && server.own.verify(authority.own.publicKey);
    const isFresh = server.begins <= now && server.expires - now > SERVER_RENEWAL_MS && authority.expires > now;
    const known = new Set(namesOf(server.own));
    return isOf && isFresh && names.every((name) => known.has(name)) ? server : undefined;
  }

  async make(names: readonly string[], now: number, log: PluginLog): Promise<ServedCertificate> {
    const { makeAuthority, makeServerCertificate, permitsNames } = await import('./make-certificates.ts');
    const former = this.#read('ca');
    const isGood =
      former !== undefined && former.begins <= now && former.expires - now > AUTHORITY_RENEWAL_MS && permitsNames(former.cert, names);
    const authority = isGood ? former : await makeAuthority(names, now);
    if (!isGood) this.#write('ca', authority);
    if (!isGood && former !== undefined) {
      const message = "this server's own CA was made anew, for other names or because it expires: clients have to be given it again";
      log('warn', message, { ca: this.authorityPath });
    }
    const server = await makeServerCertificate(authority, names, now);
    this.#write('server', server);
    return checkKeyPair(server.cert, server.key);
  }

  /** Undefined where it is missing or damaged, or the two do not belong together: it is then made anew. */
  #read(name: 'ca' | 'server'): Pair | undefined {
    try {
      const [cert = '', key = ''] = ['pem', 'key'].map((type) => readFileSync(join(this.#directory, `${name}.${type}`), 'latin1'));
      return { ...checkKeyPair(cert, key), own: new X509Certificate(cert) };
    } catch (error) {
      if (error instanceof KeyPairFault || (error instanceof Error && 'code' in error && error.code === 'ENOENT')) return undefined;
      throw error;
    }
  }

  /** Each file is whole at any time; after a crash between the two they do not belong together. */
  #write(name: 'ca' | 'server', { cert, key }: { readonly cert: string; readonly key: string }): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    for (const [type, text] of [
      ['key', key],
      ['pem', cert],
    ] as const) {
      const path = join(this.#directory, `${name}.${type}`);
      rmSync(`${path}.new`, { force: true });
      writeFileSync(`${path}.new`, text, { mode: 0o600, flag: 'wx' });
      renameSync(`${path}.new`, path);
    }
  }
}

function namesOf(certificate: X509Certificate): string[] {
  return (certificate.subjectAltName ?? '').split(', ').map((entry) => {
    const name = entry.replace(/^(?:DNS|IP Address):/, '');
    // OpenSSL writes addresses out: 0:0:0:0:0:0:0:1.
    return entry.startsWith('IP') && name.includes(':') ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name.toLowerCase();
  });
}
