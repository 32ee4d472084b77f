import { tokenAuthConfigSchema } from '@gofer/auth-token/config';
import type { PluginSchemas } from '@gofer/config';
import { filesystemConfigSchema } from '@gofer/object-store-filesystem/config';
import { sqliteConfigSchema } from '@gofer/object-store-sqlite/config';
import { dockerConfigSchema } from '@gofer/scheduler-docker/config';
import { fakeConfigSchema } from '@gofer/scheduler-fake/config';
import { processConfigSchema } from '@gofer/scheduler-process/config';
import { sqliteSecretStoreConfigSchema } from '@gofer/secret-store-sqlite/config';

/** What the blocks of the built-in plugins may hold, for help, sample and start; reading it loads none of the plugins. */
export const builtInPluginSchemas = {
  scheduler: { docker: dockerConfigSchema, process: processConfigSchema, fake: fakeConfigSchema },
  object_store: { sqlite: sqliteConfigSchema, filesystem: filesystemConfigSchema },
  secret_store: { sqlite: sqliteSecretStoreConfigSchema },
  auth: { token: tokenAuthConfigSchema },
} satisfies PluginSchemas;
