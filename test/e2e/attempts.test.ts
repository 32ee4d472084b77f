/** How runs and tasks end otherwise than by themselves: retries, time limits, runs that give way or are cancelled, and what a run repeats. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Run, StoredObject, TaskExecution } from '@gofer/contracts/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GoferServer, pipelineJson, pipelinePath, type TaskSketch, taskPath, VERSION } from './gofer-server.ts';
import { until } from './leftovers.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
/** Goes on until it is ended; ends with 7 when it is asked to. */
const PATIENT = "trap 'kill $!; exit 7' TERM; echo up; sleep 600 & wait";
const QUICK_RETRY = { initial: 1, maximum: 1 };

let server: GoferServer;
/** What tasks look at and write to. */
let shelf: string;
beforeAll(async () => {
  shelf = mkdtempSync(join(tmpdir(), 'gofer-attempts-'));
  server = await GoferServer.start('process', { settings: ['scheduler.max_running_tasks=8'] });
});
afterAll(async () => {
  await server?.close();
  rmSync(shelf, { recursive: true, force: true });
});

const runPath = (id: string, run: number): string => `${pipelinePath(id)}/runs/${run}`;
const cancel = (id: string, run: number, query = ''): Promise<unknown> => server.ask('DELETE', `${runPath(id, run)}${query}`);
/** Resolves when the task has written its first line. */
async function isUp(id: string, run: number, task: string): Promise<void> {
  await until(`${task} of run ${run} of ${id} to be up`, async () => {
    const answer = await server.call('GET', `${taskPath(id, run, task)}/logs/raw`);
    return answer.status === 200 && answer.body.toString().startsWith('up');
  });
}
async function retry(id: string, run: number, body: object): Promise<Run> {
  const answer = await server.ask<{ run: Run }>('POST', `${runPath(id, run)}/retry`, body);
  return await server.getRun(id, answer.run.run_id, 60);
}

describe('a task that fails', () => {
  it('is tried again as often as it may be, each attempt with its number, its log and its end', async () => {
    const script = `echo "attempt $GOFER_RUN_ATTEMPT"; exit $((GOFER_RUN_ATTEMPT == 3 ? 0 : 40 + GOFER_RUN_ATTEMPT))`;
    await server.deploy('tries', [{ id: 'try', script, retries: 4, retry_backoff: QUICK_RETRY }]);
    expect(await server.run('tries', 60)).toMatchObject({ status: 'successful' });
    const task = await server.task('tries', 1, 'try');
    expect(task).toMatchObject({ status: 'successful', exit_code: 0, attempt: 3, status_reason: null });
    const failed = { status: 'failed', status_reason: { reason: 'abnormal_exit', cause: 'exit_code' } };
    expect(task.attempts).toMatchObject([
      { attempt: 1, ...failed, exit_code: 41, log: { lines: 1, complete: true, sha256: sha256('attempt 1\n') } },
      { attempt: 2, ...failed, exit_code: 42, log: { lines: 1, complete: true, sha256: sha256('attempt 2\n') } },
      { attempt: 3, status: 'successful', exit_code: 0, log: { lines: 1, complete: true, sha256: sha256('attempt 3\n') } },
    ]);
    const times = (task.attempts ?? []).flatMap(({ started, ended }) => [started, ended]);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    for (const attempt of [1, 2, 3]) {
      const log = await server.call('GET', `${taskPath('tries', 1, 'try')}/logs/raw?attempt=${attempt}`);
      expect([log.status, log.body.toString()]).toEqual([200, `attempt ${attempt}\n`]);
    }
    expect((await server.rawLog('tries', 1, 'try')).toString()).toBe('attempt 3\n');
  });

  it('is tried again only for what it is to be retried on', async () => {
    const tasks = [
      { id: 'meant', script: 'exit 75', retries: 1, retry_on: [75], retry_backoff: QUICK_RETRY },
      { id: 'other', script: 'exit 76', retries: 1, retry_on: [75], retry_backoff: QUICK_RETRY },
    ];
    await server.deploy('choosy', tasks);
    expect(await server.run('choosy', 60)).toMatchObject({ status: 'failed' });
    expect(await server.task('choosy', 1, 'meant')).toMatchObject({ attempt: 2, exit_code: 75 });
    expect(await server.task('choosy', 1, 'other')).toMatchObject({ attempt: 1, exit_code: 76 });
  });
});

describe('a limit', () => {
  it('of a task: it is ended, with the exit code of its process, and may be tried again', async () => {
    await server.deploy('slow', [
      { id: 'work', script: PATIENT, timeout: 1, retries: 1, retry_on: ['timeout'], retry_backoff: QUICK_RETRY },
    ]);
    expect(await server.run('slow', 60)).toMatchObject({ status: 'failed', status_reason: { reason: 'abnormal_exit' } });
    const end = { status: 'failed', exit_code: 7, status_reason: { reason: 'abnormal_exit', cause: 'timeout' } };
    const task = await server.task('slow', 1, 'work');
    expect(task).toMatchObject({ ...end, attempts: [end, end] });
    for (const { started, ended } of task.attempts ?? []) expect(ended - started).toBeGreaterThanOrEqual(1000);
  });

  it('of a run: its tasks are ended, its clean-up is run, and it has failed', async () => {
    const tasks: TaskSketch[] = [
      { id: 'work', script: PATIENT },
      { id: 'never', script: 'true', depends_on: { work: 'Success' } },
      { id: 'sweep', script: 'echo swept', depends_on: { work: 'Any' }, always: true },
    ];
    await server.deploy('long', tasks, 0, { timeout: 1 });
    const run = await server.run('long', 60);
    expect(run).toMatchObject({ status: 'failed', status_reason: { reason: 'abnormal_exit', cause: 'timeout' } });
    expect(run.status_reason).not.toHaveProperty('by');
    expect(await server.task('long', 1, 'work')).toMatchObject({
      status: 'cancelled',
      exit_code: 7,
      status_reason: { reason: 'cancelled', cause: 'run_timeout' },
    });
    expect(await server.statuses('long', 1)).toEqual({ work: 'cancelled', never: 'cancelled', sweep: 'successful' });
    expect((await server.rawLog('long', 1, 'sweep')).toString()).toBe('swept\n');
  });

  it('of waiting: a run that does not get its turn fails, and none of its tasks was started', async () => {
    await server.deploy('patience', [{ id: 'work', script: PATIENT }], 1, { start_timeout: 1 });
    await server.run('patience');
    await isUp('patience', 1, 'work');
    const late = await server.run('patience', 60);
    expect(late).toMatchObject({ status: 'failed', begun: 0, status_reason: { reason: 'failed_precondition', cause: 'start_timeout' } });
    expect(await server.task('patience', 2, 'work')).toMatchObject({ started: 0, attempts: [] });
    await cancel('patience', 1, '?force=true');
    expect(await server.getRun('patience', 1, 60)).toMatchObject({ status: 'cancelled' });
  });

  it('of starting: a task that finds no place fails', async () => {
    await server.deploy('full', [{ id: 'work', script: PATIENT }]);
    for (let count = 0; count < 8; count++) await server.run('full');
    for (let run = 1; run <= 8; run++) await isUp('full', run, 'work');
    await server.deploy('crowded', [{ id: 'work', script: 'true', start_timeout: 1 }]);
    expect(await server.run('crowded', 60)).toMatchObject({ status: 'failed' });
    expect(await server.task('crowded', 1, 'work')).toMatchObject({
      status: 'failed',
      started: 0,
      status_reason: { reason: 'scheduler_error', cause: 'start_timeout' },
    });
    const { run_ids } = await server.ask<{ run_ids: number[] }>('DELETE', `${pipelinePath('full')}/runs?force=true`);
    expect(run_ids).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    for (const run of run_ids) expect(await server.getRun('full', run, 60)).toMatchObject({ status: 'cancelled' });
  });
});

describe('a cancelled run', () => {
  const CLEANED: readonly TaskSketch[] = [
    { id: 'work', script: PATIENT },
    { id: 'sweep', script: 'echo swept', depends_on: { work: 'Any' }, always: true },
  ];

  it('has its clean-up run, and not where it is cancelled by force', async () => {
    await server.deploy('cleaned', CLEANED);
    for (const [run, query, sweep] of [
      [1, '', 'successful'],
      [2, '?force=true', 'cancelled'],
    ] as const) {
      await server.run('cleaned');
      await isUp('cleaned', run, 'work');
      await cancel('cleaned', run, query);
      const ended = await server.getRun('cleaned', run, 60);
      expect(ended).toMatchObject({ status: 'cancelled', status_reason: { reason: 'user_cancelled', cause: 'cancelled' } });
      expect(await server.statuses('cleaned', run)).toEqual({ work: 'cancelled', sweep });
      expect(await server.task('cleaned', run, 'work')).toMatchObject({ status_reason: { reason: 'cancelled', cause: 'run_cancelled' } });
    }
    // Asked in time it ends by itself; by force it is not asked.
    expect((await server.task('cleaned', 1, 'work')).exit_code).toBe(7);
    expect((await server.task('cleaned', 2, 'work')).exit_code).toBe(137);
  });

  it('that had not begun starts nothing, not even its clean-up', async () => {
    await server.deploy('queued', CLEANED, 1);
    await server.run('queued');
    await isUp('queued', 1, 'work');
    expect((await server.run('queued')).waiting).toMatchObject({ kind: 'pipeline-limit' });
    await cancel('queued', 2);
    expect(await server.getRun('queued', 2, 60)).toMatchObject({ status: 'cancelled', begun: 0 });
    for (const task of await server.tasks('queued', 2)) expect(task).toMatchObject({ status: 'cancelled', started: 0, attempts: [] });
    await cancel('queued', 1, '?force=true');
    await server.getRun('queued', 1, 60);
  });
});

describe('runs of which only one may go on', () => {
  it.each([
    ['cancel_oldest', 3],
    ['cancel_newest', 1],
  ] as const)('with %s run %i stays', async (concurrency, stays) => {
    const id = concurrency.replaceAll('_', '-');
    await server.deploy(id, [{ id: 'work', script: PATIENT }], 1, { concurrency });
    await server.run(id);
    await isUp(id, 1, 'work');
    for (let count = 0; count < 2; count++) await server.run(id);
    for (const run of [1, 2, 3].filter((number) => number !== stays)) {
      const ended = await server.getRun(id, run, 60);
      expect(ended).toMatchObject({ status: 'cancelled', status_reason: { reason: 'admin_cancelled', cause: 'concurrency' } });
      expect(ended.status_reason).not.toHaveProperty('by');
    }
    await isUp(id, stays, 'work');
    expect(await server.getRun(id, stays)).toMatchObject({ state: 'running' });
    await cancel(id, stays, '?force=true');
    await server.getRun(id, stays, 60);
  });
});

describe('a run that repeats what failed', () => {
  const flag = (): string => join(shelf, 'mended');
  const tasks = (): TaskSketch[] => [
    { id: 'build', script: `echo built >> ${join(shelf, 'built')}` },
    { id: 'test', script: `test -e ${flag()}`, depends_on: { build: 'Success' } },
    { id: 'ship', script: 'echo shipped', depends_on: { test: 'Success' } },
  ];
  const objectOf = (run: number) => server.call('GET', `${runPath('mends', run)}/objects/artifact`);

  it('takes over the rest, with the objects, and keeps them where the earlier one is deleted', async () => {
    await server.deploy('mends', tasks());
    expect(await server.run('mends', 60, { WHO: 'ada' })).toMatchObject({ status: 'failed' });
    expect(await server.statuses('mends', 1)).toEqual({ build: 'successful', test: 'failed', ship: 'skipped' });
    await server.ask('POST', `${runPath('mends', 1)}/objects/artifact`, Buffer.from('of the first run'));
    expect(await retry('mends', 1, { from_failed: true })).toMatchObject({ run_id: 2, retry_of: 1, status: 'failed' });
    writeFileSync(flag(), '');
    const run = await retry('mends', 2, { from_failed: true });
    expect(run).toMatchObject({ run_id: 3, retry_of: 2, status: 'successful', pipeline_config_version: 1 });
    expect(run.variables).toEqual([{ key: 'WHO', value: 'ada', source: 'run_options' }]);
    const found = Object.fromEntries((await server.tasks('mends', 3)).map((task) => [task.task_id, task]));
    const first = await server.task('mends', 1, 'build');
    expect(found['build']).toMatchObject({
      status: 'successful',
      taken_from_run: 1,
      started: first.started,
      ended: first.ended,
      attempts: [],
    });
    for (const id of ['test', 'ship']) expect(found[id]).not.toHaveProperty('taken_from_run');
    // It was run once.
    expect(readFileSync(join(shelf, 'built'), 'utf8')).toBe('built\n');
    expect(await server.refusal('GET', `${taskPath('mends', 3, 'build')}/logs/raw`)).toMatchObject({
      error_code: 'NOT_FOUND',
      message: expect.stringContaining('from run 1') as string,
    });

    await cancel('mends', 1, '?purge=true');
    await cancel('mends', 2, '?purge=true');
    await until('the deleted runs to be gone', async () => (await server.call('GET', runPath('mends', 2))).status === 404);
    const { objects } = await server.ask<{ objects: StoredObject[] }>('GET', `${runPath('mends', 3)}/objects`);
    expect(objects.map(({ key }) => key)).toEqual(['artifact']);
    expect((await objectOf(3)).body.toString()).toBe('of the first run');
    expect(await server.task('mends', 3, 'build')).toMatchObject({ status: 'successful', taken_from_run: 1 });
    expect((await server.refusal('POST', `${runPath('mends', 3)}/retry`, { from_failed: true })).error_code).toBe('FAILED_PRECONDITION');
  });

  it('or all of it, with the version that is live', async () => {
    await server.deploy('mends', [...tasks(), { id: 'tell', script: 'true' }]);
    expect(await retry('mends', 3, { version: 'live' })).toMatchObject({ status: 'successful', pipeline_config_version: 2 });
    for (const task of await server.tasks('mends', 4)) expect(task).not.toHaveProperty('taken_from_run');
    const { objects } = await server.ask<{ objects: StoredObject[] }>('GET', `${runPath('mends', 4)}/objects`);
    expect(objects).toEqual([]);
  });
});

it('who asked for an end is told of the run and of each of its tasks, and of a task that was ended alone', async () => {
  const guarded = await GoferServer.start('process', {
    settings: ['development.bypass_auth=false', 'scheduler.process.enable=true', `secret_store.sqlite.encryption_key=${'k'.repeat(32)}`],
  });
  try {
    const { secret: admin } = await guarded.ask<{ secret: string }>('POST', '/api/tokens/bootstrap');
    const as = (token: string) => ({ ...VERSION, authorization: `Bearer ${token}` });
    const call = async (token: string, method: string, path: string, body?: object): Promise<unknown> => {
      const answer = await guarded.call(method, path, body, as(token));
      expect([method, path, answer.status < 300, answer.body.toString()]).toMatchObject([method, path, true, expect.any(String)]);
      return answer.status === 204 ? undefined : answer.json();
    };
    const made = (await call(admin, 'POST', '/api/tokens', { user: 'ada', roles: ['user'], expires: 0 })) as { secret: string };
    const config = pipelineJson('owned', [
      { id: 'one', script: PATIENT },
      { id: 'two', script: PATIENT },
    ]);
    await call(admin, 'POST', `${pipelinePath('owned')}/configs`, { config });
    await call(admin, 'POST', `${pipelinePath('owned')}/configs/1`);
    await call(admin, 'POST', `${pipelinePath('owned')}/runs`, {});
    const taskOf = async (id: string) =>
      ((await call(admin, 'GET', taskPath('owned', 1, id))) as { task_execution: TaskExecution }).task_execution;
    await until('both tasks to run', async () => (await taskOf('one')).state === 'running' && (await taskOf('two')).state === 'running');
    await call(admin, 'DELETE', `${taskPath('owned', 1, 'one')}?wait_for=0`);
    await until('the first task to end', async () => (await taskOf('one')).state === 'complete');
    await call(made.secret, 'DELETE', runPath('owned', 1));
    await call(admin, 'DELETE', runPath('owned', 1));
    const { run } = (await call(admin, 'GET', `${runPath('owned', 1)}?wait=60`)) as { run: Run };
    const ada = { user: 'ada', id: expect.any(String) as string };
    expect(run).toMatchObject({ status: 'cancelled', status_reason: { cause: 'cancelled', by: ada }, cancellation: { by: ada } });
    expect(await taskOf('two')).toMatchObject({ status_reason: { cause: 'run_cancelled', by: ada }, cancellation: { by: ada } });
    const first = { cause: 'task_cancelled', by: { user: 'bootstrap' } };
    expect(await taskOf('one')).toMatchObject({ status: 'cancelled', status_reason: first });
  } finally {
    await guarded.close();
  }
});
