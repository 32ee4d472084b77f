import { type FakeScript, fakeScheduler } from '@gofer/scheduler-fake';
import { afterEach, describe, expect, it } from 'vitest';
import type { PipelineOptions, TaskJson } from './run-stage.fixture.ts';
import { RunStage, waitingText } from './run-stage.fixture.ts';

const HANGS = [{ print: 'up\n' }, { sleep_ms: 3_600_000 }];
const SOON = { initial: 0.02, maximum: 0.02 };
const SCRIPT: FakeScript = [
  { image: 'flaky', times: 2, steps: [{ print: 'no\n' }, { exit: 7 }] },
  { image: 'flaky', steps: [{ environment: true }] },
  { image: 'unpullable', times: 1, refuse: { code: 'IMAGE_PULL_FAILED', message: 'the registry is away' } },
  { image: 'vanishes', times: 1, steps: [{ lose: 'it is gone' }] },
  { image: 'slow', progress: ['pulling image 42 %'], start_delay_ms: 3_600_000 },
  { image: 'forgotten', refuse: { code: 'TASK_LOST', message: 'the engine does not know it any more' } },
  { image: 'never', refuse: { code: 'IMAGE_NOT_FOUND', message: 'no such image' } },
];

let stage: RunStage;
async function open(limits: { globalRuns?: number; runningTasks?: number } = {}): Promise<void> {
  stage = await RunStage.open({ scheduler: (host) => fakeScheduler.create({ script: SCRIPT }, host), limits });
}
async function run(tasks: readonly TaskJson[], options: PipelineOptions = {}) {
  return stage.submit(await stage.pipeline('attempts', tasks, options));
}
const attemptsOf = (runUid: string, taskId = 'one') =>
  stage.store.attempts.listOfTask(runUid, taskId).map(({ number, status, exitCode }) => [number, status, exitCode]);
const isRunning = (runUid: string, taskId: string) => () => stage.tasks(runUid)[taskId]?.state === 'running';

afterEach(async () => {
  await stage.orchestrator.removalsDone();
  expect(stage.orchestrator.watchdog.check()).toBe(0);
  expect(stage.orchestrator.load).toEqual({ runs: 0, tasks: 0 });
  expect(await stage.scheduler.list({})).toEqual([]);
  await stage.close();
});

describe('a task that fails', () => {
  it('is tried again as often as it may be; each attempt has its number, its log and its end, the task one start and one end', async () => {
    await open();
    const { uid } = await run([
      { id: 'one', image: 'flaky', retries: 3, retry_backoff: SOON },
      { id: 'two', depends_on: { one: 'Success' } },
    ]);
    expect((await stage.ended(uid)).status).toBe('successful');
    expect(attemptsOf(uid)).toEqual([
      [1, 'failed', 7],
      [2, 'failed', 7],
      [3, 'successful', 0],
    ]);
    const logs = await Promise.all(stage.store.attempts.listOfTask(uid, 'one').map((attempt) => stage.logText(attempt.uid)));
    expect(logs.slice(0, 2)).toEqual(['no\n', 'no\n']);
    expect(logs[2]).toContain('GOFER_RUN_ATTEMPT=3\n');
    expect(stage.eventsOf(stage.run(uid)).filter((event) => event.includes(' one'))).toEqual([
      'created_task_execution one',
      'started_task_execution one',
      'completed_task_execution one successful',
    ]);
  });

  it('stays failed once its attempts are used up, with the reason of the last', async () => {
    await open();
    const { uid } = await run([{ id: 'one', steps: [{ exit: 9 }], retry_backoff: SOON }], { retries: 2 });
    expect((await stage.ended(uid)).status).toBe('failed');
    expect(attemptsOf(uid)).toHaveLength(3);
    expect(stage.tasks(uid)['one']).toMatchObject({ exitCode: 9, statusReason: { reason: 'abnormal_exit', cause: 'exit_code' } });
  });

  it.each<[string, TaskJson, string[]]>([
    ['an exit code that is not meant', { id: 'one', steps: [{ exit: 9 }], retries: 2, retry_on: [8, 'infrastructure'] }, ['failed']],
    ['an exit code that is meant', { id: 'one', image: 'flaky', retries: 2, retry_on: [7] }, ['failed', 'failed', 'successful']],
    ['a pull that failed', { id: 'one', image: 'unpullable', retries: 1, retry_on: ['infrastructure'] }, ['failed', 'successful']],
    [
      'a pull that failed, where only failures of the task are meant',
      { id: 'one', image: 'unpullable', retries: 1, retry_on: ['failure'] },
      ['failed'],
    ],
    ['a task that vanished', { id: 'one', image: 'vanishes', retries: 1, retry_on: ['infrastructure'] }, ['failed', 'successful']],
    ['an image that does not exist', { id: 'one', image: 'never', retries: 3 }, ['failed']],
  ])('by %s', async (_, task, expected) => {
    await open();
    const { uid } = await run([{ ...task, retry_backoff: SOON }]);
    await stage.ended(uid);
    expect(attemptsOf(uid).map(([, status]) => status)).toEqual(expected);
  });

  it('waits for its next attempt in plain sight, across a restart, and is cancelled while it waits', async () => {
    await open();
    const { uid } = await run([{ id: 'one', steps: [{ exit: 9 }], retries: 1, retry_backoff: { initial: 3000, maximum: 3000 } }]);
    const waiting = () => stage.orchestrator.taskWaiting(stage.run(uid), 'one');
    const isRetry = (): boolean => waiting()?.reason.kind === 'retry';
    await stage.until(uid, isRetry);
    const before = waiting();
    expect(waitingText(before)).toBe('attempt 1 failed (exit code 9); attempt 2 follows');
    expect((before?.until ?? 0) - (before?.since ?? 0)).toBeGreaterThanOrEqual(1_500_000);
    await stage.leave();
    await stage.enter();
    await stage.until(uid, isRetry);
    expect(waiting()?.until).toBe(before?.until);
    expect(stage.orchestrator.watchdog.check()).toBe(0);
    await stage.cancelTask(uid, 'one', 0);
    expect((await stage.ended(uid)).status).toBe('failed');
    expect(stage.tasks(uid)['one']).toMatchObject({ status: 'cancelled', statusReason: { cause: 'task_cancelled', by: { user: 'test' } } });
    expect(attemptsOf(uid)).toEqual([[1, 'failed', 9]]);
  });
});

it('a task that was started and is not known any more is an orphan, and its log is not said to be whole', async () => {
  await open();
  const { uid } = await run([{ id: 'one', image: 'forgotten' }]);
  expect((await stage.ended(uid)).status).toBe('failed');
  expect(stage.tasks(uid)['one']?.statusReason).toMatchObject({ reason: 'orphaned', cause: 'orphaned' });
  const [attempt] = stage.store.attempts.listOfTask(uid, 'one');
  expect(attempt?.log).toMatchObject({ complete: false, problem: expect.stringContaining('does not know it any more') });
});

describe('a limit of time', () => {
  it('ends an attempt that runs for too long, with its real exit code, and that is tried again where it is meant', async () => {
    await open();
    const steps = [{ on_term: { exit: 33 } }, ...HANGS];
    const { uid } = await run([{ id: 'one', steps, timeout: 1, retries: 1, retry_on: ['timeout'], retry_backoff: SOON }]);
    await stage.until(uid, isRunning(uid, 'one'));
    expect(stage.orchestrator.taskWaiting(stage.run(uid), 'one')).toMatchObject({ reason: { kind: 'running' }, until: expect.any(Number) });
    expect((await stage.ended(uid)).status).toBe('failed');
    expect(attemptsOf(uid)).toEqual([
      [1, 'failed', 33],
      [2, 'failed', 33],
    ]);
    expect(stage.tasks(uid)['one']).toMatchObject({ exitCode: 33, statusReason: { reason: 'abnormal_exit', cause: 'timeout' } });
  });

  it('that passed while no server was there is kept by the next one, and so is its cause', async () => {
    await open();
    const { uid } = await run([{ id: 'one', steps: [{ ignore_term: true }, ...HANGS], timeout: 1 }]);
    await stage.until(uid, () => stage.store.attempts.listOfTask(uid, 'one')[0]?.stoppedFor === 'timeout');
    await stage.leave();
    await stage.enter();
    await stage.ended(uid);
    expect(stage.tasks(uid)['one']).toMatchObject({ status: 'failed', exitCode: 137, statusReason: { cause: 'timeout' } });
  });

  it('ends the wait for a start: of a pull, and of a slot', async () => {
    await open({ runningTasks: 1 });
    const blocked = [
      // Longer than the wait for its slot: one that is given up gives the slot back.
      { id: 'a-pulls', image: 'slow', start_timeout: 2 },
      { id: 'b-waits', start_timeout: 1 },
      { id: 'c-after', depends_on: { 'a-pulls': 'Failure', 'b-waits': 'Failure' } },
    ] as const;
    const first = await run(blocked);
    expect((await stage.ended(first.uid)).status).toBe('failed');
    expect(stage.tasks(first.uid)['a-pulls']).toMatchObject({ status: 'failed', statusReason: { cause: 'start_timeout' } });
    expect(stage.statuses(first.uid)).toMatchObject({ 'c-after': 'successful' });
  });

  it('of a queued run fails it, with nothing of it run', async () => {
    await open({ globalRuns: 1 });
    const first = await run([{ id: 'one', steps: HANGS }]);
    const second = await stage.submit(await stage.pipeline('second', [{ id: 'one', always: true }], { start_timeout: 1 }));
    expect(await stage.ended(second.uid)).toMatchObject({ status: 'failed', statusReason: { cause: 'start_timeout' } });
    expect(stage.store.attempts.listOfRun(second.uid)).toEqual([]);
    const third = await stage.submit(await stage.pipeline('third', [{ id: 'one' }], { start_timeout: 3600 }));
    expect(stage.orchestrator.runWaiting(third)).toMatchObject({ until: third.started + 3_600_000 });
    for (const { uid } of [third, first]) stage.cancelRun(uid, 0);
    for (const { uid } of [third, first]) await stage.ended(uid);
  });

  it('of a run ends its tasks, fails it, and lets those that are marked always clean up', async () => {
    await open();
    const tasks = [
      { id: 'one', steps: HANGS },
      { id: 'two', depends_on: { one: 'Success' } },
      { id: 'clean', depends_on: { one: 'Any' }, always: true },
      { id: 'clean-success', depends_on: { one: 'Success' }, always: true },
    ] as const;
    const { uid } = await run(tasks, { timeout: 1 });
    expect(await stage.ended(uid)).toMatchObject({ status: 'failed', statusReason: { reason: 'abnormal_exit', cause: 'timeout' } });
    expect(stage.statuses(uid)).toEqual({ one: 'cancelled', two: 'cancelled', clean: 'successful', 'clean-success': 'skipped' });
    expect(stage.tasks(uid)['one']).toMatchObject({ exitCode: 143, statusReason: { cause: 'run_timeout' } });
  });
});

describe('the cancellation of a run', () => {
  const TASKS = [
    { id: 'one', steps: [{ on_term: { exit: 5 } }, ...HANGS] },
    { id: 'two', depends_on: { one: 'Any' } },
    { id: 'clean', depends_on: { one: 'Failure' }, always: true, steps: HANGS },
  ] as const;

  it('spares what is marked always, also when it is asked for again; by force it does not', async () => {
    await open();
    const { uid } = await run(TASKS);
    await stage.until(uid, isRunning(uid, 'one'));
    stage.cancelRun(uid, 1000);
    await stage.until(uid, isRunning(uid, 'clean'));
    stage.cancelRun(uid, 0);
    await stage.leave();
    await stage.enter();
    await stage.until(uid, () => stage.orchestrator.taskWaiting(stage.run(uid), 'clean')?.reason.kind === 'running');
    expect(waitingText(stage.orchestrator.runWaiting(stage.run(uid)))).toBe('cancelled by test; waiting for: clean');
    stage.cancelRun(uid, 0, true);
    expect(await stage.ended(uid)).toMatchObject({
      status: 'cancelled',
      statusReason: { reason: 'user_cancelled', cause: 'cancelled', by: { user: 'test' } },
    });
    expect(stage.statuses(uid)).toEqual({ one: 'cancelled', two: 'cancelled', clean: 'cancelled' });
    expect(stage.tasks(uid)['one']).toMatchObject({ exitCode: 5, statusReason: { cause: 'run_cancelled', by: { user: 'test' } } });
  });

  it('that was written down and not carried out is carried out by the next server, also of a queued run', async () => {
    await open({ globalRuns: 1 });
    const first = await run([{ id: 'one', steps: HANGS }]);
    const second = await stage.submit(first.pipelineUid);
    await stage.until(first.uid, isRunning(first.uid, 'one'));
    const by = { id: 'ann', user: 'ann' };
    const how = {
      cause: 'cancelled',
      reason: 'user_cancelled',
      description: 'cancelled by ann',
      by,
      at: 1,
      graceMs: 0,
      force: false,
    } as const;
    await stage.store.commit(() => {
      for (const { uid } of [first, second]) stage.store.runs.requestCancel(uid, how);
    });
    await stage.leave();
    await stage.enter();
    for (const { uid } of [first, second]) {
      expect(await stage.ended(uid)).toMatchObject({ status: 'cancelled', statusReason: { by } });
    }
    expect(stage.store.attempts.listOfRun(second.uid)).toEqual([]);
  });
});

describe('more runs than a pipeline may run', () => {
  it.each([
    ['cancel_oldest', ['cancelled', 'cancelled', 'running']],
    ['cancel_newest', ['running', 'cancelled', 'cancelled']],
  ] as const)('with %s', async (concurrency, expected) => {
    await open();
    const pipeline = await stage.pipeline('crowded', [{ id: 'one', steps: HANGS }], { parallelism: 1, concurrency });
    const runs = [await stage.submit(pipeline), await stage.submit(pipeline), await stage.submit(pipeline)];
    for (const [index, { uid }] of runs.entries()) {
      if (expected[index] === 'cancelled') {
        expect(await stage.ended(uid)).toMatchObject({
          status: 'cancelled',
          statusReason: { reason: 'admin_cancelled', cause: 'concurrency' },
        });
      }
    }
    const left = runs[expected.indexOf('running')]?.uid ?? '';
    await stage.until(left, isRunning(left, 'one'));
    stage.cancelRun(left, 0);
    await stage.ended(left);
  });

  it('a run that gives way takes the place of no other while its end is written', async () => {
    await open();
    const pipeline = await stage.pipeline('freed', [{ id: 'one', steps: HANGS }], { parallelism: 2, concurrency: 'cancel_newest' });
    const [first, second] = [await stage.submit(pipeline), await stage.submit(pipeline)];
    await stage.until(second.uid, isRunning(second.uid, 'one'));
    // All in one commit, and in the moment after it a place is freed between the two.
    const [surplus, , { uid }] = await Promise.all([
      stage.submit(pipeline),
      stage.store.commit(() => undefined).then(() => stage.cancelRun(second.uid, 0)),
      stage.submit(pipeline),
    ]);
    expect(await stage.ended(surplus.uid)).toMatchObject({ statusReason: { cause: 'concurrency' } });
    await stage.until(uid, isRunning(uid, 'one'));
    for (const each of [first.uid, uid]) {
      stage.cancelRun(each, 0);
      await stage.ended(each);
    }
  });
});
