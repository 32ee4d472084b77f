/** Loads what says who is calling: the built-in `token` plugin always, and beside it the one that the configuration names. */
import { dirname } from 'node:path';
import { type LoadedServerConfig, resolvePluginBlock } from '@gofer/config';
import { type Auth, type AuthHost, GoferError, type JsonSchema, type PluginInstance } from '@gofer/contracts';
import { loadPlugins } from '../plugins/load-plugins.ts';
import { type BuiltInPlugins, CREATE_TIMEOUT_MS } from './load-scheduler.ts';

export interface LoadedAuth {
  /** Knows the tokens that this server hands out. */
  readonly tokens: Auth & PluginInstance;
  /** That of `auth.engine`; the same instance as `tokens` where that is `token`. */
  readonly configured: Auth & PluginInstance;
  close(): Promise<void>;
}

const TOKEN_ENGINE = 'token';

/** Rejects with `PLUGIN_INVALID` and the faults of both. */
export async function loadAuth(
  loaded: LoadedServerConfig,
  builtIns: BuiltInPlugins,
  host: (contract: 'auth', name: string) => AuthHost,
): Promise<LoadedAuth> {
  const { config, source } = loaded;
  const baseDirectory = source.path === undefined ? process.cwd() : dirname(source.path);
  const engines = config.auth.engine === TOKEN_ENGINE ? [TOKEN_ENGINE] : [TOKEN_ENGINE, config.auth.engine];
  const requests = engines.map((engine) => ({
    contract: 'auth' as const,
    engine,
    baseDirectory,
    readBlock: (name: string, schema: JsonSchema) => resolvePluginBlock(loaded.pluginSources, 'auth', name, schema),
  }));
  const plugins = await loadPlugins<'auth'>(requests, { builtIns: { auth: builtIns.auth }, host, createTimeoutMs: CREATE_TIMEOUT_MS });
  // In the order of the requests.
  const [tokens, configured = tokens] = plugins.plugins;
  if (tokens === undefined || configured === undefined) throw new GoferError('PLUGIN_INVALID', 'auth.engine gave no plugin');
  return { tokens: tokens.instance, configured: configured.instance, close: () => plugins.close() };
}
