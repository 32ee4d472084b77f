/**
 * What a plugin is: a frozen value. Importing it does nothing; `create` does everything and returns something with `close()`.
 * The kernel validates the plugin's configuration against `configSchema` before it calls `create`.
 */
import type { Auth, AuthHost } from './auth.ts';
import type { ObjectStore } from './object-store.ts';
import type { Scheduler } from './scheduler.ts';
import type { SecretStore } from './secret-store.ts';

/** The contracts that a plugin may implement, by id, which is also the section of the configuration that chooses the plugin. */
export interface Contracts {
  scheduler: Scheduler;
  object_store: ObjectStore;
  secret_store: SecretStore;
  auth: Auth;
}
export type ContractId = keyof Contracts;

/** The version of the contracts in this package; a plugin names the one it was written for. */
export const CONTRACT_API_VERSION = 1;

/** What a running plugin owes its host, whatever its contract. */
export interface PluginInstance {
  /** Must resolve when the back end can be used and reject with `UNAVAILABLE` (and a message that says what to do) when not. */
  health(): Promise<void>;
  /** Must release everything that `create` took and leave running tasks alone. A second call must do nothing. */
  close(): Promise<void>;
}

/** A line for the operator's log; `fields` is plain data and never holds a secret. */
export type PluginLog = (level: 'debug' | 'info' | 'warn' | 'error', message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** What the kernel gives to a plugin. */
export interface PluginHost {
  /** This server's own id, at most 63 of `[A-Za-z0-9._-]`; stable for one `storage_path`. */
  readonly instanceId: string;
  /** A directory of this plugin's own (absolute path, mode 0700, it exists). */
  readonly dataDirectory: string;
  readonly log: PluginLog;
  /**
   * The file mode creation mask of whoever started the server, for what a plugin starts in their name: the server's own keeps its files
   * from everyone else. Absent: the server's own.
   */
  readonly umask?: number;
}

/** What a plugin of a contract is given: more than `PluginHost` where the contract says so. */
export type HostOf<Id extends ContractId> = Id extends 'auth' ? AuthHost : PluginHost;

/** A JSON Schema (2020-12). Its `default`s are applied, and properties marked `"x-secret": true` are redacted wherever they are shown. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export interface PluginDefinition<Id extends ContractId = ContractId, Config = unknown> {
  readonly contract: Id;
  readonly apiVersion: typeof CONTRACT_API_VERSION;
  /** 1 to 32 of `[a-z0-9-]`; also the name of its block in the configuration, as in `[scheduler.docker]`. */
  readonly name: string;
  readonly configSchema: JsonSchema;
  create(config: Config, host: HostOf<Id>): Promise<Contracts[Id] & PluginInstance>;
}

/** Types and freezes a plugin. */
export function definePlugin<Id extends ContractId, Config>(definition: PluginDefinition<Id, Config>): PluginDefinition<Id, Config> {
  return Object.freeze({ ...definition });
}
