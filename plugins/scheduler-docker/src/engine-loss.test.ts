import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogChunk, TaskHandle } from '@gofer/contracts';
import { codeOf } from '@gofer/contracts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { busyboxArchive, busyboxImage, importImage } from '../../../test/backends/busybox-image.ts';
import type { PrivateDockerEngine } from '../../../test/backends/private-docker-engine.ts';
import { describePrivateDocker, startDockerEngine } from '../../../test/backends/private-docker-engine.ts';
import type { OpenScheduler } from '../test/scheduler-fixture.ts';
import { NEVER, openScheduler, readTask, shellTask, startTask } from '../test/scheduler-fixture.ts';
import { AttemptJournal } from './attempt-journal.ts';
import { ATTEMPT_LABEL, containerName } from './container-definition.ts';

const IS_LONG = process.env['GOFER_LONG_TESTS'] !== undefined;
const TASKS = IS_LONG ? 200 : 20;
const LONG = 240_000;

await describePrivateDocker('scheduler docker, when the engine goes away or is swamped', () => {
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
    // Whoever looks at it hears of it.
    output.catch(() => undefined);
    await ready.promise;
    return { handle, end, output };
  }

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    it(`reports what a restart of the engine (${signal}) ended, and whether the outputs are whole`, { timeout: LONG }, async () => {
      const trap = (code: number): string => `trap 'echo bye; exit ${code}' TERM; echo ready; while :; do sleep 0.05; done`;
      const [polite, failing] = await Promise.all([watched(trap(0)), watched(trap(3))]);
      await engine.end(signal);
      await expect(scheduler.health()).rejects.toSatisfy((error) => codeOf(error) === 'UNAVAILABLE');
      await engine.begin();
      // Told to end by the engine, it has not done its work, whatever it says.
      expect(await polite.end).toMatchObject({ kind: 'lost', reason: expect.stringContaining('the Docker engine') });
      expect(await failing.end).toMatchObject({ kind: 'exited', exitCode: 3, reason: expect.stringContaining('the Docker engine') });
      for (const { output } of [polite, failing]) {
        // Told to end, an engine ends its tasks first and has their last byte; the sudden death of one takes bytes with it.
        if (signal === 'SIGTERM') expect(await output).toBe('ready\nbye\n');
        else await expect(output).rejects.toSatisfy((error) => codeOf(error) === 'DATA_LOSS');
      }
      await scheduler.health();
      await Promise.all([scheduler.remove(polite.handle), scheduler.remove(failing.handle)]);
    });
  }

  it('does not believe the exit code that an engine makes up for a task of which its containerd knows nothing', {
    timeout: LONG,
  }, async () => {
    const { handle, end, output } = await watched('echo ready; while :; do sleep 0.05; done');
    await engine.end('SIGKILL');
    await rm(join(directory, 'data', 'containerd', 'daemon', 'io.containerd.metadata.v1.bolt', 'meta.db'));
    await engine.begin();
    expect(await engine.api.call('GET', '/containers/json?all=1')).toMatchObject([{ Status: expect.stringContaining('Exited (0)') }]);
    expect(await end).toMatchObject({ kind: 'lost', reason: expect.stringContaining('the Docker engine does not know') });
    await expect(output).rejects.toSatisfy((error) => codeOf(error) === 'DATA_LOSS');
    await scheduler.remove(handle);
  });

  it('does not start what a dead engine may have started, though the next one calls it created', { timeout: LONG }, async () => {
    const journal = await AttemptJournal.open(directory);
    const [asked, notAsked] = [shellTask('echo once'), shellTask('echo once')];
    await journal.add(asked.attemptId);
    await journal.close();
    for (const { attemptId, image, command } of [asked, notAsked]) {
      const body = { Image: image, Cmd: command, Labels: { [ATTEMPT_LABEL]: attemptId } };
      await engine.api.call('POST', `/containers/create?name=${containerName(attemptId)}`, body);
    }
    await engine.end('SIGKILL');
    await engine.begin();
    const next = await openScheduler(directory, { host: engine.host });
    try {
      await expect(startTask(next, asked)).rejects.toSatisfy((error) => codeOf(error) === 'TASK_LOST');
      // Not even when it is asked again.
      await expect(startTask(next, asked)).rejects.toSatisfy((error) => codeOf(error) === 'TASK_LOST');
      const handle = await startTask(next, notAsked);
      expect((await readTask(next, handle)).stdout.toString()).toBe('once\n');
      await next.remove(handle);
    } finally {
      await next.close();
    }
  });

  it(`starts ${TASKS} tasks at once${IS_LONG ? '' : ' (200 with GOFER_LONG_TESTS)'}, loses none and leaves nothing`, {
    timeout: LONG,
  }, async () => {
    const before = await engine.mounts();
    const quick = await openScheduler(directory, { host: engine.host, network: 'none' });
    try {
      const results = await Promise.all(
        Array.from({ length: TASKS }, async (_, index) => {
          const spec = shellTask(`echo task ${index}; exit ${index % 7}`);
          const handle = await startTask(quick, spec);
          const [end, { stdout }] = await Promise.all([quick.wait(handle, NEVER), readTask(quick, handle)]);
          await quick.remove(handle);
          return { code: end.kind === 'exited' ? end.exitCode : end.reason, output: stdout.toString() };
        }),
      );
      expect(results).toEqual(Array.from({ length: TASKS }, (_, index) => ({ code: index % 7, output: `task ${index}\n` })));
      expect(await quick.list({})).toEqual([]);
    } finally {
      await quick.close();
    }
    expect(await engine.api.call('GET', '/containers/json?all=1')).toEqual([]);
    expect(await engine.mounts()).toEqual(before);
  });

  it('leaves no volume of an image behind', { timeout: LONG }, async () => {
    await importImage(engine.api, 'gofer-test/volume:latest', await busyboxArchive(), ['VOLUME /data']);
    const handle = await startTask(scheduler, shellTask('touch /data/file', { image: 'gofer-test/volume:latest' }));
    expect(await scheduler.wait(handle, NEVER)).toMatchObject({ exitCode: 0 });
    await scheduler.remove(handle);
    expect(await engine.api.call('GET', '/volumes')).toMatchObject({ Volumes: [] });
  });
});
