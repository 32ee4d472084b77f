/** The object store `filesystem`: every body is one file below a directory. */
import { definePlugin } from '@gofer/contracts';
import { type FilesystemConfig, filesystemConfigSchema } from './filesystem-config.ts';
import { FilesystemStore } from './filesystem-store.ts';

export const plugin = definePlugin<'object_store', FilesystemConfig>({
  contract: 'object_store',
  apiVersion: 1,
  name: 'filesystem',
  configSchema: filesystemConfigSchema,
  create: (config, host) => FilesystemStore.open(config.path, host),
});
