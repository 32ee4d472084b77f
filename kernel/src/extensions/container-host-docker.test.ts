import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TaskHandle } from '@gofer/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type OpenScheduler, openScheduler } from '../../../plugins/scheduler-docker/test/scheduler-fixture.ts';
import { busyboxArchive, importImage } from '../../../test/backends/busybox-image.ts';
import { describeDocker } from '../../../test/backends/docker-engine.ts';
import { SYSTEM_CLOCK } from '../clock/clock.ts';
import { ContainerHost } from './container-host.ts';
import { ExtensionClient } from './extension-client.ts';
import { type RunningExtension } from './extension-host.ts';
import { sweepExtensionLeftovers } from './extension-leftovers.ts';

const NEVER = new AbortController().signal;
/** Its registry is away: nothing listens there. */
const IMAGE = '127.0.0.1:1/gofer-test/extension:latest';
const PROGRAM = 'mkdir -p /www/api; echo well > /www/api/health; env; exec httpd -f -p 8082 -h /www';

await describeDocker('extensions as containers', (docker) => {
  const instanceId = `test-${randomUUID()}`;
  let directory: string;
  const open: OpenScheduler[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gofer-extensions-'));
    await importImage(docker, IMAGE, await busyboxArchive(), [`CMD ${JSON.stringify(['sh', '-c', PROGRAM])}`]);
  });
  afterAll(async () => {
    for (const scheduler of open) await scheduler.close();
    await docker.call('DELETE', `/images/${IMAGE}?force=1`);
    await rm(directory, { recursive: true });
  });

  async function enter(): Promise<{ scheduler: OpenScheduler; host: ContainerHost }> {
    const scheduler = await openScheduler(directory, {}, instanceId);
    open.push(scheduler);
    return {
      scheduler,
      host: new ContainerHost({ engine: 'docker', scheduler, instanceId, useTls: false, clock: SYSTEM_CLOCK, log: () => {} }),
    };
  }
  async function untilHealthy({ url }: RunningExtension): Promise<void> {
    const client = new ExtensionClient({ extensionId: 'mine', url, key: 'key', verifyCerts: true, clock: SYSTEM_CLOCK });
    try {
      // The engine takes connections before the program in the container does.
      await expect.poll(() => client.health().then(() => 'healthy', String), { timeout: 30_000 }).toBe('healthy');
      await expect(client.info()).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('404') });
    } finally {
      await client.close();
    }
  }
  const start = () => ({
    uid: randomUUID(),
    extensionId: 'mine',
    extensionUid: randomUUID(),
    image: IMAGE,
    env: { GOFER_EXTENSION_SYSTEM_ID: 'mine' },
  });

  it('run from the image that is here, outlive their server, are adopted, and stop', async () => {
    const first = await enter();
    const said: string[] = [];
    const begun = await first.host.start(start(), (message) => said.push(message), NEVER);
    expect(said).toContainEqual(expect.stringContaining('trying the one that is here'));
    expect(new URL(begun.url).hostname).toBe('127.0.0.1');
    await untilHealthy(begun);
    begun.leave();
    await first.scheduler.close();

    const { host, scheduler } = await enter();
    const adopted = await host.adopt({ handle: begun.handle as TaskHandle }, NEVER);
    if (adopted === undefined) return expect.unreachable('it was to run on');
    await untilHealthy(adopted);
    await adopted.stop(0);
    expect(await adopted.ended).toMatchObject({ exitCode: 137 });
    let text = '';
    for await (const { bytes } of adopted.logs(undefined, NEVER)) text += Buffer.from(bytes).toString();
    expect(text).toContain('GOFER_EXTENSION_SYSTEM_BIND_ADDRESS=0.0.0.0:8082');
    await host.remove(begun.handle as TaskHandle);
    expect(await host.adopt({ handle: begun.handle as TaskHandle }, NEVER)).toBeUndefined();
    expect(await scheduler.list({ instance: instanceId })).toEqual([]);
  });

  it('are swept where nobody knows them', async () => {
    const { host, scheduler } = await enter();
    const lost = await host.start(start(), () => {}, NEVER);
    await sweepExtensionLeftovers('docker', scheduler, () => false, { instanceId, log: () => {}, clock: SYSTEM_CLOCK, leave: NEVER });
    expect(await scheduler.list({ instance: instanceId })).toEqual([]);
    expect(await lost.ended).toMatchObject({ reason: expect.stringMatching(/removed|exit code|lost/) });
  });
});
