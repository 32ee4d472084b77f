/** A secret store that breaks the contract in one way, and what such are made with. */
import type { PluginHost, SecretStoreCapabilities } from '@gofer/contracts';
import type { OpenSecretStore } from '@gofer/contracts/conformance';

/** `fails` names laws by the beginning of their names, each of which must find the fault. */
export interface BrokenSecretStore {
  readonly fault: string;
  readonly fails: readonly string[];
  /** What the plugin says of itself beside the truth. */
  readonly declares?: SecretStoreCapabilities;
  /** What replaces the methods of the sound store. Called for each instance. */
  readonly breaks: (sound: OpenSecretStore, host: PluginHost) => Partial<OpenSecretStore>;
}

export const NEVER = new AbortController().signal;

export const withoutCode = (error: unknown): Error => new Error(String(error));

export async function everyKey(store: OpenSecretStore): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const key of store.list('', NEVER)) keys.push(key);
  return keys;
}
