import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogChunk, StartUpdate, TaskHandle, TaskSpec } from '@gofer/contracts';
import { codeOf } from '@gofer/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BUSYBOX_IMAGE, busyboxArchive, busyboxImage, importImage } from '../../../test/backends/busybox-image.ts';
import type { DockerRegistry } from '../../../test/backends/docker-registry.ts';
import { startDockerRegistry } from '../../../test/backends/docker-registry.ts';
import type { PrivateDockerEngine } from '../../../test/backends/private-docker-engine.ts';
import { describePrivateDocker, startDockerEngine } from '../../../test/backends/private-docker-engine.ts';
import type { OpenScheduler } from '../test/scheduler-fixture.ts';
import { NEVER, openScheduler, readTask, shellTask, startTask } from '../test/scheduler-fixture.ts';

const LONG = 240_000;

await describePrivateDocker('scheduler docker, on an engine of its own', () => {
  let directory: string;
  let engine: PrivateDockerEngine;
  let scheduler: OpenScheduler;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gofer-engine-'));
    engine = await startDockerEngine(directory);
    await busyboxImage(engine.api);
    scheduler = await openScheduler(directory, { host: engine.host });
  }, LONG);
  afterAll(async () => {
    await scheduler?.close();
    await engine?.close();
    await rm(directory, { recursive: true, force: true });
  }, LONG);

  /** A task that was seen to run, its wait, and what its log gives from the beginning. */
  async function watched(script: string): Promise<{ handle: TaskHandle; end: Promise<unknown>; output: Promise<string> }> {
    const handle = await startTask(scheduler, shellTask(script));
    const ready = Promise.withResolvers<void>();
    const read = async (): Promise<string> => {
      const chunks: LogChunk[] = [];
      for await (const chunk of scheduler.logs(handle, { follow: true }, NEVER)) {
        chunks.push(chunk);
        ready.resolve();
      }
      return Buffer.concat(chunks.map((chunk) => chunk.bytes)).toString();
    };
    const [end, output] = [scheduler.wait(handle, NEVER), read()];
    await ready.promise;
    return { handle, end, output };
  }

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    it(`reports what a restart of the engine (${signal}) ended, whole outputs and all`, { timeout: LONG }, async () => {
      const trap = (code: number): string => `trap 'echo bye; exit ${code}' TERM; echo ready; while :; do sleep 0.05; done`;
      const [polite, failing] = await Promise.all([watched(trap(0)), watched(trap(3))]);
      await engine.end(signal);
      await expect(scheduler.health()).rejects.toSatisfy((error) => codeOf(error) === 'UNAVAILABLE');
      await engine.begin();
      // Told to end by the engine, it has not done its work, whatever it says.
      expect(await polite.end).toMatchObject({ kind: 'lost', reason: expect.stringContaining('the Docker engine') });
      expect(await failing.end).toMatchObject({ kind: 'exited', exitCode: 3, reason: expect.stringContaining('the Docker engine') });
      expect(await polite.output).toBe('ready\nbye\n');
      expect(await failing.output).toBe('ready\nbye\n');
      await scheduler.health();
      await Promise.all([scheduler.remove(polite.handle), scheduler.remove(failing.handle)]);
    });
  }

  it('starts 200 tasks at once, loses none and leaves nothing', { timeout: LONG }, async () => {
    const before = await engine.mounts();
    await importImage(engine.api, 'gofer-test/volume:latest', await busyboxArchive(), ['VOLUME /data']);
    const quick = await openScheduler(directory, { host: engine.host, network: 'none' });
    try {
      const results = await Promise.all(
        Array.from({ length: 200 }, async (_, index) => {
          const spec = shellTask(`echo task ${index}; exit ${index % 7}`, { image: 'gofer-test/volume:latest' });
          const handle = await startTask(quick, spec);
          const [end, { stdout }] = await Promise.all([quick.wait(handle, NEVER), readTask(quick, handle)]);
          await quick.remove(handle);
          return { code: end.kind === 'exited' ? end.exitCode : end.reason, output: stdout.toString() };
        }),
      );
      expect(results).toEqual(Array.from({ length: 200 }, (_, index) => ({ code: index % 7, output: `task ${index}\n` })));
      expect(await quick.list({})).toEqual([]);
    } finally {
      await quick.close();
    }
    expect(await engine.api.call('GET', '/containers/json?all=1')).toEqual([]);
    expect(await engine.api.call('GET', '/volumes')).toMatchObject({ Volumes: [] });
    expect(await engine.mounts()).toEqual(before);
  });

  it('pulls with the credentials of the task, tells how far it is, and says what is wrong with wrong ones', { timeout: LONG }, async () => {
    const registry = await startDockerRegistry(join(directory, 'registry'));
    try {
      await tryPulls(registry);
    } finally {
      await registry.close();
    }
  });

  async function tryPulls(registry: DockerRegistry): Promise<void> {
    const image = `${registry.address}/gofer/app:one`;
    const noise = crypto.getRandomValues(new Uint8Array(65_536));
    await importImage(engine.api, image, await busyboxArchive({ noise: Buffer.concat(Array.from({ length: 256 }, () => noise)) }));
    const auth = { username: registry.username, password: registry.password };
    const header = Buffer.from(JSON.stringify({ ...auth, serveraddress: registry.address })).toString('base64url');
    const pushed = await engine.api.call('POST', `/images/${registry.address}/gofer/app/push?tag=one`, undefined, {
      'x-registry-auth': header,
    });
    expect(JSON.stringify(pushed)).not.toContain('"error"');
    await engine.api.call('DELETE', `/images/${image}?force=1`);

    const refusal = async (changes: Partial<TaskSpec>): Promise<string> => {
      const error = await startTask(scheduler, shellTask('true', { image, ...changes })).catch((thrown: unknown) => thrown);
      return `${codeOf(error)}: ${error instanceof Error ? error.message : ''}`;
    };
    expect(await refusal({})).toMatch(/^IMAGE_PULL_FAILED: .*give the task registry authentication/);
    expect(await refusal({ registryAuth: { ...auth, password: 'wrong' } })).toMatch(/^IMAGE_PULL_FAILED: .*check .*password/);
    expect(await refusal({ image: `${registry.address}/gofer/app:two`, registryAuth: auth })).toMatch(
      /^IMAGE_NOT_FOUND: .*check its name and tag/,
    );
    expect(await refusal({ pullPolicy: 'never' })).toMatch(/^IMAGE_NOT_FOUND: .*pull policy/);
    expect(await refusal({ image: '127.0.0.1:1/gofer/app:one' })).toMatch(/^IMAGE_PULL_FAILED: .*can reach the registry/);
    expect(await scheduler.list({})).toEqual([]);

    // Aborted on its way, it leaves nothing; the next one gets the image.
    const controller = new AbortController();
    const aborted = async (): Promise<void> => {
      for await (const update of scheduler.start(shellTask('true', { image, registryAuth: auth }), controller.signal)) {
        expect(update.kind).toBe('progress');
        controller.abort();
      }
    };
    await expect(aborted()).rejects.toSatisfy((error) => codeOf(error) === 'CANCELLED');
    expect(await scheduler.list({})).toEqual([]);

    const updates: StartUpdate[] = [];
    for await (const update of scheduler.start(shellTask('echo pulled', { image, registryAuth: auth }), NEVER)) updates.push(update);
    expect(updates[0]).toMatchObject({ kind: 'progress', message: expect.stringContaining('pulling image') });
    const last = updates.at(-1);
    if (last?.kind !== 'started') throw new Error('not started');
    expect((await readTask(scheduler, last.handle)).stdout.toString()).toBe('pulled\n');
    await scheduler.remove(last.handle);

    // "always" asks the registry even for what is there.
    const spec = shellTask('true', { image: BUSYBOX_IMAGE, pullPolicy: 'always' });
    expect(await startTask(scheduler, spec).catch(codeOf)).toMatch(/IMAGE_/);
    const again = await startTask(scheduler, shellTask('true', { image, registryAuth: auth, pullPolicy: 'always' }));
    expect(await scheduler.wait(again, NEVER)).toMatchObject({ exitCode: 0 });
    await scheduler.remove(again);
  }
});
