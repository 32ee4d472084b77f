/**
 * A Docker engine of a test's own, which it may end and start again: everything under one directory, on its own socket and bridge,
 * beside any other engine of the machine. Needs root, `dockerd` and `ip`.
 *
 * The bridge is its own because an engine without one (`--bridge=none`) deletes the bridge of the others.
 */
import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { access, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describeNeeding } from './describe-needing.ts';
import type { DockerApi } from './docker-api.ts';
import { dockerApi } from './docker-api.ts';
import type { TestProcess } from './test-process.ts';
import { endProcess, startProcess, untilReady } from './test-process.ts';

const run = promisify(execFile);

export interface PrivateDockerEngine {
  /** For `scheduler.docker.host`. */
  readonly host: string;
  readonly api: DockerApi;
  /** Ends the engine: `SIGTERM` lets it end its containers, `SIGKILL` is its sudden death. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Starts it again over the same data; resolves when it answers. */
  begin(): Promise<void>;
  /** Removes its containers, ends it and cleans up its mounts; the directory is the caller's. */
  close(): Promise<void>;
  /** Mounts under its directory, of running containers and of the engine. */
  mounts(): Promise<readonly string[]>;
}

/** `describe` where such an engine can run. Elsewhere its tests are skipped, the reason in their title; under `CI=true` that is a failure. */
export async function describePrivateDocker(name: string, body: () => void): Promise<void> {
  describeNeeding('a Docker engine of its own', name, await missing(), body);
}

async function missing(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'a Docker engine of its own needs root';
  return run('dockerd', ['--version']).then(
    () => undefined,
    () => 'there is no dockerd on the PATH',
  );
}

/** `liveRestore`: its containers go on while it is away, and so does a containerd of its own, as where systemd starts both. */
export async function startDockerEngine(directory: string, { liveRestore = false } = {}): Promise<PrivateDockerEngine> {
  await mkdir(directory, { recursive: true });
  const socketPath = join(directory, 'docker.sock');
  const exec = join(directory, 'exec');
  const api = dockerApi(socketPath);
  let daemon: TestProcess | undefined;
  let containerd: TestProcess | undefined;
  const { bridge, address } = await addBridge();
  const mounts = async (): Promise<readonly string[]> => mountsUnder(directory);
  const begin = async (): Promise<void> => {
    if (liveRestore) containerd ??= await startContainerd(directory, exec);
    const args = ['--data-root', join(directory, 'data'), '--exec-root', exec, '-p', join(directory, 'pid'), '-H', `unix://${socketPath}`];
    const apart = ['--iptables=false', '--ip-forward=false', '--ip-masq=false', '--bridge', bridge];
    const restoring = liveRestore ? ['--live-restore', '--containerd', containerdSocket(exec)] : [];
    daemon = startProcess('dockerd', [...args, ...apart, ...restoring], join(directory, 'dockerd.log'), directory);
    await untilReady(daemon, () => api.call('GET', '/_ping'));
  };
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    if (daemon !== undefined) await endProcess(daemon, signal);
    // One that is killed takes its containerd with it, but does not wait for that; the next would take it for alive.
    await endByPidFile(join(exec, 'containerd', 'containerd.pid'), exec);
  };
  const close = async (): Promise<void> => {
    await removeContainers(api);
    await end('SIGTERM');
    if (containerd !== undefined) await endProcess(containerd, 'SIGTERM');
    // One that was killed leaves behind what it had begun and not written down.
    await endShims(containerdSocket(exec));
    for (const mount of (await mounts()).toReversed()) await run('umount', ['-l', mount]);
    await rm(exec, { recursive: true, force: true });
    await run('ip', ['link', 'delete', bridge]);
  };
  try {
    await run('ip', ['address', 'add', address, 'dev', bridge]);
    await run('ip', ['link', 'set', bridge, 'up']);
    await begin();
  } catch (error) {
    await close();
    throw error;
  }
  return { host: `unix://${socketPath}`, api, begin, end, close, mounts };
}

function containerdSocket(exec: string): string {
  return join(exec, 'containerd', 'containerd.sock');
}

async function startContainerd(directory: string, exec: string): Promise<TestProcess> {
  const socket = containerdSocket(exec);
  const args = ['--root', join(directory, 'containerd'), '--state', join(exec, 'containerd', 'daemon'), '--address', socket];
  const containerd = startProcess('containerd', args, join(directory, 'containerd.log'), directory);
  await untilReady(containerd, () => access(socket));
  return containerd;
}

/** Ends the shims of this containerd, and the tasks that they hold. */
async function endShims(socket: string): Promise<void> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const ofThis = async (pid: number): Promise<boolean> => {
    // Empty for one that is gone meanwhile.
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    return (words[0] ?? '').includes('containerd-shim') && words.includes(socket);
  };
  for (const pid of ids) {
    if (!(await ofThis(pid))) continue;
    for (const child of (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')).split(' ')) {
      if (child !== '') killIfThere(Number(child));
    }
    killIfThere(pid);
    for (const end = Date.now() + 10_000; Date.now() < end && (await ofThis(pid)); ) await delay(20);
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Of a name and a network that other engines of this machine do not have. */
async function addBridge(): Promise<{ readonly bridge: string; readonly address: string }> {
  const taken = new Set(Object.values(networkInterfaces()).flatMap((all) => all?.map((one) => one.address) ?? []));
  for (;;) {
    const third = randomInt(256);
    if (taken.has(`10.213.${third}.1`)) continue;
    const bridge = `gofer-test-${third}`;
    // One that is given no address takes that of a container, and another when this one goes; the others then speak to nobody for a while.
    const mac = `02:42:0a:d5:${third.toString(16).padStart(2, '0')}:01`;
    try {
      await run('ip', ['link', 'add', bridge, 'address', mac, 'type', 'bridge']);
      return { bridge, address: `10.213.${third}.1/24` };
    } catch (error) {
      // The bridge of an engine without containers is not among the interfaces above.
      if (!String(error).includes('File exists')) throw error;
    }
  }
}

/**
 * But for what an engine that went away in the middle of a start has left mounted: that one does not run, and goes with its directory. What
 * a server asked for before it ended may be gone by now.
 */
async function removeContainers(api: DockerApi): Promise<void> {
  const listed = await api.call('GET', '/containers/json?all=1').catch(() => []);
  for (const { Id: id } of listed as readonly { Id: string }[]) {
    await api.call('DELETE', `/containers/${id}?force=1&v=1`).catch((error: unknown) => {
      if (!/: 404 |failed to remove root filesystem/.test(String(error))) throw error;
    });
  }
}

/** Ends the process that the file names, if it is one of this engine, and resolves when it is gone. */
async function endByPidFile(file: string, exec: string): Promise<void> {
  const pid = Number(await readFile(file, 'utf8').catch(() => ''));
  if (pid === 0) return;
  for (const end = Date.now() + 10_000; Date.now() < end; await delay(20)) {
    // Empty for one that is gone and not reaped.
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (!command.includes(exec)) break;
    process.kill(pid, 'SIGKILL');
  }
  await rm(file, { force: true });
}

async function mountsUnder(directory: string): Promise<readonly string[]> {
  const lines = (await readFile('/proc/mounts', 'utf8')).split('\n');
  return lines.map((line) => line.split(' ')[1] ?? '').filter((path) => path.startsWith(`${directory}/`));
}
