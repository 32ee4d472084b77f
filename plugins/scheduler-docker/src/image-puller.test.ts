import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StartUpdate, TaskSpec } from '@gofer/contracts';
import { codeOf } from '@gofer/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BUSYBOX_IMAGE, busyboxArchive, busyboxImage, importImage, pushImage } from '../../../test/backends/busybox-image.ts';
import type { DockerRegistry } from '../../../test/backends/docker-registry.ts';
import { startDockerRegistry } from '../../../test/backends/docker-registry.ts';
import type { PrivateDockerEngine } from '../../../test/backends/private-docker-engine.ts';
import { describePrivateDocker, startDockerEngine } from '../../../test/backends/private-docker-engine.ts';
import type { OpenScheduler } from '../test/scheduler-fixture.ts';
import { NEVER, openScheduler, readTask, shellTask, startTask } from '../test/scheduler-fixture.ts';

const LONG = 240_000;

// An engine of its own, because what is pulled must not be there already, in no other image's layers either.
await describePrivateDocker('scheduler docker, images', () => {
  let directory: string;
  let engine: PrivateDockerEngine;
  let scheduler: OpenScheduler;
  let registry: DockerRegistry;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gofer-pull-'));
    engine = await startDockerEngine(directory);
    await busyboxImage(engine.api);
    scheduler = await openScheduler(directory, { host: engine.host });
    registry = await startDockerRegistry(join(directory, 'registry'));
  }, LONG);
  afterAll(async () => {
    await registry?.close();
    await scheduler?.close();
    await engine?.close();
    await rm(directory, { recursive: true, force: true });
  }, LONG);

  it('pulls with the credentials of the task, tells how far it is, and says what is wrong with wrong ones', { timeout: LONG }, async () => {
    const image = `${registry.address}/gofer/app:one`;
    const noise = crypto.getRandomValues(new Uint8Array(65_536));
    await importImage(engine.api, image, await busyboxArchive({ noise: Buffer.concat(Array.from({ length: 256 }, () => noise)) }));
    const auth = { username: registry.username, password: registry.password };
    await pushImage(engine.api, image, { ...auth, serveraddress: registry.address });
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
  });
});
