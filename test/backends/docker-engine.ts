/** Tests that need a Docker engine: the one of `DOCKER_HOST`, or of the default socket. */
import { busyboxImage } from './busybox-image.ts';
import { describeNeeding } from './describe-needing.ts';
import type { DockerApi } from './docker-api.ts';
import { dockerApi } from './docker-api.ts';

const DEFAULT_SOCKET = '/var/run/docker.sock';

/** The engine, or why there is none. */
export type DockerProbe =
  | { readonly docker: DockerApi; readonly missing?: undefined }
  | { readonly docker?: undefined; readonly missing: string };

/** Asks once a process. With an engine the test image is there when it resolves. */
export function dockerAvailable(): Promise<DockerProbe> {
  probe ??= ask();
  return probe;
}

let probe: Promise<DockerProbe> | undefined;

async function ask(): Promise<DockerProbe> {
  const host = process.env['DOCKER_HOST'] ?? `unix://${DEFAULT_SOCKET}`;
  if (!host.startsWith('unix://')) return { missing: `DOCKER_HOST is ${host}; these tests need an engine on a unix socket` };
  const docker = dockerApi(host.slice('unix://'.length));
  try {
    await docker.call('GET', '/_ping');
  } catch (error) {
    return { missing: `no Docker engine answers at ${docker.socketPath} (${error instanceof Error ? error.message : String(error)})` };
  }
  await busyboxImage(docker);
  return { docker };
}

/**
 * `describe` with an engine. Without one its tests are skipped, the reason in their title; under `CI=true` that is a failure.
 */
export async function describeDocker(name: string, body: (docker: DockerApi) => void): Promise<void> {
  const { docker, missing } = await dockerAvailable();
  describeNeeding('a Docker engine', name, missing, () => body(docker ?? dockerApi(DEFAULT_SOCKET)));
}
