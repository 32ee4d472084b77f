/** The command's own configuration: the first file found, the environment, flags. */
import { join } from 'node:path';
import type { CliConfig } from './cli-schema.ts';
import { CLI_ENVIRONMENT_PREFIX, cliSettings } from './cli-schema.ts';
import type { ConfigFile } from './config-file.ts';
import { readConfigFile } from './config-file.ts';
import { readValue } from './read-value.ts';
import { buildTable, configInvalid, deepFreeze, resolveSettings } from './resolve-settings.ts';
import { findProperty } from './setting.ts';
import type { Environment, Flags, WrittenLayer } from './written-setting.ts';
import { environmentVariable, leavesOf, writtenInEnvironment, writtenInFile, writtenInFlags } from './written-setting.ts';

export interface CliConfigRequest {
  readonly environment: Environment;
  /** By key: `{ output_format: 'json' }`. */
  readonly flags?: Flags;
  /** The file of `--config`; it must exist, unless `mayBeMissing`: then it counts as empty. */
  readonly configPath?: string | undefined;
  readonly mayBeMissing?: boolean;
  /** Without it, HOME of `environment`. */
  readonly homeDirectory?: string;
  /** Look for the `_dev` file names first, so that working on Gofer leaves one's own configuration alone. */
  readonly fromCheckout?: boolean;
}

export interface LoadedCliConfig {
  readonly config: CliConfig;
  readonly source: { readonly path?: string };
  /** Where the value of a key was written: `file:line`, the variable, the flag; undefined where it is the default. */
  readonly locate: (key: keyof CliConfig) => string | undefined;
}

/** Variables that stand in for another one that is not set: these are what a task is given. */
const STAND_INS = [
  ['GOFER_NAMESPACE', 'GOFER_NAMESPACE_ID'],
  ['GOFER_TOKEN', 'GOFER_API_TOKEN'],
] as const;

/** Rejects with `CONFIG_INVALID`; `details` has every fault with its file and line, variable or flag. */
export async function loadCliConfig(request: CliConfigRequest): Promise<LoadedCliConfig> {
  const file = await findFile(request);
  const variables = ownVariables(request.environment);
  const layers = [
    ...(file === undefined ? [] : [writtenInFile(file, cliSettings)]),
    writtenInEnvironment(variables.own, CLI_ENVIRONMENT_PREFIX, cliSettings),
    writtenInFlags(request.flags ?? {}, cliSettings),
  ];
  const { settings, faults: written } = resolveSettings(layers.map(hostAsUrl));
  const faults = [...written];
  const built = buildTable(cliSettings, settings, { developmentMode: false, stateDirectory: undefined }, faults);
  if (faults.length > 0) throw configInvalid(faults);
  // Without faults `buildTable` has made exactly what the schema describes.
  const config = deepFreeze(built) as unknown as CliConfig;
  const locate = (key: string): string | undefined => {
    const at = settings.get(key)?.written.at;
    return at === undefined ? undefined : (variables.standIns.get(at) ?? at);
  };
  return Object.freeze({ config, source: Object.freeze(file === undefined ? {} : { path: file.path }), locate });
}

/** In the order in which they are looked for. */
export function cliConfigPaths(homeDirectory: string, fromCheckout: boolean): readonly string[] {
  const plain = [join(homeDirectory, '.gofer.toml'), join(homeDirectory, '.config', 'gofer.toml')];
  const development = [join(homeDirectory, '.gofer_dev.toml'), join(homeDirectory, '.config', 'gofer_dev.toml')];
  return fromCheckout ? [...development, ...plain] : plain;
}

async function findFile(request: CliConfigRequest): Promise<ConfigFile | undefined> {
  const { configPath } = request;
  const home = request.homeDirectory ?? request.environment['HOME'];
  const found = home === undefined || home === '' ? [] : cliConfigPaths(home, request.fromCheckout === true);
  for (const path of configPath === undefined ? found : [configPath]) {
    const read = await readConfigFile(path);
    if (read.kind === 'read') return read.file;
    if (read.kind === 'fault') throw configInvalid([read.fault]);
    if (configPath !== undefined && request.mayBeMissing !== true)
      throw configInvalid([{ path, message: 'there is no such file (given by --config)' }]);
  }
  return undefined;
}

/**
 * Known keys only: a task's environment has many other `GOFER_` variables. Blanks around a token are no part of it: it often comes from a
 * file, with the newline at its end. `standIns`: variable → what stands in for it.
 */
function ownVariables(environment: Environment): { readonly own: Environment; readonly standIns: ReadonlyMap<string, string> } {
  const known = new Set([...leavesOf(cliSettings)].map(({ path }) => environmentVariable(CLI_ENVIRONMENT_PREFIX, path)));
  const own: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (known.has(name.toUpperCase())) own[name] = name.toUpperCase() === 'GOFER_TOKEN' ? value?.trim() : value;
  }
  const standIns = new Map<string, string>();
  const isSet = (name: string): boolean =>
    Object.entries(own).some(([key, value]) => key.toUpperCase() === name && value !== undefined && value !== '');
  for (const [name, standIn] of STAND_INS) {
    const value = environment[standIn]?.trim();
    if (isSet(name) || value === undefined || value === '') continue;
    own[name] = value;
    standIns.set(name, standIn);
  }
  return { own, standIns };
}

/** `host` is another spelling of `api_base_url`, with another form of value. What is not a host and port stays as it is, to be refused. */
function hostAsUrl(layer: WrittenLayer): WrittenLayer {
  const url = findProperty(cliSettings, 'api_base_url');
  if (url === undefined) throw new TypeError('api_base_url is not declared');
  const settings = layer.settings.map((setting) => {
    if (setting.path[0] !== 'host' || !readValue(setting.schema, setting.value, setting.textual).ok) return setting;
    return { ...setting, path: [url.name], schema: url.schema, value: `http://${String(setting.value)}/` };
  });
  return { ...layer, settings };
}
