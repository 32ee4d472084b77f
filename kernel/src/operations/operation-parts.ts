/** What an operation on a server's files needs of its configuration: where they are, its stores, and the key of backups. */
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { type LoadedServerConfig, resolvePluginBlock } from '@gofer/config';
import { GoferError, type PluginLog } from '@gofer/contracts';
import type { BuiltInPlugins } from '../boot/load-scheduler.ts';
import { type LoadedStores, loadStores } from '../boot/load-stores.ts';
import { makePrivateDirectory } from '../storage/private-directory.ts';

export interface OperationOptions {
  readonly loaded: LoadedServerConfig;
  readonly builtIns: BuiltInPlugins;
  /** Of this release. */
  readonly version: string;
  readonly log: PluginLog;
}

/** The key that `--key-file` gives, or else the configured `encryption_key` of the secret store. */
export function backupKey({ loaded }: OperationOptions, given: string | undefined): string {
  if (given !== undefined) return given;
  const { engine } = loaded.config.secret_store;
  const schema = { type: 'object', properties: { encryption_key: { type: 'string', 'x-secret': true } } };
  const key = resolvePluginBlock(loaded.pluginSources, 'secret_store', engine, schema).value['encryption_key'];
  if (typeof key === 'string') return key;
  throw new GoferError(
    'INVALID_ARGUMENT',
    'The secret store has no encryption_key to seal the secrets of the backup with: give one with --key-file FILE.',
  );
}

/** `instanceId`: a running server's own must not be used beside it, since a store gives back what its instance has left unfinished. */
export function openStores({ loaded, builtIns, log }: OperationOptions, instanceId: string = randomUUID()): Promise<LoadedStores> {
  return loadStores(loaded, builtIns, (contract, name) => {
    const dataDirectory = join(dirname(loaded.config.server.storage_path), 'plugins', `${contract.replace('_', '-')}-${name}`);
    makePrivateDirectory(dataDirectory);
    return { instanceId, dataDirectory, log };
  });
}
