/** The `process` scheduler: tasks as processes of this machine, without isolation. */
import { definePlugin } from '@gofer/contracts';
import { type ProcessConfig, processConfigSchema } from './process-config.ts';
import { ProcessScheduler } from './process-scheduler.ts';
import { SupervisorClient } from './supervisor-client.ts';

export const plugin = definePlugin<'scheduler', ProcessConfig>({
  contract: 'scheduler',
  apiVersion: 1,
  name: 'process',
  configSchema: processConfigSchema,
  create(config, host) {
    const settings = {
      maxOutputMemory: config.max_output_memory,
      // Node's longest timer: one that is set to more goes off at once.
      idleTimeoutMs: Math.min(config.idle_timeout * 1000, 2 ** 31 - 1),
    };
    const client = new SupervisorClient(host.dataDirectory, settings, host.log);
    client.warm();
    return Promise.resolve(new ProcessScheduler(client, host.umask));
  },
});
