/** Loads one scheduler: resolved by the loader, configured by its own block of the configuration. */
import { dirname } from 'node:path';
import { type LoadedServerConfig, resolvePluginBlock } from '@gofer/config';
import { type ContractId, GoferError, type PluginHost, type PluginInstance, type Scheduler } from '@gofer/contracts';
import { loadPlugins } from '../plugins/load-plugins.ts';
import type { BuiltInModules } from '../plugins/resolve-plugin.ts';

/** The plugins that come with a distribution, loaded when they are named. */
export interface BuiltInPlugins {
  /** Engine → its module, which exports `plugin`. */
  readonly scheduler: BuiltInModules;
  readonly object_store: BuiltInModules;
  readonly secret_store: BuiltInModules;
  /** `token` must be among them: it is always there. */
  readonly auth: BuiltInModules;
  /** What `scheduler.engine = "auto"` tries, in this order. */
  readonly automatic: readonly string[];
}

export interface SchedulerLoad {
  readonly loaded: LoadedServerConfig;
  readonly builtIns: BuiltInPlugins;
  readonly host: (contract: ContractId, name: string) => PluginHost;
}

/** How long a plugin may take to be created, and then to say that it is well. */
export const CREATE_TIMEOUT_MS = 30_000;

/** Rejects with `PLUGIN_INVALID` and every fault. */
export async function loadScheduler(
  engine: string,
  { loaded, builtIns, host }: SchedulerLoad,
): Promise<{ scheduler: Scheduler & PluginInstance; close(): Promise<void> }> {
  const { path } = loaded.source;
  const loadedPlugins = await loadPlugins(
    [
      {
        contract: 'scheduler',
        engine,
        baseDirectory: path === undefined ? process.cwd() : dirname(path),
        readBlock: (name, schema) => resolvePluginBlock(loaded.pluginSources, 'scheduler', name, schema),
      },
    ],
    { builtIns: { scheduler: builtIns.scheduler }, host, createTimeoutMs: CREATE_TIMEOUT_MS },
  );
  const [plugin] = loadedPlugins.plugins;
  if (plugin === undefined) throw new GoferError('PLUGIN_INVALID', `scheduler.engine = "${engine}" gave no plugin`);
  return { scheduler: plugin.instance, close: () => loadedPlugins.close() };
}
