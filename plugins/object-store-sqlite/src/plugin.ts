/** The object store `sqlite`: every body in one SQLite file, which a thread of its own reads and writes. */
import { resolve } from 'node:path';
import { definePlugin } from '@gofer/contracts';
import { type SqliteConfig, sqliteConfigSchema } from './sqlite-config.ts';
import { prepareStoreFile } from './store-file.ts';
import { ThreadedStore } from './threaded-store.ts';

export const plugin = definePlugin<'object_store', SqliteConfig>({
  contract: 'object_store',
  apiVersion: 1,
  name: 'sqlite',
  configSchema: sqliteConfigSchema,
  async create(config, host) {
    const path = resolve(config.path);
    const { purge } = prepareStoreFile(path, host.instanceId);
    const store = new ThreadedStore(path, host);
    if (purge) store.warm();
    return store;
  },
});
