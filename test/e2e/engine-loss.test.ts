/** The Docker engine goes away and comes back in the middle of runs, and takes a burst: on one that the test started itself. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { busyboxImage } from '../backends/busybox-image.ts';
import { describePrivateDocker, type PrivateDockerEngine, startDockerEngine } from '../backends/private-docker-engine.ts';
import { GoferServer, pipelinePath } from './gofer-server.ts';
import { until } from './leftovers.ts';

/** The bridge of the machine's own engine, before this one begins. */
const hadBridge = existsSync('/sys/class/net/docker0');
const LONG = 300_000;
/** The engine starts two or three containers a second here: 200 take more than a minute. */
const IS_LONG = process.env['GOFER_LONG_TESTS'] !== undefined;
const RUNS = IS_LONG ? 200 : 20;

await describePrivateDocker('runs on an engine of their own', () => {
  let directory: string;
  let engine: PrivateDockerEngine;
  let server: GoferServer;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'gofer-e2e-engine-'));
    engine = await startDockerEngine(directory);
    await busyboxImage(engine.api);
    const settings = [`scheduler.docker.host=${engine.host}`, 'scheduler.docker.network=none', 'scheduler.max_running_tasks=8'];
    server = await GoferServer.start('docker', { settings });
  }, LONG);
  afterAll(async () => {
    await server?.close();
    await engine?.close();
    rmSync(directory, { recursive: true, force: true });
  }, LONG);

  const containers = async (): Promise<number> => ((await engine.api.call('GET', '/containers/json?all=1')) as unknown[]).length;

  it(`ends ${RUNS} runs at once${IS_LONG ? '' : ' (200 with GOFER_LONG_TESTS)'} and leaves no container, volume or mount`, {
    timeout: LONG,
  }, async () => {
    const mounts = await engine.mounts();
    await server.deploy('one', [{ id: 'task', script: 'echo "run $GOFER_RUN_ID"; exit $((GOFER_RUN_ID % 2))' }]);
    const runs = await Promise.all(Array.from({ length: RUNS }, () => server.run('one', 280)));
    expect(new Set(runs.map(({ run_id }) => run_id)).size).toBe(RUNS);
    for (const { run_id, status } of runs) {
      expect([run_id, status]).toEqual([run_id, run_id % 2 === 0 ? 'successful' : 'failed']);
      expect((await server.rawLog('one', run_id, 'task')).toString()).toBe(`run ${run_id}\n`);
    }
    await until('the removal of every container', async () => (await containers()) === 0);
    await until('the end of their mounts', async () => (await engine.mounts()).length === mounts.length);
    expect(await engine.api.call('GET', '/volumes')).toMatchObject({ Volumes: [] });
  });

  it.each(['SIGTERM', 'SIGKILL'] as const)(
    'fails what a restart (%s) of the engine killed, and goes on with the rest',
    {
      timeout: LONG,
    },
    async (signal) => {
      const id = `restart-${signal}`;
      await server.deploy(id, [
        { id: 'killed', script: 'trap "exit 143" TERM; echo began; while :; do sleep 0.05; done' },
        // An engine that ends may take a start with it that is just under way: such a task is an orphan, and tried again where that is meant.
        { id: 'cleans', script: 'echo cleaned', depends_on: { killed: 'Failure' }, retries: 2, retry_on: ['infrastructure'] },
        { id: 'after', command: ['true'], depends_on: { killed: 'Success' } },
      ]);
      await server.deploy(`${id}-2`, [{ id: 'waits', script: 'echo waited' }]);
      await server.run(id);
      const follower = await server.follow(id, 1, 'killed');
      await until('output', () => follower.frames.length > 0);
      await engine.end(signal);
      // Asked for while no engine is there.
      const waiting = await server.run(`${id}-2`, 1);
      expect(waiting).toMatchObject({ ended: 0, waiting_reason: expect.any(String) });
      await until('a health that says so', async () => (await server.call('GET', '/api/system/health')).status === 503);
      await engine.begin();
      expect(await server.getRun(id, 1, 120)).toMatchObject({ status: 'failed' });
      expect(await server.task(id, 1, 'killed')).toMatchObject({
        status: 'failed',
        status_reason: { description: expect.stringContaining('the Docker engine') },
      });
      expect((await server.rawLog(id, 1, 'killed')).toString()).toContain('began\n');
      expect(await server.task(id, 1, 'cleans')).toMatchObject({ status: 'successful', status_reason: null });
      expect(await server.statuses(id, 1)).toEqual({ killed: 'failed', cleans: 'successful', after: 'skipped' });
      expect(await server.getRun(`${id}-2`, 1, 120)).toMatchObject({ status: 'successful' });
      expect((await server.rawLog(`${id}-2`, 1, 'waits')).toString()).toBe('waited\n');
      await until('health', async () => (await server.call('GET', '/api/system/health')).status === 204);
      for (const pipeline of [id, `${id}-2`]) await server.ask('DELETE', pipelinePath(pipeline));
      await until('the removal of every container', async () => (await containers()) === 0);
    },
  );

  it('leaves the network of other engines alone', () => {
    expect(existsSync('/sys/class/net/docker0')).toBe(hadBridge);
  });
});
