/** The server dies in the middle of its work and is begun again: nothing is run twice, nothing is lost, no log has a gap. */
import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeDocker } from '../backends/docker-engine.ts';
import { GoferServer, pipelinePath, type TaskSketch } from './gofer-server.ts';
import { containersOf, processesUsing, until } from './leftovers.ts';

const LINES = 400;

/** Numbered lines over about two seconds, then this exit code. */
const counting = (exitCode: number): string =>
  `i=1; while [ $i -le ${LINES} ]; do echo "line $i"; sleep 0.005; i=$((i+1)); done; exit ${exitCode}`;
const countedLines = Array.from({ length: LINES }, (_, index) => `line ${index + 1}\n`).join('');

async function withServer(engine: 'process' | 'docker', settings: readonly string[], body: (server: GoferServer) => Promise<void>) {
  const server = await GoferServer.start(engine, { settings });
  try {
    await body(server);
  } finally {
    await server.close();
  }
}

async function expectCountedLog(server: GoferServer, pipeline: string, run: number, task: string): Promise<void> {
  const log = await server.rawLog(pipeline, run, task);
  expect(log.toString()).toBe(countedLines);
  const sha256 = createHash('sha256').update(countedLines).digest('hex');
  expect((await server.task(pipeline, run, task)).log).toEqual({ lines: LINES, bytes: log.length, sha256, complete: true });
}

describe('kill -9 of a server with tasks on processes', () => {
  it('leaves its tasks alone, and each has run exactly once when it is back', async () => {
    await withServer('process', ['scheduler.max_running_tasks=4'], async (server) => {
      const marks = join(server.directory, 'marks');
      const marked = (id: string, script: string): TaskSketch => ({ id, script: `echo ${id} >> ${marks}; ${script}` });
      await server.deploy('work', [
        marked('counts', counting(0)),
        marked('fails', counting(7)),
        // Ends while the server is away: a file of the test's lets it go.
        marked('away', `echo began; while [ ! -e ${server.directory}/gone ]; do sleep 0.01; done; echo ended; exit 5`),
        { ...marked('after', 'echo after'), depends_on: { counts: 'Success' } },
        { ...marked('joined', 'echo joined'), depends_on: { after: 'Success', fails: 'Failure', away: 'Any' } },
      ]);
      // One at a time: the second run waits for the first.
      await server.deploy('queue', [marked('queued', 'echo queued')], 1);
      await server.deploy('held', [marked('holds', `while [ ! -e ${server.directory}/gone ]; do sleep 0.01; done`)], 1);
      const first = await server.follow('work', (await server.run('work')).run_id, 'counts');
      const away = await server.follow('work', 1, 'away');
      await server.run('held');
      await server.run('held');
      await server.run('queue');
      await until('output of both', () => first.frames.length > 20 && away.frames.length > 0);
      await server.end('SIGKILL');
      appendFileSync(join(server.directory, 'gone'), '');
      await until('the end of a task while no server is there', () => readFileSync(marks, 'utf8').includes('away'));
      await server.begin();
      expect(await server.getRun('work', 1, 60)).toMatchObject({ status: 'failed', state: 'complete' });
      expect(await server.statuses('work', 1)).toEqual({
        counts: 'successful',
        fails: 'failed',
        away: 'failed',
        after: 'successful',
        joined: 'successful',
      });
      for (const task of ['counts', 'fails']) await expectCountedLog(server, 'work', 1, task);
      expect(await server.task('work', 1, 'fails')).toMatchObject({ exit_code: 7 });
      expect(await server.task('work', 1, 'away')).toMatchObject({ exit_code: 5, attempts: [{ attempt: 1 }] });
      expect((await server.rawLog('work', 1, 'away')).toString()).toBe('began\nended\n');
      for (const [pipeline, run] of [
        ['queue', 1],
        ['held', 1],
        ['held', 2],
      ] as const)
        expect(await server.getRun(pipeline, run, 60)).toMatchObject({ status: 'successful' });
      const ran = readFileSync(marks, 'utf8').trim().split('\n').toSorted();
      expect(ran).toEqual(['after', 'away', 'counts', 'fails', 'holds', 'holds', 'joined', 'queued']);
    });
  });

  it('does the same however often, in the middle of a burst', async () => {
    await withServer('process', ['scheduler.max_running_tasks=8'], async (server) => {
      const marks = join(server.directory, 'marks');
      const script = `echo "$GOFER_RUN_ID $GOFER_TASK_ID" >> ${marks}; sleep 0.05; echo "$GOFER_TASK_ID of $GOFER_RUN_ID"`;
      const chain = [
        { id: 'a', script },
        { id: 'b', script, depends_on: { a: 'Success' as const } },
      ];
      await server.deploy('chain', chain);
      const runs = 30;
      for (let run = 0; run < runs; run += 1) await server.run('chain');
      for (const share of [0.2, 0.5, 0.8]) {
        await until('some of the work', () => linesOf(marks).length >= runs * 2 * share);
        await server.end('SIGKILL');
        await server.begin();
      }
      const expected: string[] = [];
      for (let run = 1; run <= runs; run += 1) {
        expect([run, (await server.getRun('chain', run, 60)).status]).toEqual([run, 'successful']);
        for (const task of ['a', 'b']) {
          expect((await server.rawLog('chain', run, task)).toString()).toBe(`${task} of ${run}\n`);
          expected.push(`${run} ${task}`);
        }
      }
      expect(linesOf(marks).toSorted()).toEqual(expected.toSorted());
    });
  });
});

function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').trim().split('\n');
  } catch {
    // No task has written yet.
    return [];
  }
}

describe('a stop that is asked for', () => {
  it('ends the server in its time and leaves tasks running, which the next one finds', async () => {
    await withServer('process', ['server.shutdown_timeout=5s'], async (server) => {
      await server.deploy('long', [{ id: 'counts', script: counting(0) }]);
      await server.run('long');
      const follower = await server.follow('long', 1, 'counts');
      await until('output', () => follower.frames.length > 5);
      const started = Date.now();
      expect(await server.end('SIGTERM')).toBe(0);
      expect(Date.now() - started).toBeLessThan(15_000);
      expect(await follower.closed).toMatchObject({ code: 1012 });
      expect((await processesUsing(server.directory)).length).toBeGreaterThan(0);
      await server.begin();
      expect(await server.getRun('long', 1, 60)).toMatchObject({ status: 'successful' });
      await expectCountedLog(server, 'long', 1, 'counts');
    });
  });

  it('a second server on the same state is refused while the first is there', async () => {
    await withServer('process', [], async (server) => {
      const { code, output } = await server.beginAnother();
      expect(code).toBe(75);
      expect(output).toMatch(/Another Gofer server is using ".*gofer\.db"/);
      expect((await server.call('GET', '/api/namespaces')).status).toBe(200);
    });
  });
});

describe('kill -9 of the process supervisor', () => {
  it('fails what it ran, saying so, and later runs work', async () => {
    await withServer('process', [], async (server) => {
      await server.deploy('two', [
        { id: 'long', script: 'echo began; sleep 1000' },
        { id: 'after', command: ['true'], depends_on: { long: 'Success' } },
        { id: 'cleans', script: 'echo cleaned', depends_on: { long: 'Failure' } },
      ]);
      await server.run('two');
      const follower = await server.follow('two', 1, 'long');
      await until('output', () => follower.frames.length > 0);
      const plugin = join(server.directory, 'gofer', 'plugins', 'scheduler-process');
      const supervisors = [];
      for (const pid of await processesUsing(plugin)) {
        if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('supervisor')) supervisors.push(pid);
      }
      expect(supervisors).toHaveLength(1);
      process.kill(supervisors[0] ?? 0, 'SIGKILL');
      expect(await server.getRun('two', 1, 60)).toMatchObject({ status: 'failed' });
      expect(await server.task('two', 1, 'long')).toMatchObject({
        status: 'failed',
        status_reason: { reason: 'orphaned', description: expect.stringContaining('supervisor died') },
      });
      expect((await server.rawLog('two', 1, 'long')).toString()).toContain('began\n');
      expect(await server.statuses('two', 1)).toEqual({ long: 'failed', after: 'skipped', cleans: 'successful' });
      await server.deploy('later', [{ id: 'one', script: 'echo later' }]);
      expect(await server.run('later', 60)).toMatchObject({ status: 'successful' });
    });
  });
});

await describeDocker('kill -9 of a server with tasks in containers', (docker) => {
  it('finds its containers again, and reads their logs on', async () => {
    await withServer('docker', [], async (server) => {
      await server.deploy('work', [
        { id: 'counts', script: counting(0) },
        { id: 'fails', script: counting(7) },
        { id: 'after', script: 'echo after', depends_on: { counts: 'Success' } },
      ]);
      await server.run('work');
      const followers = [await server.follow('work', 1, 'counts'), await server.follow('work', 1, 'fails')];
      await until('output of both', () => followers.every(({ frames }) => frames.length > 20));
      const attempts = (await server.tasks('work', 1)).flatMap((task) => task.attempts ?? []).map(({ id }) => id);
      await server.end('SIGKILL');
      expect(await containersOf(docker, attempts)).toHaveLength(2);
      // One of them at least ends while no server is there.
      await until('their ends', async () => (await runningOf(attempts)).length === 0);
      await server.begin();
      expect(await server.getRun('work', 1, 60)).toMatchObject({ status: 'failed' });
      for (const task of ['counts', 'fails']) await expectCountedLog(server, 'work', 1, task);
      expect(await server.task('work', 1, 'fails')).toMatchObject({ exit_code: 7, attempts: [{ attempt: 1 }] });
      expect((await server.rawLog('work', 1, 'after')).toString()).toBe('after\n');
      await server.ask('DELETE', pipelinePath('work'));
      await until('the removal of its containers', async () => (await containersOf(docker, attempts)).length === 0);
    });

    async function runningOf(attempts: readonly string[]): Promise<readonly unknown[]> {
      const listed = (await docker.call('GET', '/containers/json')) as readonly { Labels: Record<string, string> }[];
      return listed.filter(({ Labels }) => attempts.includes(Labels['dev.gofer.attempt'] ?? ''));
    }
  });

  it('starts each container once, however often it is killed in the middle of a burst', async () => {
    await withServer('docker', ['scheduler.docker.network=none', 'scheduler.max_running_tasks=4'], async (server) => {
      await server.deploy('one', [{ id: 'task', script: 'echo "$GOFER_RUN_ID"; sleep 0.2; echo "$GOFER_RUN_ID"' }]);
      const runs = 10;
      for (let run = 0; run < runs; run += 1) await server.run('one');
      for (const ended of [1, 5]) {
        await server.getRun('one', ended, 60);
        await server.end('SIGKILL');
        await server.begin();
      }
      const attempts: string[] = [];
      for (let run = 1; run <= runs; run += 1) {
        expect(await server.getRun('one', run, 60)).toMatchObject({ run_id: run, status: 'successful' });
        const task = await server.task('one', run, 'task');
        expect(task).toMatchObject({ exit_code: 0, log: { complete: true }, attempts: [{ attempt: 1 }] });
        expect((await server.rawLog('one', run, 'task')).toString()).toBe(`${run}\n${run}\n`);
        attempts.push(...(task.attempts ?? []).map(({ id }) => id));
      }
      await until('the removal of its containers', async () => (await containersOf(docker, attempts)).length === 0);
    });
  });
});
