import { stat } from 'node:fs/promises';
import { GoferError, type PluginLog } from '@gofer/contracts';
import { CertificateKeeper } from './certificate-keeper.ts';
import type { CertificateSource, ServedCertificate } from './certificate-source.ts';
import { KeyPairFault, type KeyPairPaths, readKeyPair } from './key-pair.ts';

export interface CertificateFilesOptions extends KeyPairPaths {
  /** The configuration's names of the two, for what is wrong with them: `server.tls_cert_path`. */
  readonly keys: { readonly cert: string; readonly key: string };
  readonly log: PluginLog;
  readonly now?: () => number;
  readonly pollMs?: number;
  readonly checkMs?: number;
}

/** Two PEM files, taken again when they change. Rejects with `CONFIG_INVALID` where they cannot be used. */
export async function openCertificateFiles({ cert, key, keys, ...rest }: CertificateFilesOptions): Promise<CertificateSource> {
  const paths = { cert, key };
  const load = async (): Promise<ServedCertificate> => {
    try {
      return await readKeyPair(paths);
    } catch (error) {
      if (!(error instanceof KeyPairFault)) throw error;
      const fault = { path: keys[error.of], message: `${keys[error.of]} ${paths[error.of]} ${error.message}` };
      throw new GoferError('CONFIG_INVALID', `${fault.message}.`, { details: [fault], cause: error });
    }
  };
  const version = async () => JSON.stringify(await Promise.all([cert, key].map(versionOf)));
  const isOpenToAll = await canAllRead(key);
  const keeper = await CertificateKeeper.open({ ...rest, load, version });
  if (isOpenToAll) rest.log('warn', `every user of this machine can read the key of the TLS certificate: chmod o= ${key}`);
  return keeper;
}

/** Its group is its owner's choice. False where there is nothing to be read, which the opening tells better. */
async function canAllRead(path: string): Promise<boolean> {
  return await stat(path).then(
    ({ mode }) => (mode & 0o004) !== 0,
    () => false,
  );
}

/** Of the file at the end of symbolic links. */
async function versionOf(path: string): Promise<unknown> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].map(String);
  } catch (error) {
    return String(error);
  }
}
