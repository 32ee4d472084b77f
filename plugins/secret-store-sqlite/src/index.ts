export { plugin, plugin as sqliteSecretStore } from './plugin.ts';
export type { SqliteSecretStoreConfig } from './sqlite-secret-store-config.ts';
