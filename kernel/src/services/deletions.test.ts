import { fakeScheduler } from '@gofer/scheduler-fake';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ANN, NEVER, ServiceStage } from './service-stage.fixture.ts';
import type { ObjectOwner, PipelinePath } from './services.ts';

const HANGS = [{ environment: true }, { sleep_ms: 3_600_000 }];

let services: ServiceStage;
beforeEach(async () => {
  services = await ServiceStage.open({ scheduler: (host) => fakeScheduler.create({}, host) });
});
afterEach(() => services.close());

const put = (owner: ObjectOwner, key: string) =>
  services.objects.put(
    owner,
    key,
    (async function* () {
      yield Buffer.from(key);
    })(),
    { force: false, signal: NEVER },
  );

const isLogKept = (attemptUid: string) =>
  services.stage.logs.stat(attemptUid).then(
    () => true,
    () => false,
  );

/** A pipeline with whatever one can have, a run that has ended and one that goes on. */
async function furnished(id: string, namespaceId = 'default'): Promise<{ path: PipelinePath; attempts: string[] }> {
  const auth = { registry_auth: { user: 'u', pass: 'a-password' } };
  const path = await services.deploy(id, [{ id: 'one', variables: { X: 'pipeline_secret{{key}}' }, steps: [{ exit: 0 }], ...auth }], {
    namespaceId,
  });
  await services.secrets.putOfPipeline(path, { key: 'key', content: 'secret-value', force: false });
  await services.startAndEnd(path);
  await put(path, 'of the pipeline');
  await put({ ...path, runId: 1 }, 'of the run');
  await services.deploy(id, [{ id: 'one', variables: { X: 'pipeline_secret{{key}}' }, steps: HANGS, ...auth }], { namespaceId });
  const { run_id: runId } = await services.start(path);
  await services.running({ ...path, runId }, 'one');
  const { store } = services.stage;
  return { path, attempts: store.runs.uidsOf(services.uidOf(path)).flatMap((run) => store.attempts.listOfRun(run).map(({ uid }) => uid)) };
}

async function assertNothingLeft(attempts: readonly string[]): Promise<void> {
  expect(await services.stage.stores.kept()).toEqual({ objects: [], secrets: [] });
  for (const uid of attempts) {
    expect(services.stage.store.attempts.byUid(uid)).toBeUndefined();
    expect(await isLogKept(uid)).toBe(false);
  }
}

it('a pipeline goes with its logs, objects, secrets and credentials, and stops what runs', async () => {
  const { path, attempts } = await furnished('whole');
  expect(await services.stage.stores.kept()).toMatchObject({ objects: { length: 2 }, secrets: { length: 4 } });
  await services.pipelines.delete(path);
  await expect(services.secrets.listOfPipeline(path, {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await services.deletions.settled();
  await assertNothingLeft(attempts);
  // Another of that name has nothing of it.
  await services.deploy('whole', [{ id: 'one' }]);
  expect(await services.secrets.listOfPipeline(path, {})).toEqual([]);
  expect(await services.objects.list(path, {})).toEqual([]);
});

it('a namespace goes with all of its pipelines', async () => {
  await services.namespaces.create({ id: 'team-a', name: '', description: '' });
  const one = await furnished('one-of-two', 'team-a');
  const two = await furnished('two-of-two', 'team-a');
  await services.namespaces.delete('team-a');
  await services.deletions.settled();
  await assertNothingLeft([...one.attempts, ...two.attempts]);
  expect(services.stage.store.pipelines.list('team-a', -1, 0)).toEqual([]);
});

it('what a server did not finish the next one does', async () => {
  const { path, attempts } = await furnished('unfinished');
  const { store } = services.stage;
  const uid = services.uidOf(path);
  await store.commit(() => store.pipelines.hide(uid, Date.now()));
  await services.stage.leave();
  await services.stage.enter();
  services = ServiceStage.over(services.stage);
  services.deletions.resume();
  await services.deletions.settled();
  await assertNothingLeft(attempts);
  expect(services.stage.store.pipelines.hidden()).toEqual([]);
});

it('a run that has ended is purged; its number is not given again', async () => {
  const path = await services.deploy('runs', [{ id: 'one', steps: [{ print: 'x\n' }] }]);
  await services.startAndEnd(path);
  const { run_id: second } = await services.start(path, { idempotencyKey: 'once' });
  await services.runs.wait({ ...path, runId: second }, 30, NEVER);
  await put({ ...path, runId: second }, 'object');
  const [attempt] = services.stage.store.attempts.listOfRun(services.stage.store.runs.find(services.uidOf(path), second)?.uid ?? '');
  await services.runs.purge({ ...path, runId: second });
  await expect(services.runs.get({ ...path, runId: second })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(services.runs.purge({ ...path, runId: second })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect((await services.runs.list(path, { limit: 10, offset: 0, reverse: false })).map((run) => run.run_id)).toEqual([1]);
  await services.deletions.settled();
  await assertNothingLeft([attempt?.uid ?? '']);
  expect((await services.start(path, { idempotencyKey: 'once' })).run_id).toBe(3);
  await services.runs.wait({ ...path, runId: 3 }, 30, NEVER);
});

it('a run that goes on is not purged, and one that was being purged is after a restart', async () => {
  const path = await services.deploy('going-on', [{ id: 'one', steps: HANGS }]);
  const { run_id: runId } = await services.start(path);
  await services.running({ ...path, runId }, 'one');
  await expect(services.runs.purge({ ...path, runId })).rejects.toMatchObject({
    code: 'FAILED_PRECONDITION',
    message: expect.stringContaining('gofer run cancel going-on 1'),
  });
  await services.tasks.cancel({ ...path, runId, taskId: 'one' }, ANN, 0);
  await services.runs.wait({ ...path, runId }, 30, NEVER);
  const { store } = services.stage;
  const uid = store.runs.find(services.uidOf(path), runId)?.uid ?? '';
  await store.commit(() => store.runs.hide(uid, Date.now()));
  await services.stage.leave();
  await services.stage.enter();
  services = ServiceStage.over(services.stage);
  services.deletions.resume();
  await services.deletions.settled();
  expect(services.stage.store.runs.byUid(uid)).toBeUndefined();
});
