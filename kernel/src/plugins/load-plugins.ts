/**
 * Loads plugins in a fixed order: resolve, shape, contract, API version, configuration; then, if all of them are sound so far, create
 * and health. All faults of all plugins are reported together, and if there is one nothing is left running.
 */

import type { ContractId, Contracts, Fault, HostOf, JsonSchema, PluginDefinition, PluginInstance } from '@gofer/contracts';
import { GoferError, isGoferError } from '@gofer/contracts';
import type { WrittenBlock } from './plugin-config.ts';
import { checkPluginConfig } from './plugin-config.ts';
import { checkInstance, checkPluginModule } from './plugin-shape.ts';
import type { BuiltInModules } from './resolve-plugin.ts';
import { resolvePlugin } from './resolve-plugin.ts';

export interface PluginRequest<Id extends ContractId = ContractId> {
  readonly contract: Id;
  /** What `<contract>.engine` says: a built-in plugin's name, a path or a package. */
  readonly engine: string;
  /** The directory of the configuration file (absolute). */
  readonly baseDirectory: string;
  /** Reads the block `[<contract>.<name>]`, once the plugin has said its name and its schema. */
  readonly readBlock: (name: string, schema: JsonSchema) => WrittenBlock;
}

interface LoadedPlugin<Id extends ContractId = ContractId> {
  readonly contract: Id;
  readonly engine: string;
  readonly name: string;
  readonly instance: Contracts[Id] & PluginInstance;
}

export interface LoadedPlugins<Id extends ContractId = ContractId> {
  /** In the order of the requests. */
  readonly plugins: readonly LoadedPlugin<Id>[];
  /** Closes them in reverse order, each even if another fails. A second call does nothing. */
  close(): Promise<void>;
}

export interface PluginLoading<Id extends ContractId = ContractId> {
  readonly builtIns: { readonly [Contract in Id]: BuiltInModules };
  readonly host: (contract: Id, name: string) => HostOf<Id> | Promise<HostOf<Id>>;
  /** How long `create`, and then `health`, may each take. */
  readonly createTimeoutMs: number;
}

interface Sound<Id extends ContractId> {
  readonly request: PluginRequest<Id>;
  readonly definition: PluginDefinition<Id>;
  readonly config: unknown;
}

/** Rejects with `PLUGIN_INVALID`; its `details` hold every fault. */
export async function loadPlugins<Id extends ContractId>(
  requests: readonly PluginRequest<Id>[],
  loading: PluginLoading<Id>,
): Promise<LoadedPlugins<Id>> {
  const faults: Fault[] = [];
  const examined = await Promise.all(requests.map((request) => examine(request, loading, faults)));
  const sound = examined.filter((plugin) => plugin !== undefined);
  if (faults.length > 0) throw invalid(faults);

  const created = await Promise.all(sound.map((plugin) => create(plugin, loading, faults)));
  const plugins = created.filter((plugin) => plugin !== undefined);
  await Promise.all(plugins.map((plugin) => checkHealth(plugin, loading, faults)));
  if (faults.length > 0) {
    await closeAll(plugins, faults);
    throw invalid(faults);
  }
  let closing: Promise<void> | undefined;
  return {
    plugins,
    close() {
      closing ??= closeLoaded(plugins);
      return closing;
    },
  };
}

async function examine<Id extends ContractId>(
  request: PluginRequest<Id>,
  loading: PluginLoading<Id>,
  faults: Fault[],
): Promise<Sound<Id> | undefined> {
  const refuse = (message: string): undefined => {
    faults.push({ path: pathOf(request), message });
  };
  const builtIns: Readonly<Record<string, BuiltInModules>> = loading.builtIns;
  const resolved = await resolvePlugin(request.engine, request.baseDirectory, builtIns[request.contract] ?? {});
  if ('fault' in resolved) return refuse(resolved.fault);
  let module: unknown;
  try {
    module = await resolved.load();
  } catch (error) {
    return refuse(`${resolved.origin} cannot be imported: ${textOf(error)}`);
  }
  const checked = checkPluginModule(module, request.contract);
  if ('faults' in checked) {
    for (const fault of checked.faults) refuse(`${resolved.origin} ${fault}`);
    return undefined;
  }
  const definition = checked.value;
  const written = request.readBlock(definition.name, definition.configSchema);
  const config = await checkPluginConfig(`${request.contract}.${definition.name}`, definition.configSchema, written);
  if ('faults' in config) {
    faults.push(...config.faults);
    return undefined;
  }
  return { request, definition, config: config.value };
}

async function create<Id extends ContractId>(
  { request, definition, config }: Sound<Id>,
  loading: PluginLoading<Id>,
  faults: Fault[],
): Promise<LoadedPlugin<Id> | undefined> {
  const refuse = (message: string): undefined => {
    faults.push({ path: pathOf(request), message });
  };
  let creating: Promise<unknown> | undefined;
  try {
    const host = await loading.host(request.contract, definition.name);
    creating = Promise.resolve(definition.create(config, host));
    const checked = checkInstance(await within(creating, loading.createTimeoutMs, 'create'), request.contract);
    if ('value' in checked) return { contract: request.contract, engine: request.engine, name: definition.name, instance: checked.value };
    for (const fault of checked.faults) refuse(`the plugin ${definition.name} ${fault}`);
  } catch (error) {
    refuse(`the plugin ${definition.name} did not start: ${textOf(error)}`);
  }
  // What is created too late, or is not whole, is closed as far as it can be.
  void creating?.then(closeWhatever).catch(() => undefined);
  return undefined;
}

async function checkHealth(
  plugin: LoadedPlugin,
  { createTimeoutMs }: { readonly createTimeoutMs: number },
  faults: Fault[],
): Promise<void> {
  try {
    await within(plugin.instance.health(), createTimeoutMs, 'health');
  } catch (error) {
    faults.push({ path: pathOf(plugin), message: `the plugin ${plugin.name} cannot be used: ${textOf(error)}` });
  }
}

async function closeLoaded(plugins: readonly LoadedPlugin[]): Promise<void> {
  const faults: Fault[] = [];
  await closeAll(plugins, faults);
  if (faults.length > 0) throw new GoferError('INTERNAL', `plugins could not be closed: ${inShort(faults)}`, { details: faults });
}

async function closeAll(plugins: readonly LoadedPlugin[], faults: Fault[]): Promise<void> {
  for (const plugin of plugins.toReversed()) {
    try {
      await plugin.instance.close();
    } catch (error) {
      faults.push({ path: pathOf(plugin), message: `the plugin ${plugin.name} could not be closed: ${textOf(error)}` });
    }
  }
}

async function closeWhatever(instance: unknown): Promise<void> {
  if (typeof instance !== 'object' || instance === null || !('close' in instance) || typeof instance.close !== 'function') return;
  await instance.close();
}

async function within<Result>(promise: Promise<Result>, limitMs: number, what: string): Promise<Result> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new GoferError('DEADLINE_EXCEEDED', `its "${what}" took longer than ${limitMs} ms`)), limitMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function invalid(faults: readonly Fault[]): GoferError {
  return new GoferError('PLUGIN_INVALID', `The plugins cannot be loaded: ${inShort(faults)}`, { details: faults });
}

/** The details of an error are shown below its message. */
function inShort(faults: readonly Fault[]): string {
  const [first] = faults;
  return faults.length === 1 && first !== undefined ? `${first.path}: ${first.message}` : `${faults.length} faults`;
}

function pathOf(plugin: { readonly contract: ContractId; readonly engine: string }): string {
  return `${plugin.contract}.engine = ${JSON.stringify(plugin.engine)}`;
}

/** An error without a code is a bug of the plugin: its stack says where. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return isGoferError(error) ? error.message : (error.stack ?? error.message);
}
