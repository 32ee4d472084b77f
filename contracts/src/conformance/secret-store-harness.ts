/** What the secret store's suite needs of whoever runs it. */
import type { PluginHost, PluginInstance } from '../plugin.ts';
import type { SecretStore, SecretStoreCapabilities } from '../secret-store.ts';
import type { Harness } from './trial.ts';

export type OpenSecretStore = SecretStore & PluginInstance;

export interface SecretStoreHarness extends Harness {
  /** What the plugin declares; the suite checks that it says the same and holds it to the laws of what is there and of what is not. */
  readonly capabilities: SecretStoreCapabilities;
  /**
   * Must create an instance, ready for use, which keeps what it keeps in files inside `host.dataDirectory` where it uses files. Called
   * again with the same `host` after `close`, it must find what the first instance kept, as after a restart of the server.
   */
  create(host: PluginHost): Promise<OpenSecretStore>;
  /**
   * As `create`, configured with a new key. `former`: whether the key of `create` is still configured beside it. Without this the laws of
   * `rotate` run with one and the same key; a plugin whose key is not the configuration's leaves it out.
   */
  createWithNextKey?(host: PluginHost, former: FormerKey): Promise<OpenSecretStore>;
  /** The keys that encrypt values, as the configuration has them: like values, they must be found nowhere. */
  readonly keys?: readonly string[];
  /** How many values are put at once, and how many there are where keys are rotated. Default: 64. */
  readonly crowd?: number;
}

export type FormerKey = 'configured' | 'forgotten';

export const DEFAULT_CROWD = 64;
