import { fakeScheduler } from '@gofer/scheduler-fake';
import { afterEach, expect, it, vi } from 'vitest';
import { RunStage } from './run-stage.fixture.ts';
import { TaskSlots } from './task-slots.ts';

const HANGS = [{ sleep_ms: 3_600_000 }];

let stage: RunStage;
afterEach(async () => {
  await stage.orchestrator.removalsDone();
  expect(stage.orchestrator.load).toEqual({ runs: 0, tasks: 0 });
  await stage.close();
});
const open = async (): Promise<void> => {
  stage = await RunStage.open({
    scheduler: (host) => fakeScheduler.create({ script: [] }, host),
    limits: { globalRuns: 1, runningTasks: 1 },
  });
};

it('finds nothing in runs that wait for what they are meant to wait for', async () => {
  await open();
  const pipeline = await stage.pipeline('well', [{ id: 'a', steps: HANGS }, { id: 'b' }, { id: 'c', depends_on: { b: 'Any' } }]);
  const [first, second] = [await stage.submit(pipeline), await stage.submit(pipeline)];
  await stage.until(first.uid, () => stage.tasks(first.uid)['a']?.state === 'running');
  expect(stage.orchestrator.watchdog.check()).toBe(0);
  for (const { uid } of [first, second]) stage.cancelRun(uid, 0);
  for (const { uid } of [first, second]) await stage.ended(uid);
  expect(stage.orchestrator.watchdog.report).toMatchObject({ checks: 1, mended: 0 });
});

it('takes up a run that is in the database and has no loop, queued or begun', async () => {
  await open();
  const pipeline = await stage.pipeline('lost', [{ id: 'one' }]);
  // The one that has begun has an attempt, whose slot whoever had the run has given back.
  const insert = (begun: boolean): Promise<string> =>
    stage.store.commit(() => {
      const uid = `lost-${begun}`;
      const initiator = { id: 'test', user: 'test' };
      stage.store.runs.insert({
        uid,
        pipelineUid: pipeline,
        configVersion: 1,
        started: 1,
        initiator,
        variables: [],
        idempotencyKey: undefined,
        owner: stage.store.system.instanceId,
      });
      if (!begun) return uid;
      stage.store.runs.setRunning(uid, 1);
      stage.store.taskExecutions.insert(uid, 'one', 1, []);
      stage.store.attempts.insert({ uid: 'attempt', runUid: uid, taskId: 'one', number: 1, engine: 'fake', created: 1 });
      return uid;
    });
  const lost = [await insert(false), await insert(true)];
  expect(stage.orchestrator.watchdog.check()).toBe(2);
  for (const uid of lost) expect((await stage.ended(uid)).status).toBe('successful');
  expect(stage.orchestrator.watchdog.report).toMatchObject({ checks: 1, mended: 2 });
  expect(stage.logged.join('\n')).toContain('no loop owns it');
  expect(stage.orchestrator.watchdog.check()).toBe(0);
});

it('moves on a task that has fallen out of the queue for slots', async () => {
  await open();
  // As nothing but a fault of ours could bring it about.
  const wait = vi.spyOn(TaskSlots.prototype, 'wait').mockImplementation(() => undefined);
  const run = await stage.submit(await stage.pipeline('slots', [{ id: 'a', steps: HANGS }, { id: 'b' }]));
  await stage.until(run.uid, () => stage.tasks(run.uid)['a']?.state === 'running');
  wait.mockRestore();
  expect(stage.orchestrator.watchdog.check()).toBe(1);
  await stage.cancelTask(run.uid, 'a', 0);
  await stage.ended(run.uid);
  expect(stage.statuses(run.uid)).toEqual({ a: 'cancelled', b: 'successful' });
  expect(stage.logged.join('\n')).toContain('nobody moves on the tasks b');
});
