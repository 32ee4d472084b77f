import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { LogChunk, TaskHandle } from '@gofer/contracts';
import { codeOf } from '@gofer/contracts';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { describeDocker } from '../../../test/backends/docker-engine.ts';
import type { OpenScheduler } from '../test/scheduler-fixture.ts';
import { NEVER, openScheduler, readTask, shellTask, startTask } from '../test/scheduler-fixture.ts';
import { containerName } from './container-definition.ts';
import { pruneContainers } from './container-prune.ts';
import { Engine } from './engine.ts';

const LONG = 120_000;
const MIB = 1024 * 1024;

function idOf({ id }: TaskHandle): string {
  return typeof id === 'string' ? id : '';
}

await describeDocker('scheduler docker, beyond the contract', (docker) => {
  let directory: string;
  let scheduler: OpenScheduler;
  let started: TaskHandle[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gofer-docker-'));
    scheduler = await openScheduler(directory);
  });
  afterEach(async () => {
    await Promise.all(started.map((handle) => scheduler.remove(handle)));
    started = [];
  });
  afterAll(async () => {
    await scheduler.close();
    await rm(directory, { recursive: true });
  });

  async function start(...args: Parameters<typeof shellTask>): Promise<TaskHandle> {
    const handle = await startTask(scheduler, shellTask(...args));
    started.push(handle);
    return handle;
  }

  /** The output from the log alone, as after a restart of the server. */
  async function readAgain(handle: TaskHandle, after?: string): ReturnType<typeof readTask> {
    const other = await openScheduler(directory);
    try {
      return await readTask(other, handle, after);
    } finally {
      await other.close();
    }
  }

  it('gives the same bytes from the live connection and from the log, whatever they are', { timeout: LONG }, async () => {
    const handle = await start(
      `head -c 16384 /dev/zero; echo; head -c 32768 /dev/zero; echo; echo; echo; head -c 16383 /dev/zero; echo; echo; printf '\\377\\n\\200\\r'; head -c 100000 /dev/urandom; echo err >&2; head -c 16384 /dev/zero >&2; echo >&2; printf end`,
    );
    const live = await readTask(scheduler, handle);
    const stored = await readAgain(handle);
    expect(stored.stdout.equals(live.stdout)).toBe(true);
    expect(stored.stderr.equals(live.stderr)).toBe(true);
    expect(live.stdout.length).toBeGreaterThan(165_000);
    expect(live.stderr.length).toBe('err\n'.length + 16_385);
    // In the middle of everything, too.
    for (const chunk of [live.chunks[0], live.chunks[Math.floor(live.chunks.length / 2)], live.chunks.at(-1)]) {
      const [stdout = 0, stderr = 0] = chunk?.cursor.split('-').map(Number) ?? [];
      const rest = await readAgain(handle, chunk?.cursor);
      expect(rest.stdout.equals(live.stdout.subarray(stdout))).toBe(true);
      expect(rest.stderr.equals(live.stderr.subarray(stderr))).toBe(true);
    }
  });

  it('keeps 100 MB of output', { timeout: LONG }, async () => {
    const handle = await start('yes 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef | head -c 104857600');
    let bytes = 0;
    const hash = createHash('sha256');
    for await (const chunk of scheduler.logs(handle, { follow: true }, NEVER)) {
      bytes += chunk.bytes.length;
      hash.update(chunk.bytes);
    }
    expect(bytes).toBe(104_857_600);
    const line = '0123456789abcdef'.repeat(4);
    const expected = createHash('sha256')
      .update(`${line}\n`.repeat(Math.ceil(104_857_600 / 65)).slice(0, 104_857_600))
      .digest('hex');
    expect(hash.digest('hex')).toBe(expected);
  });

  it('never holds up a task whose reader stays away, and gives that reader every byte once', { timeout: LONG }, async () => {
    const handle = await start(`seq 1 700000; echo done >&2`);
    const chunks: LogChunk[] = [];
    for await (const chunk of scheduler.logs(handle, { follow: true }, NEVER)) {
      chunks.push(chunk);
      // The first chunk is held until the task, which writes several MB, has ended.
      if (chunks.length === 1) expect(await scheduler.wait(handle, NEVER)).toMatchObject({ kind: 'exited', exitCode: 0 });
    }
    const stdout = Buffer.concat(chunks.filter((chunk) => chunk.stream === 'stdout').map((chunk) => chunk.bytes)).toString();
    expect(stdout === Array.from({ length: 700_000 }, (_, index) => `${index + 1}\n`).join('')).toBe(true);
    expect(chunks.filter((chunk) => chunk.stream === 'stderr')).toHaveLength(1);
  });

  it('never holds up a task that has no reader at all', { timeout: LONG }, async () => {
    const handle = await start(`head -c ${8 * MIB} /dev/zero`);
    expect(await scheduler.wait(handle, NEVER)).toMatchObject({ kind: 'exited', exitCode: 0 });
    expect((await readTask(scheduler, handle)).stdout).toHaveLength(8 * MIB);
  });

  it('says that a task ran out of memory', { timeout: LONG }, async () => {
    const handle = await start('x=x; while :; do x=$x$x; done', { limits: { memory: 16 * MIB, cpus: 1 } });
    expect(await scheduler.wait(handle, NEVER)).toMatchObject({ kind: 'exited', exitCode: 137, reason: 'out of memory' });
  });

  it('says which signal ended a task', { timeout: LONG }, async () => {
    const handle = await start('sleep 600');
    await scheduler.stop(handle, 0);
    expect(await scheduler.wait(handle, NEVER)).toMatchObject({ kind: 'exited', exitCode: 137, reason: 'killed by SIGKILL' });
  });

  it('does not take a task that somebody else stopped for a success', { timeout: LONG }, async () => {
    const handle = await start(`trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done`);
    const waiting = scheduler.wait(handle, NEVER);
    for await (const chunk of scheduler.logs(handle, { follow: true }, NEVER)) {
      expect(Buffer.from(chunk.bytes).toString()).toBe('ready\n');
      break;
    }
    await docker.call('POST', `/containers/${idOf(handle)}/stop`);
    expect(await waiting).toMatchObject({ kind: 'lost', reason: expect.stringContaining('somebody stopped the container') });
  });

  it('resolves lost when the container was removed behind its back', { timeout: LONG }, async () => {
    const handle = await start('sleep 600');
    await docker.call('DELETE', `/containers/${idOf(handle)}?force=1`);
    expect((await scheduler.wait(handle, NEVER)).kind).toBe('lost');
  });

  it('never runs an attempt again whose container is gone, not even after a restart', { timeout: LONG }, async () => {
    const spec = shellTask('true');
    const handle = await startTask(scheduler, spec);
    await scheduler.wait(handle, NEVER);
    await scheduler.remove(handle);
    await expect(startTask(scheduler, spec)).rejects.toSatisfy((error) => codeOf(error) === 'TASK_LOST');
    const other = await openScheduler(directory);
    await expect(startTask(other, spec)).rejects.toSatisfy((error) => codeOf(error) === 'TASK_LOST');
    await other.close();
  });

  it('starts a container that was created and not started before a crash', { timeout: LONG }, async () => {
    const spec = shellTask('echo once');
    const body = { Image: spec.image, Cmd: spec.command, Labels: { 'dev.gofer-docker.attempt': spec.attemptId } };
    await docker.call('POST', `/containers/create?name=${containerName(spec.attemptId)}`, body);
    const handle = await startTask(scheduler, spec);
    started.push(handle);
    expect((await readTask(scheduler, handle)).stdout.toString()).toBe('once\n');
  });

  it('leaves a container alone that only has the name', { timeout: LONG }, async () => {
    const spec = shellTask('true');
    const name = containerName(spec.attemptId);
    await docker.call('POST', `/containers/create?name=${name}`, { Image: spec.image, Cmd: ['true'] });
    await expect(startTask(scheduler, spec)).rejects.toSatisfy((error) => codeOf(error) === 'FAILED_PRECONDITION');
    await docker.call('DELETE', `/containers/${name}`);
  });

  it('publishes the ports of a task where it says', { timeout: LONG }, async () => {
    const handle = await start(`while :; do printf 'HTTP/1.0 200 OK\\r\\n\\r\\nhello' | nc -l -p 8080; done`, { ports: [8080] });
    const { endpoints } = await scheduler.inspect(handle);
    expect(endpoints).toHaveLength(1);
    expect(endpoints[0]?.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    let text = '';
    for (let tries = 0; tries < 200 && text !== 'hello'; tries++) {
      // The program in the task takes a moment to listen.
      text = await fetch(endpoints[0]?.url ?? '').then(
        (answer) => answer.text(),
        () => delay(50, ''),
      );
    }
    expect(text).toBe('hello');
  });

  it('prunes only ended containers of its own that ended long enough ago', { timeout: LONG }, async () => {
    const mine = { instance: `prune-${directory.slice(-6)}` };
    const [ended, running, other] = await Promise.all([
      start('true', { labels: mine }),
      start('sleep 600', { labels: mine }),
      start('true', { labels: { instance: `${mine.instance}-other` } }),
    ]);
    await Promise.all([scheduler.wait(ended, NEVER), scheduler.wait(other, NEVER)]);
    const engine = await Engine.open({ host: `unix://${docker.socketPath}`, timeout: 60 });
    try {
      const hour = 3_600_000;
      expect(await pruneContainers(engine, mine.instance, hour, Date.now())).toBe(0);
      expect(await pruneContainers(engine, mine.instance, hour, Date.now() + 2 * hour)).toBe(1);
    } finally {
      engine.close();
    }
    const states = await Promise.all([ended, running, other].map(async (handle) => (await scheduler.inspect(handle)).state));
    expect(states).toEqual(['gone', 'running', 'exited']);
  });

  it('refuses ports without a network, and says so', { timeout: LONG }, async () => {
    const other = await openScheduler(directory, { network: 'none' });
    expect(other.capabilities.endpoints).toBe(false);
    await expect(startTask(other, shellTask('true', { ports: [80] }))).rejects.toSatisfy((error) => codeOf(error) === 'UNSUPPORTED');
    await other.close();
  });

  it('names a network that does not exist, and leaves nothing', { timeout: LONG }, async () => {
    const spec = shellTask('true', { labels: { test: 'network' } });
    const other = await openScheduler(directory, { network: 'gofer-no-such-network' });
    await expect(startTask(other, spec)).rejects.toThrow('scheduler.docker.network');
    expect((await other.list({})).filter((task) => task.labels['test'] === 'network')).toEqual([]);
    await other.close();
  });

  it('leaves no mount of a task behind', { timeout: LONG }, async () => {
    const handle = await start('true');
    await scheduler.wait(handle, NEVER);
    await scheduler.remove(handle);
    expect(await readFile('/proc/mounts', 'utf8')).not.toContain(idOf(handle));
  });

  it('says what to do when the engine cannot be reached', async () => {
    const other = await openScheduler(directory, { host: `unix://${join(directory, 'no.sock')}` });
    await expect(other.health()).rejects.toThrow(/no\.sock cannot be reached .*scheduler\.docker\.host/);
    await expect(startTask(other, shellTask('true'))).rejects.toSatisfy((error) => codeOf(error) === 'UNAVAILABLE');
    await other.close();
  });
});
