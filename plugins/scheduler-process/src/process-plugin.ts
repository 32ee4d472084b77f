/** The `process` scheduler: tasks as processes of this machine, without isolation. */
import { definePlugin } from '@gofer/contracts';
import { ProcessScheduler } from './process-scheduler.ts';
import { SupervisorClient } from './supervisor-client.ts';

export interface ProcessConfig {
  readonly enable: boolean;
  /** Bytes. */
  readonly max_output_memory: number;
  /** Seconds. */
  readonly idle_timeout: number;
}

export const plugin = definePlugin<'scheduler', ProcessConfig>({
  contract: 'scheduler',
  apiVersion: 1,
  name: 'process',
  configSchema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      enable: {
        type: 'boolean',
        default: false,
        description:
          'Allow this engine outside development mode. Its tasks run as processes of the server, with its rights and without isolation.',
      },
      max_output_memory: {
        type: 'integer',
        minimum: 65536,
        maximum: 1073741824,
        default: 1048576,
        description: 'Bytes of output held in memory for one task until they are stored; a task that prints more waits.',
      },
      idle_timeout: {
        type: 'integer',
        minimum: 1,
        maximum: 86400,
        default: 30,
        description: 'Seconds without work after which the supervisor process ends. The next task starts another one.',
      },
    },
  },
  create(config, host) {
    const settings = {
      maxOutputMemory: config.max_output_memory,
      idleTimeoutMs: config.idle_timeout * 1000,
    };
    const client = new SupervisorClient(host.dataDirectory, settings, host.log);
    client.warm();
    return Promise.resolve(new ProcessScheduler(client));
  },
});
