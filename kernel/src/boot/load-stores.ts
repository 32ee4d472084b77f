/** Loads the object store and the secret store that the configuration names. */
import { dirname } from 'node:path';
import { type LoadedServerConfig, resolvePluginBlock } from '@gofer/config';
import { type ContractId, type Contracts, GoferError, type PluginHost, type PluginInstance } from '@gofer/contracts';
import { loadPlugins } from '../plugins/load-plugins.ts';
import { type BuiltInPlugins, CREATE_TIMEOUT_MS } from './load-scheduler.ts';

export interface LoadedStores {
  readonly objects: Contracts['object_store'] & PluginInstance;
  readonly secrets: Contracts['secret_store'] & PluginInstance;
  close(): Promise<void>;
}

type StoreContract = 'object_store' | 'secret_store';

/** Rejects with `PLUGIN_INVALID` and the faults of both. */
export async function loadStores(
  loaded: LoadedServerConfig,
  builtIns: BuiltInPlugins,
  host: (contract: ContractId, name: string) => PluginHost,
): Promise<LoadedStores> {
  const { config, source } = loaded;
  const baseDirectory = source.path === undefined ? process.cwd() : dirname(source.path);
  const requests = (['object_store', 'secret_store'] as const).map((contract: StoreContract) => ({
    contract,
    engine: config[contract].engine,
    baseDirectory,
    readBlock: (name: string, schema: Parameters<typeof resolvePluginBlock>[3]) =>
      resolvePluginBlock(loaded.pluginSources, contract, name, schema),
  }));
  const plugins = await loadPlugins<StoreContract>(requests, {
    builtIns: { object_store: builtIns.object_store, secret_store: builtIns.secret_store },
    host,
    createTimeoutMs: CREATE_TIMEOUT_MS,
  });
  // In the order of the requests, each of its own contract: the loader has checked that.
  const [objects, secrets] = plugins.plugins;
  if (objects === undefined || secrets === undefined) throw new GoferError('PLUGIN_INVALID', 'a store gave no plugin');
  return {
    objects: objects.instance as LoadedStores['objects'],
    secrets: secrets.instance as LoadedStores['secrets'],
    close: () => plugins.close(),
  };
}
