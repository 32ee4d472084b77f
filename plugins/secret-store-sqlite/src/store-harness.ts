/** The store as the conformance suite and the tests beside it open it. */
import { join } from 'node:path';
import type { PluginHost } from '@gofer/contracts';
import type { FormerKey, OpenSecretStore, SecretStoreHarness } from '@gofer/contracts/conformance';
import { plugin } from './plugin.ts';

export const FIRST_KEY = 'a5f0c1d2e3b4a5968778695a4b3c2d1e';
export const NEXT_KEY = '0f1e2d3c4b5a69788796a5b4c3d2e1f0';

/** More than two batches of a rotation. */
const CROWD = 120;

export function sqliteHarness(name: string): SecretStoreHarness {
  return {
    name,
    capabilities: { rotation: true },
    keys: [FIRST_KEY, NEXT_KEY],
    crowd: CROWD,
    create: (host) => openStore(host, FIRST_KEY),
    createWithNextKey: openWithNextKey,
  };
}

export function openWithNextKey(host: PluginHost, former: FormerKey): Promise<OpenSecretStore> {
  return openStore(host, NEXT_KEY, former === 'configured' ? [FIRST_KEY] : []);
}

export function openStore(host: PluginHost, key: string, former: readonly string[] = []): Promise<OpenSecretStore> {
  return plugin.create({ path: join(host.dataDirectory, 'secrets.db'), encryption_key: key, previous_encryption_keys: former }, host);
}
