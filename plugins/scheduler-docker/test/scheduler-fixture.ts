/** What the tests of this plugin start tasks with. */
import { randomUUID } from 'node:crypto';
import type { LogChunk, PluginInstance, PluginLog, Scheduler, StartUpdate, TaskHandle, TaskSpec } from '@gofer/contracts';
import type { DockerConfig } from '../src/docker-config.ts';
import { plugin } from '../src/plugin.ts';

export const NEVER = new AbortController().signal;

export const DEFAULT_CONFIG: DockerConfig = {
  host: '',
  timeout: 300,
  prune: true,
  prune_interval: 86_400,
  network: 'bridge',
  publish_address: '127.0.0.1',
  security: 'default',
  log_driver: 'local',
  memory: 0,
  cpus: 0,
  pids_limit: 4096,
};

export type OpenScheduler = Scheduler & PluginInstance;

export function openScheduler(
  dataDirectory: string,
  changes: Partial<DockerConfig> = {},
  instanceId = `test-${randomUUID()}`,
  log: PluginLog = () => undefined,
): Promise<OpenScheduler> {
  return plugin.create({ ...DEFAULT_CONFIG, ...changes }, { instanceId, dataDirectory, log });
}

export function shellTask(script: string, changes: Partial<TaskSpec> = {}): TaskSpec {
  return {
    attemptId: randomUUID(),
    image: 'gofer-test/busybox:latest',
    command: ['sh', '-c', script],
    env: {},
    pullPolicy: 'missing',
    limits: {},
    ports: [],
    labels: {},
    ...changes,
  };
}

export async function startTask(scheduler: Scheduler, spec: TaskSpec): Promise<TaskHandle> {
  const updates: StartUpdate[] = [];
  for await (const update of scheduler.start(spec, NEVER)) updates.push(update);
  const last = updates.at(-1);
  if (last?.kind !== 'started') throw new Error('the start ended without "started"');
  return last.handle;
}

export async function readTask(
  scheduler: Scheduler,
  handle: TaskHandle,
  after?: string,
): Promise<{ stdout: Buffer; stderr: Buffer; chunks: LogChunk[] }> {
  const chunks: LogChunk[] = [];
  const request = after === undefined ? { follow: true } : { follow: true, after };
  for await (const chunk of scheduler.logs(handle, request, NEVER)) chunks.push(chunk);
  const join = (stream: string): Buffer => Buffer.concat(chunks.filter((chunk) => chunk.stream === stream).map((chunk) => chunk.bytes));
  return { stdout: join('stdout'), stderr: join('stderr'), chunks };
}
