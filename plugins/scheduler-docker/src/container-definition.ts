/** A task's container, as the engine wants to hear it; and the names and labels by which it is found again. */

import type { TaskSpec } from '@gofer/contracts';
import { GoferError } from '@gofer/contracts';
import { containerSecurity } from './container-security.ts';
import type { DockerConfig } from './docker-config.ts';
import { parseImageReference } from './image-reference.ts';

/** Marks every container of this plugin; its value is the attempt's id. */
export const ATTEMPT_LABEL = 'dev.gofer-docker.attempt';
/** The ports of the task, separated by dots: an image may expose others. */
const PORTS_LABEL = 'dev.gofer-docker.ports';
/** Before the keys of the task's own labels. */
export const LABEL_PREFIX = 'dev.gofer.';

/** Carries the attempt's id, which is never reused: the engine itself refuses a second container for it. */
export function containerName(attemptId: string): string {
  return `gofer-${attemptId}`;
}

/** Values of the engine's `label` filter. */
export function labelFilter(labels: Readonly<Record<string, string>>): readonly string[] {
  return [ATTEMPT_LABEL, ...Object.entries(labels).map(([key, value]) => `${LABEL_PREFIX}${key}=${value}`)];
}

export function taskPorts(labels: Readonly<Record<string, string>> | null): readonly number[] {
  const text = labels?.[PORTS_LABEL] ?? '';
  return text === '' ? [] : text.split('.').map(Number);
}

export function taskLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const own = Object.entries(labels).filter(([key]) => key.startsWith(LABEL_PREFIX));
  return Object.fromEntries(own.map(([key, value]) => [key.slice(LABEL_PREFIX.length), value]));
}

/**
 * The log is the engine's only memory of the output, so it must neither rotate nor change a byte; every option is named, because the
 * engine's own defaults fill in what is not. `local` keeps bytes as they are and is written faster (docs/adr/0007-docker-log-source.md).
 */
const LOG_CONFIG = {
  local: {
    Type: 'local',
    Config: { 'max-size': '1000g', 'max-file': '1', compress: 'false' },
  },
  'json-file': {
    Type: 'json-file',
    Config: { 'max-size': '-1', 'max-file': '1', compress: 'false' },
  },
} as const;

/** Throws `UNSUPPORTED` for ports on a network that cannot reach them. */
export function containerDefinition(spec: TaskSpec, config: DockerConfig): object {
  if (spec.ports.length > 0 && config.network === 'none') {
    throw new GoferError('UNSUPPORTED', 'the task has ports, and scheduler.docker.network is "none": choose another network to reach them');
  }
  const ports = config.network === 'host' ? [] : spec.ports.map((port) => `${port}/tcp`);
  const memory = spec.limits.memory ?? config.memory;
  const cpus = spec.limits.cpus ?? config.cpus;
  return {
    Image: fullReference(spec.image),
    ...(hasItems(spec.entrypoint) ? { Entrypoint: spec.entrypoint } : {}),
    ...(hasItems(spec.command) ? { Cmd: spec.command } : {}),
    Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    Labels: {
      ...Object.fromEntries(Object.entries(spec.labels).map(([key, value]) => [LABEL_PREFIX + key, value])),
      [ATTEMPT_LABEL]: spec.attemptId,
      ...(spec.ports.length > 0 ? { [PORTS_LABEL]: spec.ports.join('.') } : {}),
    },
    AttachStdout: true,
    AttachStderr: true,
    ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])),
    HostConfig: {
      ...containerSecurity(config.security),
      NetworkMode: config.network,
      LogConfig: LOG_CONFIG[config.log_driver],
      // An empty HostPort lets the engine choose a free one.
      PortBindings: Object.fromEntries(ports.map((port) => [port, [{ HostIp: config.publish_address, HostPort: '' }]])),
      ...(config.pids_limit > 0 ? { PidsLimit: config.pids_limit } : {}),
      // Without swap: a task that reaches its limit ends, it does not crawl.
      ...(memory > 0 ? { Memory: memory, MemorySwap: memory } : {}),
      ...(cpus > 0 ? { NanoCpus: Math.round(cpus * 1e9) } : {}),
    },
  };
}

/** As the user wrote it, with the tag that the pull uses. */
function fullReference(image: string): string {
  const { name, tag } = parseImageReference(image);
  return image.includes('@') ? image : `${name}:${tag}`;
}

function hasItems(words: readonly string[] | undefined): words is readonly string[] {
  return words !== undefined && words.length > 0;
}
