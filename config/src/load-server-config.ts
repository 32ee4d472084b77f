/** The server's configuration: read, checked as a whole, completed and frozen, or refused with every fault at once. */
import { closestName, type Fault } from '@gofer/contracts';
import type { ConfigFile, ReadResult } from './config-file.ts';
import { isOpenToAll, readConfigFile } from './config-file.ts';
import type { PluginSchemas } from './plugin-schemas.ts';
import { withPluginSchemas } from './plugin-schemas.ts';
import type { PluginSources } from './resolve-plugin-block.ts';
import type { ResolvedSettings } from './resolve-settings.ts';
import { buildTable, configInvalid, deepFreeze, resolveSettings } from './resolve-settings.ts';
import { checkServerRules } from './server-rules.ts';
import type { ServerConfig } from './server-schema.ts';
import { SERVER_ENVIRONMENT_PREFIX, serverSettings } from './server-schema.ts';
import { findProperty, isTable, type SettingSchema } from './setting.ts';
import { stateDirectory } from './state-directory.ts';
import { BUILT_IN_ENGINES, type PluginSection, SAMPLE_ENCRYPTION_KEY } from './store-and-scheduler-schema.ts';
import type { Environment, Flags, UndeclaredBlock, WrittenLayer } from './written-setting.ts';
import { leavesOf, writtenInEnvironment, writtenInFile, writtenInFlags } from './written-setting.ts';

export const SYSTEM_CONFIG_PATH = '/etc/gofer/gofer_web.toml';

export interface ServerConfigRequest {
  readonly environment: Environment;
  /** By dotted key: `{ 'server.bind_address': 'localhost:0' }`. Text is read by the key's type. */
  readonly flags?: Flags;
  /** The file of `--config`; it must exist. */
  readonly configPath?: string | undefined;
  /** Read when there is no `configPath`, if it exists. */
  readonly systemConfigPath?: string;
  /** Without it, HOME of `environment`. */
  readonly homeDirectory?: string;
  /** Of the built-in plugins: with them every key of their blocks is checked here, also of those that are not chosen. */
  readonly pluginSchemas?: PluginSchemas;
}

export interface LoadedServerConfig {
  readonly config: ServerConfig;
  readonly source: { readonly path?: string };
  /** No configuration file, and auth is not switched on: auth bypassed, loopback only, data in the user's state directory. */
  readonly developmentMode: boolean;
  /** For the operator's log; without secrets. */
  readonly warnings: readonly string[];
  /** What `resolvePluginBlock` reads a plugin's own block from. */
  readonly pluginSources: PluginSources;
}

/** Rejects with `CONFIG_INVALID`; `details` has every fault with its file and line, variable or flag. */
export async function loadServerConfig(request: ServerConfigRequest): Promise<LoadedServerConfig> {
  const file = await findFile(request);
  const known = withPluginSchemas(request.pluginSchemas ?? {});
  const layers = [
    ...(file === undefined ? [] : [writtenInFile(file, known)]),
    writtenInEnvironment(request.environment, SERVER_ENVIRONMENT_PREFIX, known),
    writtenInFlags(request.flags ?? {}, known),
  ];
  const resolved = resolveSettings(layers);
  const faults: Fault[] = [...resolved.faults];
  const developmentMode = file === undefined && resolved.settings.get('development.bypass_auth')?.value !== false;
  const context = { developmentMode, stateDirectory: stateDirectory(request.environment, request.homeDirectory) };
  const built = buildTable(serverSettings, resolved.settings, context, faults);
  turnOnConfiguredTls(built, resolved.settings);
  useDefaultEncryption(built);
  leaveHalfToOtherSenders(built, resolved.settings);
  // `buildTable` makes exactly what the schema describes once there are no faults; the rules read only keys that always have a value.
  const config = deepFreeze(built) as unknown as ServerConfig;

  const blocks = checkBlocks(layers, config);
  const rules = checkServerRules(config, { developmentMode, locate: (key) => resolved.settings.get(key)?.written.at ?? key });
  faults.push(...blocks.faults, ...rules.faults);
  if (faults.length > 0) throw configInvalid(faults);

  return Object.freeze({
    config,
    source: Object.freeze(file === undefined ? {} : { path: file.path }),
    developmentMode,
    warnings: Object.freeze([
      ...ignoredKeys(resolved.settings),
      ...blocks.warnings,
      ...rules.warnings,
      ...(file === undefined ? [] : await readableSecrets(file, resolved.settings)),
    ]),
    pluginSources: { file, environment: request.environment, flags: request.flags ?? {}, context, config },
  });
}

async function findFile(request: ServerConfigRequest): Promise<ConfigFile | undefined> {
  const { configPath } = request;
  const read: ReadResult = await readConfigFile(configPath ?? request.systemConfigPath ?? SYSTEM_CONFIG_PATH);
  if (read.kind === 'fault') throw configInvalid([read.fault]);
  if (read.kind === 'missing' && configPath !== undefined) {
    throw configInvalid([{ path: configPath, message: 'there is no such file (given by --config)' }]);
  }
  return read.kind === 'read' ? read.file : undefined;
}

async function readableSecrets({ path }: ConfigFile, settings: ResolvedSettings): Promise<string[]> {
  const secrets = [...leavesOf(serverSettings)].filter(({ path: key, schema }) => {
    const at = settings.get(key.join('.'))?.written.at;
    return (
      schema['x-secret'] === true && schema['x-ignored'] === undefined && at !== undefined && (at === path || at.startsWith(`${path}:`))
    );
  });
  if (secrets.length === 0 || !(await isOpenToAll(path))) return [];
  const names = secrets.map(({ path: key }) => key.join('.')).join(', ');
  return [`every user of this machine can read ${names} in ${path}: chmod o= ${path}`];
}

/** The documentation's configurations name a certificate and have no `use_tls`. */
function turnOnConfiguredTls(built: Record<string, unknown>, settings: ResolvedSettings): void {
  for (const section of ['server', 'external_events', 'extensions']) {
    const hasBoth = settings.has(`${section}.tls_cert_path`) && settings.has(`${section}.tls_key_path`);
    const table = built[section];
    if (hasBoth && !settings.has(`${section}.use_tls`) && typeof table === 'object' && table !== null)
      Object.assign(table, { use_tls: true });
  }
}

/** Without a key of its own, a server that is for development only encrypts with the one that everybody knows, and warns of it. */
function useDefaultEncryption(built: Record<string, unknown>): void {
  const { development, secret_store } = built as {
    development?: Record<string, unknown>;
    secret_store?: { sqlite?: Record<string, unknown> };
  };
  const sqlite = secret_store?.sqlite;
  if (development?.['bypass_auth'] === true && sqlite !== undefined) sqlite['encryption_key'] ??= SAMPLE_ENCRYPTION_KEY;
}

/** Whoever chose how many events an extension is sent has chosen for one sender too, unless they say otherwise. */
function leaveHalfToOtherSenders(built: Record<string, unknown>, settings: ResolvedSettings): void {
  const { external_events: events } = built as { external_events?: Record<string, unknown> };
  const ofAll = events?.['requests_per_minute'];
  if (settings.has('external_events.sender_requests_per_minute') || events === undefined || typeof ofAll !== 'number') return;
  // Half of one is not none, which would be unlimited.
  events['sender_requests_per_minute'] = Math.ceil(ofAll / 2);
}

/** A block that no declared plugin has is another plugin's if the engine is one, else a slip or left over. */
function checkBlocks(layers: readonly WrittenLayer[], config: ServerConfig): { faults: Fault[]; warnings: string[] } {
  const faults: Fault[] = [];
  const warnings = new Set<string>();
  for (const block of layers.flatMap((layer) => layer.blocks)) {
    const section = pluginSectionOf(block);
    const { engine } = config[section];
    const builtIn: readonly string[] = BUILT_IN_ENGINES[section];
    if (!builtIn.includes(engine)) continue;
    const meant = closestName(block.name, declaredBlocks(serverSettings, section));
    if (meant === undefined) warnings.add(`${block.at}: ${block.written} is not read while ${section}.engine is ${engine}`);
    else faults.push({ path: block.at, message: `${block.written} is not a known table; did you mean ${section}.${meant}?` });
  }
  return { faults, warnings: [...warnings] };
}

function pluginSectionOf(block: UndeclaredBlock): PluginSection {
  if (Object.hasOwn(BUILT_IN_ENGINES, block.section)) return block.section as PluginSection;
  throw new TypeError(`no plugins are declared for [${block.section}]`);
}

function declaredBlocks(root: SettingSchema, section: PluginSection): readonly string[] {
  const properties = findProperty(root, section)?.schema.properties ?? {};
  return Object.entries(properties).flatMap(([name, schema]) => (isTable(schema) ? [name] : []));
}

function* ignoredKeys(settings: ResolvedSettings): Generator<string> {
  for (const { path, schema } of leavesOf(serverSettings)) {
    const written = settings.get(path.join('.'))?.written;
    const remedy = schema['x-ignored'];
    if (written !== undefined && remedy !== undefined) yield `${written.at}: ${written.written} has no effect; ${remedy}`;
  }
}
