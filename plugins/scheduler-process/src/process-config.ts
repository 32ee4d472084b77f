/** The keys of `[scheduler.process]`, with their defaults. */
import type { JsonSchema } from '@gofer/contracts';

export interface ProcessConfig {
  readonly enable: boolean;
  /** Bytes. */
  readonly max_output_memory: number;
  /** Seconds. */
  readonly idle_timeout: number;
}

export const processConfigSchema: JsonSchema = {
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
      type: 'number',
      'x-duration': true,
      minimum: 1,
      default: 30,
      description: 'How long the supervisor process stays without work. The next task starts another one.',
    },
  },
};
