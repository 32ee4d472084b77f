/** What a container may do beside its limits. Neither level lets it see the machine: no namespaces of it, no mounts, no devices. */
import type { DockerConfig } from './docker-config.ts';

/** Every container, said rather than left to what the engine is configured to do. */
const ALWAYS = { Privileged: false, IpcMode: 'private' } as const;

/**
 * No capabilities, not even for root, so that root can only do what it owns; no program gains rights by its file's mode; a core dump,
 * which would hold the environment and which the machine's own handler may be given, is not made. Its own view of the control groups
 * hides those of the machine. Its file system stays writable: what is written goes with the container, and ordinary images need it.
 */
const STRICT = {
  CapDrop: ['ALL'],
  SecurityOpt: ['no-new-privileges'],
  CgroupnsMode: 'private',
  Ulimits: [{ Name: 'core', Soft: 0, Hard: 0 }],
} as const;

/** A part of the container's `HostConfig`. */
export function containerSecurity(level: DockerConfig['security']): object {
  return level === 'strict' ? { ...ALWAYS, ...STRICT } : ALWAYS;
}
