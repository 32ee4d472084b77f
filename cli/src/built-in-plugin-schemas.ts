import type { PluginSchemas } from '@gofer/config';
import { dockerConfigSchema } from '@gofer/scheduler-docker/config';
import { fakeConfigSchema } from '@gofer/scheduler-fake/config';
import { processConfigSchema } from '@gofer/scheduler-process/config';

/** What the blocks of the built-in plugins may hold, for help, sample and start; reading it loads none of the plugins. */
export const builtInPluginSchemas = {
  scheduler: { docker: dockerConfigSchema, process: processConfigSchema, fake: fakeConfigSchema },
} satisfies PluginSchemas;
