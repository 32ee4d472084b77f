/** The keys of `[scheduler.docker]`, with their defaults. */
import type { JsonSchema } from '@gofer/contracts';

export interface DockerConfig {
  /** `unix:///path` or `tcp://host:port`; empty: `DOCKER_HOST`, or else the default socket. */
  readonly host: string;
  /** Seconds that one request to the engine may take; what waits by its nature (a task's end, a pull that goes on) is not limited. */
  readonly timeout: number;
  readonly prune: boolean;
  /** Seconds between two prunes, and the age from which an ended container is pruned. */
  readonly prune_interval: number;
  /** `bridge`, `host`, `none`, or the name of a network. */
  readonly network: string;
  readonly publish_address: string;
  readonly security: 'default' | 'strict';
  readonly log_driver: 'local' | 'json-file';
  /** Bytes; 0: no limit. */
  readonly memory: number;
  /** 0: no limit. */
  readonly cpus: number;
  /** 0: no limit. */
  readonly pids_limit: number;
}

/** Node's longest timer: one that is set to more goes off at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const dockerConfigSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    host: {
      type: 'string',
      pattern: '^$|^unix:///.+|^tcp://.+',
      default: '',
      description: 'The Docker engine: unix:///path or tcp://host:port. Empty: DOCKER_HOST, or else the default socket.',
    },
    timeout: {
      type: 'number',
      'x-duration': true,
      minimum: 1,
      default: 300,
      description: 'How long one request to the engine may take. At least task_execution_stop_timeout.',
    },
    prune: {
      type: 'boolean',
      default: true,
      description: 'Remove ended containers of this server that were left behind. Containers of others are never touched.',
    },
    prune_interval: {
      type: 'number',
      'x-duration': true,
      minimum: 1,
      default: 86_400,
      description: 'How often to prune, and how old an ended container must be for it.',
    },
    network: {
      type: 'string',
      pattern: '^[A-Za-z0-9][A-Za-z0-9_.-]*$',
      default: 'bridge',
      description: 'The network of the tasks: bridge, host, none, or the name of a network. Tasks start a fifth faster without one.',
    },
    publish_address: {
      type: 'string',
      minLength: 1,
      default: '127.0.0.1',
      description:
        "The address on the engine's host at which ports of tasks are published; an engine on another machine needs one of its own.",
    },
    security: {
      enum: ['default', 'strict'],
      default: 'default',
      description:
        "default: Docker's own capabilities. strict: none, no way to gain rights, no core dumps; images that change users or owners need default.",
    },
    log_driver: {
      enum: ['local', 'json-file'],
      default: 'local',
      description: "Where the engine keeps a task's output. json-file, for engines without local, spoils output that is not UTF-8.",
    },
    memory: {
      type: 'integer',
      minimum: 0,
      default: 0,
      description: 'Bytes of memory for a task that names no limit; 0: unlimited.',
    },
    cpus: {
      type: 'number',
      minimum: 0,
      default: 0,
      description: 'CPUs for a task that names no limit; 0: unlimited.',
    },
    pids_limit: {
      type: 'integer',
      minimum: 0,
      default: 4096,
      description: 'Processes and threads in one task; 0: unlimited.',
    },
  },
};
