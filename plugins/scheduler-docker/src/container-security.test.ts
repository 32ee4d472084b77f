/** What a task can do to the machine and to other tasks, seen from inside real containers. */
import { once } from 'node:events';
import { mkdtemp, readlink, rm } from 'node:fs/promises';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TaskHandle, TaskSpec } from '@gofer/contracts';
import { checkScheduler, SCHEDULER_LAWS } from '@gofer/contracts/conformance';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { BUSYBOX_IMAGE } from '../../../test/backends/busybox-image.ts';
import { describeDocker } from '../../../test/backends/docker-engine.ts';
import { DEFAULT_CONFIG, NEVER, type OpenScheduler, openScheduler, readTask, shellTask, startTask } from '../test/scheduler-fixture.ts';
import type { DockerConfig } from './docker-config.ts';
import { plugin } from './plugin.ts';

const LONG = 120_000;
const MIB = 1024 * 1024;
const NAMESPACES = ['ipc', 'mnt', 'net', 'pid', 'uts'];
const LINKS = `for name in ${NAMESPACES.join(' ')}; do readlink /proc/self/ns/$name; done`;
const STATUS = `grep -E '^(CapPrm|CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr '\\t' ' '; ulimit -c`;

interface Inspected {
  readonly Mounts: readonly unknown[];
  readonly HostConfig: Readonly<Record<string, unknown>>;
}

await describeDocker('scheduler docker, security', (docker) => {
  let directory: string;
  let opened: { scheduler: OpenScheduler; handles: TaskHandle[] }[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gofer-docker-'));
  });
  afterEach(async () => {
    for (const { scheduler, handles } of opened) {
      await Promise.all(handles.map((handle) => scheduler.remove(handle)));
      await scheduler.close();
    }
    opened = [];
  });
  afterAll(() => rm(directory, { recursive: true }));

  async function start(
    config: Partial<DockerConfig>,
    script: string,
    changes: Partial<TaskSpec> = {},
  ): Promise<{ scheduler: OpenScheduler; handle: TaskHandle }> {
    const scheduler = await openScheduler(directory, config);
    const handles: TaskHandle[] = [];
    opened.push({ scheduler, handles });
    const handle = await startTask(scheduler, shellTask(script, changes));
    handles.push(handle);
    return { scheduler, handle };
  }

  async function run(...args: Parameters<typeof start>): Promise<{ stdout: string; stderr: string; exitCode: number; reason?: string }> {
    const { scheduler, handle } = await start(...args);
    const { stdout, stderr } = await readTask(scheduler, handle);
    const exit = await scheduler.wait(handle, NEVER);
    if (exit.kind !== 'exited') throw new Error(exit.reason);
    const { exitCode, reason } = exit;
    return { stdout: stdout.toString(), stderr: stderr.toString(), exitCode, ...(reason === undefined ? {} : { reason }) };
  }

  async function inspect(...args: Parameters<typeof start>): Promise<Inspected> {
    const { handle } = await start(...args);
    return (await docker.call('GET', `/containers/${idOf(handle)}/json`)) as Inspected;
  }

  it.each(['default', 'strict'] as const)('gives a task nothing of the machine (%s)', { timeout: LONG }, async (security) => {
    const { HostConfig: host, Mounts: mounts } = await inspect({ security }, 'sleep 600');
    expect(mounts).toEqual([]);
    expect(host).toMatchObject({ Privileged: false, IpcMode: 'private', NetworkMode: 'bridge', PidsLimit: 4096 });
    for (const key of ['Binds', 'CapAdd', 'Devices', 'VolumesFrom']) expect({ [key]: host[key] ?? [] }).toEqual({ [key]: [] });
    for (const key of ['PidMode', 'UTSMode', 'UsernsMode']) expect({ [key]: host[key] ?? '' }).toEqual({ [key]: '' });

    const { stdout } = await run({ security }, LINKS);
    expect(stdout.match(/\w+:\[\d+\]/g)).toHaveLength(NAMESPACES.length);
    for (const name of NAMESPACES) expect(stdout).not.toContain(await readlink(`/proc/self/ns/${name}`));
  });

  it("leaves Docker's own capabilities and filters in place (default)", { timeout: LONG }, async () => {
    const { stdout } = await run({}, STATUS);
    expect(stdout).toMatch(/^CapEff: 00000000a80425fb$/m);
    expect(stdout).toMatch(/^Seccomp: 2$/m);
  });

  it('leaves no capability, no way to one, and no core dump (strict)', { timeout: LONG }, async () => {
    const { stdout } = await run({ security: 'strict' }, STATUS);
    const none = '0'.repeat(16);
    expect(stdout).toBe(`CapPrm: ${none}\nCapEff: ${none}\nCapBnd: ${none}\nNoNewPrivs: 1\nSeccomp: 2\n0\n`);
    expect(await run({ security: 'strict' }, 'touch /tmp/a && chown 5:5 /tmp/a')).toMatchObject({ exitCode: 1 });
  });

  it('lets ordinary programs do what they do (strict)', { timeout: LONG }, async () => {
    const { scheduler, handle } = await start(
      { security: 'strict' },
      'mkdir /work && cd /work && echo kept > /tmp/a && cp /tmp/a /root/b && chmod 600 /root/b && cat /root/b > index.html && exec httpd -f -p 80',
      { ports: [80] },
    );
    const url = (await scheduler.inspect(handle)).endpoints[0]?.url ?? '';
    // The engine forwards the port from the start on, before the program listens.
    const answer = await docker
      .call('POST', `/containers/${idOf(handle)}/exec`, { Cmd: ['sh', '-c', 'until nc -z 127.0.0.1 80; do sleep 0.05; done'] })
      .then(async (created) => docker.call('POST', `/exec/${(created as { Id: string }).Id}/start`, { Detach: false }))
      .then(() => bodyOf(url));
    expect(answer).toBe('kept\n');
    await scheduler.stop(handle, 0);
    expect(await scheduler.wait(handle, NEVER)).toMatchObject({ kind: 'exited', exitCode: 137 });
  });

  it('keeps the laws of what a task does and of its end (strict)', { timeout: 4 * LONG }, async () => {
    const harness = {
      name: 'docker, strict',
      capabilities: { exec: true, endpoints: true, streams: true, replay: true, images: true, isolation: true },
      image: BUSYBOX_IMAGE,
      reach: (url: string) => ({ command: ['wget', '-q', '-O', '-', url] }),
      create: (host: Parameters<typeof plugin.create>[1]) => plugin.create({ ...DEFAULT_CONFIG, security: 'strict' }, host),
    };
    // The others are about the engine's books, for which it is all the same what a task may do.
    const traits = { ...harness.capabilities, reaches: true };
    const laws = SCHEDULER_LAWS.filter(({ name, when }) => /^(?:exec|stop|hostAccess):/.test(name) && when?.(traits) !== false);
    const broken: unknown[] = [];
    for await (const result of checkScheduler(harness, { hostings: ['directly'], laws }))
      if (result.broken !== undefined) broken.push(result);
    expect(broken).toEqual([]);
  });

  it('warns of a network that is the whole machine, and shares nothing else', { timeout: LONG }, async () => {
    const warnings: string[] = [];
    const log = (level: string, message: string): void => void (level === 'warn' && warnings.push(message));
    await (await openScheduler(directory, { network: 'host' }, undefined, log)).close();
    expect(warnings).toEqual([expect.stringMatching(/network is "host"/)]);
    await (await openScheduler(directory, {}, undefined, log)).close();
    expect(warnings).toHaveLength(1);

    const { stdout } = await run({ network: 'host' }, LINKS);
    const shared: string[] = [];
    for (const name of NAMESPACES) if (stdout.includes(await readlink(`/proc/self/ns/${name}`))) shared.push(name);
    expect(shared).toEqual(['net']);
  });

  it('limits memory, CPUs and processes, by the configuration and by the task', { timeout: LONG }, async () => {
    const config = { memory: 64 * MIB, cpus: 0.5, pids_limit: 50 };
    const configured = await inspect(config, 'sleep 600');
    expect(configured.HostConfig).toMatchObject({ Memory: 64 * MIB, MemorySwap: 64 * MIB, NanoCpus: 500_000_000, PidsLimit: 50 });
    const own = await inspect(config, 'sleep 600', { limits: { memory: 32 * MIB, cpus: 1.5 } });
    expect(own.HostConfig).toMatchObject({ Memory: 32 * MIB, MemorySwap: 32 * MIB, NanoCpus: 1_500_000_000, PidsLimit: 50 });
    const unlimited = await inspect({ pids_limit: 0 }, 'sleep 600');
    expect(unlimited.HostConfig).toMatchObject({ Memory: 0, NanoCpus: 0 });
    expect(unlimited.HostConfig['PidsLimit'] ?? 0).toBe(0);
  });

  it('holds a task that starts ever more processes', { timeout: LONG }, async () => {
    // It would stop at 300 by itself, should nothing hold it.
    const bomb = 'n=0; while [ $n -lt 300 ]; do sleep 600 & n=$((n+1)); echo $n; done';
    const { stdout, stderr, exitCode } = await run({ pids_limit: 32 }, bomb);
    const started = Number(stdout.trim().split('\n').at(-1));
    expect(started).toBeGreaterThan(16);
    expect(started).toBeLessThan(32);
    expect(stderr).toMatch(/fork/);
    expect(exitCode).not.toBe(0);
  });

  it('ends a task that takes more memory than is configured, and says so', { timeout: LONG }, async () => {
    const hog = 'x=0123456789abcdef; while :; do x=$x$x; done';
    expect(await run({ memory: 16 * MIB }, hog)).toMatchObject({ exitCode: 137, reason: 'out of memory' });
  });
});

function idOf({ id }: TaskHandle): string {
  return typeof id === 'string' ? id : '';
}

async function bodyOf(url: string): Promise<string> {
  const asked = get(url, { agent: false });
  const [response] = (await once(asked, 'response')) as [AsyncIterable<Buffer>];
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part);
  return Buffer.concat(parts).toString();
}
