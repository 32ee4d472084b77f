import { GoferError } from '@gofer/contracts';
import { type FakeScript, fakeScheduler } from '@gofer/scheduler-fake';
import { afterEach, describe, expect, it } from 'vitest';
import type { DecideOptions, FinishedTask, Graph, RunCounters } from '../domain/index.ts';
import { openDatabase } from '../storage/database.ts';
import { Store } from '../storage/store.ts';
import { InlineDagEngine } from '../workers/dag/index.ts';
import { expectWellEnded } from './run-oracle.fixture.ts';
import { RunStage, type StageOptions, waitingText } from './run-stage.fixture.ts';

const HANGS = [{ print: 'up\n' }, { sleep_ms: 3_600_000 }];
const SCRIPT: FakeScript = [
  { image: 'refused', refuse: { code: 'IMAGE_NOT_FOUND', message: 'there is no image of that name' } },
  { image: 'pulls', progress: ['pulling image 42 %'], start_delay_ms: 3_600_000 },
  { image: 'unreachable', times: 1, refuse: { code: 'UNAVAILABLE', message: 'no socket' } },
];

let stage: RunStage;
async function open(options: Partial<StageOptions> = {}): Promise<RunStage> {
  stage = await RunStage.open({ scheduler: (host) => fakeScheduler.create({ script: SCRIPT }, host), ...options });
  return stage;
}
afterEach(async () => {
  await stage.orchestrator.removalsDone();
  expect(stage.orchestrator.load).toEqual({ runs: 0, tasks: 0 });
  await stage.close();
});
const isRunning = (runUid: string, taskId: string) => () => stage.tasks(runUid)[taskId]?.state === 'running';

describe('a run', () => {
  it('succeeds, and every task knows who it is', async () => {
    await open();
    const variables = { MINE: 'task', SHARED: 'task', gofer_task_id: 'never mine to choose?' };
    const pipeline = await stage.pipeline('env', [{ id: 'one', image: 'alpine:3', variables, steps: [{ environment: true }] }]);
    const run = await stage.submit(pipeline, { SHARED: 'run', ONLY: 'run' });
    expect((await stage.ended(run.uid)).status).toBe('successful');
    const [attempt] = stage.store.attempts.listOfRun(run.uid);
    const environment = Object.fromEntries(
      (await stage.logText(attempt?.uid ?? ''))
        .trim()
        .split('\n')
        .map((line) => line.split('=')),
    );
    expect(environment).toEqual({
      GOFER_NAMESPACE_ID: 'default',
      GOFER_PIPELINE_ID: 'env',
      GOFER_RUN_ID: '1',
      GOFER_RUN_ATTEMPT: '1',
      gofer_task_id: 'never mine to choose?',
      GOFER_TASK_IMAGE: 'alpine:3',
      MINE: 'task',
      ONLY: 'run',
      SHARED: 'task',
    });
    expect(stage.tasks(run.uid)['one']?.variables).toContainEqual({ key: 'SHARED', value: 'task', source: 'pipeline_config' });
    expect(stage.eventsOf(run)).toEqual([
      'queued_run',
      'started_run',
      'created_task_execution one',
      'started_task_execution one',
      'completed_task_execution one successful',
      'completed_run successful',
    ]);
  });

  it('goes the way that its parents’ ends open', async () => {
    await open();
    const tasks = [
      { id: 'bad', steps: [{ exit: 7 }] },
      { id: 'good' },
      { id: 'on-failure', depends_on: { bad: 'Failure' } },
      { id: 'on-success', depends_on: { bad: 'Success', good: 'Success' } },
      { id: 'after-skip', depends_on: { 'on-success': 'Any' } },
      { id: 'never', depends_on: { 'on-success': 'Success' } },
    ] as const;
    const run = await stage.submit(await stage.pipeline('ways', tasks));
    const ended = await stage.ended(run.uid);
    expect(stage.statuses(run.uid)).toEqual({
      bad: 'failed',
      good: 'successful',
      'on-failure': 'successful',
      'on-success': 'skipped',
      'after-skip': 'successful',
      never: 'skipped',
    });
    expect(ended.statusReason).toEqual({ reason: 'abnormal_exit', description: 'tasks that did not succeed: bad' });
    expect(stage.tasks(run.uid)['bad']).toMatchObject({
      exitCode: 7,
      statusReason: { reason: 'abnormal_exit', description: 'exit code 7' },
    });
    expect(stage.tasks(run.uid)['never']?.statusReason?.description).toContain("'on-success'");
    expectWellEnded(stage, run.uid, tasks);
  });

  it('tells a refused start in the task’s own log, a lost task in its reason', async () => {
    await open();
    const tasks = [
      { id: 'refused', image: 'refused' },
      { id: 'lost', steps: [{ print: 'some\n' }, { lose: 'the machine burnt' }] },
    ];
    const run = await stage.submit(await stage.pipeline('bad', tasks));
    await stage.ended(run.uid);
    const records = stage.tasks(run.uid);
    expect(records['refused']).toMatchObject({
      status: 'failed',
      statusReason: { reason: 'scheduler_error', description: 'there is no image of that name' },
    });
    expect(records['lost']).toMatchObject({
      status: 'failed',
      statusReason: { reason: 'orphaned', cause: 'orphaned', description: 'the machine burnt' },
    });
    const attempts = Object.fromEntries(stage.store.attempts.listOfRun(run.uid).map((attempt) => [attempt.taskId, attempt]));
    expect(await stage.logText(attempts['refused']?.uid ?? '')).toBe('there is no image of that name\n');
    expect(await stage.logText(attempts['lost']?.uid ?? '')).toBe('some\n');
    await stage.orchestrator.removalsDone();
    expect(stage.store.attempts.enginesInUse()).toEqual([]);
    expectWellEnded(stage, run.uid, tasks);
  });

  it('tries again where the scheduler cannot be reached', async () => {
    await open();
    const run = await stage.submit(await stage.pipeline('away', [{ id: 'one', image: 'unreachable' }]));
    expect((await stage.ended(run.uid)).status).toBe('successful');
  });

  it('of ten thousand tasks ends', async () => {
    await open({ limits: { runningTasks: 200 } });
    const tasks = Array.from({ length: 10_000 }, (_, task) => ({
      id: `t${task}`,
      ...(task >= 100 ? { depends_on: { [`t${task % 100}`]: 'Success' as const } } : {}),
    }));
    const run = await stage.submit(await stage.pipeline('large', tasks));
    expect((await stage.ended(run.uid, 55_000)).status).toBe('successful');
    expect(stage.store.taskExecutions.list(run.uid).every(({ status }) => status === 'successful')).toBe(true);
  });
});

describe('cancelling', () => {
  it('ends a queued run at once, and the next one takes its turn', async () => {
    await open({ limits: { globalRuns: 1 } });
    const tasks = [{ id: 'one', steps: HANGS }];
    const pipeline = await stage.pipeline('queue', tasks);
    const [first, second, third] = [await stage.submit(pipeline), await stage.submit(pipeline), await stage.submit(pipeline)];
    expect(waitingText(stage.orchestrator.runWaiting(third))).toBe('server limit of 1 run reached; queued behind 1 run');
    expect(waitingText(stage.orchestrator.taskWaiting(third, 'one'))).toBe('server limit of 1 run reached; queued behind 1 run');
    stage.cancelRun(second.uid, 1000);
    expect(await stage.ended(second.uid)).toMatchObject({
      status: 'cancelled',
      statusReason: { reason: 'user_cancelled', cause: 'cancelled', by: { user: 'test' } },
    });
    expect(stage.run(third.uid).state).toBe('pending');
    for (const run of [first, third]) {
      await stage.until(run.uid, isRunning(run.uid, 'one'));
      stage.cancelRun(run.uid, 1000);
      await stage.ended(run.uid);
      expectWellEnded(stage, run.uid, tasks);
    }
    expectWellEnded(stage, second.uid, tasks);
  });

  it('of one task holds in every phase of its life', async () => {
    await open({ limits: { runningTasks: 3 } });
    const tasks = [
      { id: 'a-runs', steps: HANGS },
      { id: 'b-stubborn', steps: [{ ignore_term: true }, ...HANGS] },
      { id: 'c-starts', image: 'pulls' },
      { id: 'd-has-no-slot' },
      { id: 'e-waits', depends_on: { 'a-runs': 'Any' } },
      { id: 'f-after', depends_on: { 'e-waits': 'Failure' } },
    ] as const;
    const run = await stage.submit(await stage.pipeline('phases', tasks));
    const reason = (taskId: string) => waitingText(stage.orchestrator.taskWaiting(run, taskId));
    await stage.until(
      run.uid,
      () => isRunning(run.uid, 'a-runs')() && isRunning(run.uid, 'b-stubborn')() && reason('c-starts') === 'pulling image 42 %',
    );
    expect(reason('a-runs')).toBe('running');
    expect(reason('d-has-no-slot')).toBe('engine limit of 3 running tasks reached');
    expect(reason('e-waits')).toBe('waiting for: a-runs');
    const cancel = (taskId: string, graceMs: number): void => void stage.cancelTask(run.uid, taskId, graceMs);
    cancel('e-waits', 0);
    cancel('d-has-no-slot', 0);
    await stage.until(run.uid, () => stage.tasks(run.uid)['d-has-no-slot']?.status === 'cancelled');
    cancel('c-starts', 0);
    cancel('b-stubborn', 3_600_000);
    await stage.until(run.uid, () => reason('b-stubborn') === 'cancelled by test; SIGTERM was sent');
    // A shorter patience overrides a longer one.
    cancel('b-stubborn', 0);
    cancel('a-runs', 1000);
    expect((await stage.ended(run.uid)).status).toBe('failed');
    expect(stage.statuses(run.uid)).toEqual({
      'a-runs': 'cancelled',
      'b-stubborn': 'cancelled',
      'c-starts': 'cancelled',
      'd-has-no-slot': 'cancelled',
      'e-waits': 'cancelled',
      'f-after': 'successful',
    });
    cancel('a-runs', 0);
    cancel('unknown', 0);
    expectWellEnded(stage, run.uid, tasks);
  });

  it('of a task of a queued run starts nothing, and holds when the run begins', async () => {
    await open({ limits: { globalRuns: 1 } });
    const blocker = await stage.submit(await stage.pipeline('blocker', [{ id: 'one', steps: HANGS }]));
    const tasks = [{ id: 'one' }, { id: 'two' }, { id: 'three', depends_on: { two: 'Failure' } }] as const;
    const run = await stage.submit(await stage.pipeline('queued', tasks));
    await Promise.all([stage.cancelTask(run.uid, 'two', 0), stage.cancelTask(run.uid, 'two', 0)]);
    await stage.until(run.uid, () => stage.statuses(run.uid)['two'] === 'cancelled');
    await stage.leave();
    await stage.enter();
    expect(stage.run(run.uid).state).toBe('pending');
    expect(stage.statuses(run.uid)).toEqual({ two: 'cancelled' });
    stage.cancelRun(blocker.uid, 0);
    await stage.ended(run.uid);
    expect(stage.statuses(run.uid)).toEqual({ one: 'successful', two: 'cancelled', three: 'successful' });
    expect(stage.store.attempts.listOfRun(run.uid).map(({ taskId }) => taskId)).toEqual(['one', 'three']);
  });
});

/** Fails commits on demand. */
class FailingStore extends Store {
  failures: Error[] = [];
  override commit<T>(work: () => T): Promise<T> {
    const failure = this.failures.shift();
    return failure === undefined ? super.commit(work) : Promise.reject(failure);
  }
}

class FailingDag extends InlineDagEngine {
  before = Number.POSITIVE_INFINITY;
  override async decide(graph: Graph, counters: RunCounters, finished: readonly FinishedTask[], options?: DecideOptions) {
    if ((this.before -= 1) < 0) throw new Error('a bug');
    return super.decide(graph, counters, finished, options);
  }
}

describe('trouble', () => {
  it('with a full disk delays a run, says so, and loses nothing', async () => {
    let store: FailingStore | undefined;
    await open({ openStore: (path) => (store = new FailingStore(openDatabase(path))) });
    const tasks = [{ id: 'one' }, { id: 'two', depends_on: { one: 'Success' } }] as const;
    const run = await stage.submit(await stage.pipeline('full', tasks));
    const reasons = new Set<string | undefined>();
    stage.orchestrator.onChange(run.uid, () => reasons.add(waitingText(stage.orchestrator.runWaiting(run))));
    const full = (): Error => new GoferError('STORAGE_FULL', 'The disk is full.');
    if (store !== undefined) store.failures = [full(), full()];
    expect((await stage.ended(run.uid)).status).toBe('successful');
    expect(reasons).toContain('the database does not take what has happened: The disk is full.');
    expectWellEnded(stage, run.uid, tasks);
  });

  it.for([0, 1, 2])('of our own making ends the run loudly (%i), and frees what it held', async (before) => {
    const dag = new FailingDag();
    await open({ dag: () => dag, limits: { runningTasks: 2, globalRuns: 1 } });
    const tasks = [
      { id: 'a' },
      { id: 'b' },
      { id: 'c', steps: HANGS },
      { id: 'd', steps: HANGS },
      { id: 'e', depends_on: { d: 'Any' } },
    ] as const;
    const next = await stage.pipeline('next', [{ id: 'one' }]);
    if (before < 2) dag.before = before;
    const run = await stage.submit(await stage.pipeline('bug', tasks));
    if (before === 2) {
      await stage.until(run.uid, () => isRunning(run.uid, 'c')() && isRunning(run.uid, 'd')());
      dag.before = 0;
      void stage.cancelTask(run.uid, 'e', 0);
    }
    const ended = await stage.ended(run.uid);
    expect(ended).toMatchObject({ status: 'failed', statusReason: { reason: 'scheduler_error', description: 'internal error: a bug' } });
    expect(stage.logged.join('\n')).toContain('a run was given up');
    const records = Object.values(stage.tasks(run.uid));
    expect(records.map(({ state }) => state)).toEqual(tasks.map(() => 'complete'));
    expect(stage.eventsOf(run).filter((event) => event.startsWith('completed_task_execution'))).toHaveLength(tasks.length);
    dag.before = Number.POSITIVE_INFINITY;
    const after = await stage.submit(next);
    expect((await stage.ended(after.uid)).status).toBe('successful');
    await stage.orchestrator.removalsDone();
    expect(await stage.scheduler.list({ instance: stage.store.system.instanceId })).toEqual([]);
  });
});
