import { setTimeout } from 'node:timers/promises';
import { fakeScheduler } from '@gofer/scheduler-fake';
import { afterEach, describe, expect, it } from 'vitest';
import { type AnyScheduler, RunStage, type StageOptions, waitingText } from './run-stage.fixture.ts';

const HANGS = [{ print: 'up\n' }, { sleep_ms: 3_600_000 }];
const NEVER = new AbortController().signal;

let stage: RunStage;
async function open(options: Partial<StageOptions> = {}): Promise<RunStage> {
  stage = await RunStage.open({ scheduler: (host) => fakeScheduler.create({}, host), ...options });
  return stage;
}
afterEach(async () => {
  await stage.orchestrator.removalsDone();
  expect(stage.orchestrator.load).toEqual({ runs: 0, tasks: 0 });
  await stage.close();
});
const isRunning = (runUid: string, taskId: string) => () => stage.tasks(runUid)[taskId]?.state === 'running';
const SPEC = {
  image: 'any',
  env: {},
  pullPolicy: 'missing',
  limits: {},
  ports: [],
  entrypoint: ['gofer-fake-steps'],
  command: [JSON.stringify(HANGS)],
} as const;

/** As an engine that is asked over a network: no end is known at once. */
function withSlowEnds(scheduler: AnyScheduler): AnyScheduler {
  return new Proxy(scheduler, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (property === 'wait')
        return async (...call: Parameters<AnyScheduler['wait']>) => {
          const exit = await target.wait(...call);
          await setTimeout(20);
          return exit;
        };
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function startBeside(attemptId: string, labels: Record<string, string>): Promise<void> {
  for await (const _ of stage.scheduler.start({ ...SPEC, attemptId, labels }, NEVER)) continue;
}

describe('after a restart', () => {
  it('a task that waited gets the slot that was free when the server went', async () => {
    await open({ limits: { runningTasks: 1 } });
    const pipeline = await stage.pipeline('waiter', [{ id: 'one' }, { id: 'two' }]);
    const blocker = await stage.submit(await stage.pipeline('blocker', [{ id: 'one', steps: HANGS }]));
    await stage.until(blocker.uid, isRunning(blocker.uid, 'one'));
    const run = await stage.submit(pipeline);
    await stage.until(run.uid, () => stage.tasks(run.uid)['two'] !== undefined);
    // What held the slot is over and gone by the time the next server comes.
    await stage.store.commit(() => {
      const [attempt] = stage.store.attempts.listOfRun(blocker.uid);
      const end = { ended: 1, status: 'failed', reason: undefined, exitCode: 1 } as const;
      stage.store.attempts.end(attempt?.uid ?? '', { ...end, log: undefined });
      stage.store.taskExecutions.end(blocker.uid, 'one', end);
      stage.store.runs.complete(blocker.uid, 1, 'failed', undefined);
    });
    await stage.leave();
    await stage.enter();
    expect((await stage.ended(run.uid)).status).toBe('successful');
  });

  it('queued runs keep their order', async () => {
    await open({ limits: { pipelineRuns: 1 } });
    const pipeline = await stage.pipeline('queue', [{ id: 'one', steps: HANGS }]);
    const runs = [];
    for (let run = 0; run < 5; run += 1) runs.push(await stage.submit(pipeline));
    await stage.until(runs[0]?.uid ?? '', isRunning(runs[0]?.uid ?? '', 'one'));
    await stage.leave();
    await stage.enter();
    for (const [index, run] of runs.entries()) {
      const queued = runs.slice(index + 1).map((later) => stage.run(later.uid).state);
      expect(new Set(queued).size).toBeLessThanOrEqual(1);
      for (const [ahead, later] of runs.slice(index + 1).entries()) {
        const place = ahead === 0 ? 'next to start' : `queued behind ${ahead} run${ahead === 1 ? '' : 's'}`;
        expect(waitingText(stage.orchestrator.runWaiting(stage.run(later.uid)))).toBe(`pipeline limit of 1 run reached; ${place}`);
      }
      await stage.until(run.uid, isRunning(run.uid, 'one'));
      stage.cancelRun(run.uid, 0);
      await stage.ended(run.uid);
    }
  });

  it('a cancellation goes on, and nothing new is started', async () => {
    await open();
    const tasks = [
      { id: 'stubborn', steps: [{ ignore_term: true }, ...HANGS] },
      { id: 'after', depends_on: { stubborn: 'Any' } },
    ] as const;
    const run = await stage.submit(await stage.pipeline('cancelled', tasks));
    await stage.until(run.uid, isRunning(run.uid, 'stubborn'));
    stage.cancelRun(run.uid, 200);
    await stage.until(run.uid, () => stage.run(run.uid).cancellation !== undefined);
    await stage.leave();
    await stage.enter();
    expect(await stage.ended(run.uid)).toMatchObject({ status: 'cancelled', statusReason: { reason: 'user_cancelled' } });
    expect(stage.statuses(run.uid)).toEqual({ stubborn: 'cancelled', after: 'cancelled' });
    expect(stage.store.attempts.listOfRun(run.uid)).toHaveLength(1);
    expect(stage.eventsOf(run).filter((event) => event.includes('cancellation'))).toEqual([
      'started_run_cancellation',
      'started_task_execution_cancellation stubborn',
    ]);
  });

  it('a task whose scheduler is not there any more fails with that reason', async () => {
    await open();
    const run = await stage.submit(
      await stage.pipeline('moved', [
        { id: 'one', steps: HANGS },
        { id: 'two', depends_on: { one: 'Failure' } },
      ]),
    );
    await stage.until(run.uid, isRunning(run.uid, 'one'));
    await stage.leave();
    await stage.enter({ engine: 'other' });
    await stage.ended(run.uid);
    expect(stage.tasks(run.uid)['one']?.statusReason).toEqual({
      reason: 'orphaned',
      cause: 'orphaned',
      description: "it was started by the scheduler 'fake', which this server does not have any more",
    });
    expect(stage.statuses(run.uid)).toEqual({ one: 'failed', two: 'successful' });
    expect(stage.store.attempts.listOfRun(run.uid).map(({ engine }) => engine)).toEqual(['fake', 'other']);
    expect(stage.store.attempts.enginesInUse()).toContain('fake');
    await stage.leave();
    await stage.enter({ engine: 'fake' });
  });

  it('what earlier servers left is removed, what others run is not', async () => {
    await open();
    const instance = stage.store.system.instanceId;
    const run = await stage.submit(await stage.pipeline('running', [{ id: 'one', steps: HANGS }]));
    await stage.until(run.uid, isRunning(run.uid, 'one'));
    const ended = await stage.submit(await stage.pipeline('ended', [{ id: 'one' }]));
    await stage.ended(ended.uid);
    await stage.orchestrator.removalsDone();
    const [kept] = stage.store.attempts.listOfRun(ended.uid);
    await startBeside('unknown-to-the-database', { instance, attempt: 'unknown-to-the-database' });
    await startBeside('of-another-server', { instance: 'another', attempt: 'of-another-server' });
    await startBeside(kept?.uid ?? '', { instance, attempt: kept?.uid ?? '' });
    await startBeside('of-an-extension', { instance, attempt: 'of-an-extension', extension: 'its-uid' });
    // As if the server had gone before the removal was written down.
    await stage.store.commit(() =>
      stage.store.attempts.insert({ uid: 'never-heard-of', runUid: ended.uid, taskId: 'one', number: 2, engine: 'fake', created: 1 }),
    );
    await stage.store.commit(() =>
      stage.store.attempts.end('never-heard-of', { ended: 2, status: 'failed', exitCode: 1, reason: undefined, log: undefined }),
    );
    await startBeside('never-heard-of', { instance, attempt: 'never-heard-of' });
    await stage.leave();
    await stage.enter();
    const remaining = async (): Promise<string[]> =>
      (await stage.scheduler.list({})).map(({ labels }) => labels['attempt'] ?? '').toSorted();
    const [live] = stage.store.attempts.listOfRun(run.uid);
    const expected = ['of-an-extension', 'of-another-server', live?.uid ?? '', kept?.uid ?? ''].toSorted();
    const until = performance.now() + 10_000;
    while ((await remaining()).length > expected.length && performance.now() < until) await new Promise((resolve) => setImmediate(resolve));
    expect(await remaining()).toEqual(expected);
    stage.cancelRun(run.uid, 0);
    await stage.ended(run.uid);
    for (const { handle } of await stage.scheduler.list({})) await stage.scheduler.remove(handle);
  });

  it('a queued run with a task that has ended already is cancelled like any other', async () => {
    await open({ limits: { pipelineRuns: 1 } });
    const pipeline = await stage.pipeline('full', [{ id: 'one', steps: HANGS }, { id: 'two' }]);
    const first = await stage.submit(pipeline);
    await stage.until(first.uid, isRunning(first.uid, 'one'));
    const queued = await stage.submit(pipeline);
    await stage.cancelTask(queued.uid, 'two', 0);
    await stage.leave();
    await stage.enter();
    stage.cancelRun(queued.uid, 0);
    expect(await stage.ended(queued.uid)).toMatchObject({ status: 'cancelled', statusReason: { reason: 'user_cancelled' } });
    expect(stage.statuses(queued.uid)).toEqual({ one: 'cancelled', two: 'cancelled' });
    stage.cancelRun(first.uid, 0);
    await stage.ended(first.uid);
  });

  it('a run whose definition is damaged ends with its tasks, and leaves no slot taken and no task behind', async () => {
    await open({ limits: { runningTasks: 1 } });
    const run = await stage.submit(await stage.pipeline('damaged', [{ id: 'one', steps: HANGS }]));
    await stage.until(run.uid, isRunning(run.uid, 'one'));
    await stage.leave();
    stage.damageDefinitions();
    await stage.enter();
    await stage.store.commit(() => {});
    expect(stage.run(run.uid)).toMatchObject({ state: 'complete', status: 'failed', statusReason: { cause: 'internal' } });
    expect(stage.statuses(run.uid)).toEqual({ one: 'failed' });
    expect(stage.store.attempts.listOfRun(run.uid).map(({ state }) => state)).toEqual(['complete']);
    await stage.orchestrator.removalsDone();
    expect(await stage.scheduler.list({})).toEqual([]);
    await stage.leave();
    await stage.enter();
    expect(stage.orchestrator.load).toEqual({ runs: 0, tasks: 0 });
  });

  it('a task that ended in time while no server was there was not ended by its timeout', async () => {
    await open({ scheduler: async (host) => withSlowEnds(await fakeScheduler.create({}, host)) });
    const run = await stage.submit(
      await stage.pipeline('in-time', [{ id: 'one', timeout: 1, steps: [{ print: 'up\n' }, { sleep_ms: 200 }] }]),
    );
    await stage.until(run.uid, isRunning(run.uid, 'one'));
    await stage.leave();
    // The limit passes while it is over already.
    await setTimeout(1100);
    await stage.enter();
    await stage.ended(run.uid);
    expect(stage.tasks(run.uid)['one']).toMatchObject({ status: 'successful', exitCode: 0 });
  });
});
