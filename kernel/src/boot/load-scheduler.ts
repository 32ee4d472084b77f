/** Loads one scheduler: resolved by the loader, configured by its own block of the configuration. */
import { type LoadedServerConfig, resolvePluginBlock } from '@gofer/config';
import { GoferError, type PluginHost, type PluginInstance, type Scheduler } from '@gofer/contracts';

/** The plugins that come with a distribution, loaded when they are named. */
export interface BuiltInPlugins {
  /** Engine → its module, which exports `plugin`. */
  readonly scheduler: Readonly<Record<string, () => Promise<unknown>>>;
  /** What `scheduler.engine = "auto"` tries, in this order. */
  readonly automatic: readonly string[];
}

export interface SchedulerLoad {
  readonly loaded: LoadedServerConfig;
  readonly builtIns: BuiltInPlugins;
  readonly host: (name: string) => PluginHost;
}

export async function loadScheduler(
  engine: string,
  load: SchedulerLoad,
): Promise<{ scheduler: Scheduler & PluginInstance; close(): Promise<void> }> {
  const module = (await load.builtIns.scheduler[engine]?.()) as any;
  if (module === undefined) throw new GoferError('PLUGIN_INVALID', `no engine ${engine}`);
  const block = resolvePluginBlock(load.loaded.pluginSources, 'scheduler', engine, module.plugin.configSchema);
  if (block.faults.length > 0) throw new GoferError('CONFIG_INVALID', 'bad block', { details: block.faults });
  const scheduler = await module.plugin.create(block.value, load.host(engine));
  await scheduler.health();
  return { scheduler, close: () => scheduler.close() };
}
