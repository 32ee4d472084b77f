import { GoferError } from '@gofer/contracts';
import { fakeScheduler } from '@gofer/scheduler-fake';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pipelineJson } from '../orchestrator/run-stage.fixture.ts';
import { openDatabase } from '../storage/database.ts';
import { Store } from '../storage/store.ts';
import { at, NEVER, ServiceStage } from './service-stage.fixture.ts';

const HANGS = [{ print: 'up\n' }, { sleep_ms: 3_600_000 }];
const ONE = [{ id: 'one' }] as const;

/** Fails the next commit on demand. */
class FailingStore extends Store {
  fails = false;
  override async commit<T>(work: () => T): Promise<T> {
    if (!this.fails) return super.commit(work);
    this.fails = false;
    return super.commit(() => {
      work();
      throw new GoferError('STORAGE_FULL', 'full');
    });
  }
}

let services: ServiceStage;
let store: FailingStore;
beforeAll(async () => {
  services = await ServiceStage.open({
    scheduler: (host) => fakeScheduler.create({}, host),
    openStore: (path) => (store = new FailingStore(openDatabase(path))),
  });
});
afterAll(() => services.close());

/** Resolves when what was deleted is gone from the database too. */
async function swept(): Promise<void> {
  for (let turn = 0; turn < 5000 && store.pipelines.hidden().length > 0; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  expect(store.pipelines.hidden()).toEqual([]);
}

describe('namespaces', () => {
  it('are made, read, changed and deleted', async () => {
    const { namespaces } = services;
    const made = await namespaces.create({ id: 'team', name: 'Team', description: 'ours' });
    expect(made).toMatchObject({ id: 'team', name: 'Team', description: 'ours', modified: 0 });
    await expect(namespaces.create({ id: 'team', name: '', description: '' })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await expect(namespaces.create({ id: 'a b', name: '', description: '' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: [{ path: '$.id' }],
    });
    expect(await namespaces.update('team', { name: 'New' })).toMatchObject({
      name: 'New',
      description: 'ours',
      modified: expect.any(Number),
    });
    expect(await namespaces.update('team', {})).toMatchObject({ name: 'New' });
    await namespaces.ensureDefault();
    expect((await namespaces.list({})).map(({ id }) => id)).toEqual(['default', 'team']);
    expect((await namespaces.list({ limit: 1, offset: 1 })).map(({ id }) => id)).toEqual(['team']);
    await namespaces.delete('team');
    const asks = [
      () => namespaces.get('team'),
      () => namespaces.update('team', {}),
      () => namespaces.delete('team'),
      () => services.pipelines.list('team', {}),
    ];
    for (const ask of asks) await expect(ask()).rejects.toMatchObject({ code: 'NOT_FOUND', message: "Namespace 'team' does not exist." });
  });

  it('take everything in them along', async () => {
    await services.namespaces.create({ id: 'doomed', name: '', description: '' });
    const path = await services.deploy('inside', [{ id: 'one', steps: HANGS }], { namespaceId: 'doomed' });
    await services.start(path);
    await services.running({ ...path, runId: 1 }, 'one');
    const uid = services.uidOf(path);
    const [run = ''] = store.runs.uidsOf(uid);
    await services.namespaces.delete('doomed');
    await expect(services.runs.get({ ...path, runId: 1 })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: "Namespace 'doomed' does not exist.",
    });
    await swept();
    expect(store.runs.byUid(run)).toBeUndefined();
    await services.namespaces.create({ id: 'doomed', name: '', description: '' });
    expect(await services.pipelines.list('doomed', {})).toEqual([]);
  });
});

describe('registering', () => {
  it('keeps time limits, retries and concurrency, and answers with those that are set', async () => {
    const path = at('limits');
    const limits = {
      timeout: 7200,
      start_timeout: 60,
      retries: 2,
      retry_on: ['infrastructure', 75],
      retry_backoff: { initial: 0.5, maximum: 30, factor: 3 },
    };
    const tasks = [{ id: 'bare' }, { id: 'full', ...limits, always: true }, { id: 'unset', always: false }];
    const { config } = await services.configs.register(path, { ...pipelineJson('limits', tasks), ...limits, concurrency: 'cancel_newest' });
    expect(config).toMatchObject({ ...limits, concurrency: 'cancel_newest', tasks: { full: { ...limits, always: true } } });
    expect(await services.configs.get(path, 1)).toEqual(config);
    const v0 = Object.keys(config?.tasks.bare ?? {});
    expect(v0).toHaveLength(10);
    expect(Object.keys(config?.tasks.unset ?? {})).toEqual(v0);
    const { config: bare } = await services.configs.register(at('no-limits'), pipelineJson('no-limits', ONE));
    expect(Object.keys(config ?? {}).filter((key) => !Object.hasOwn(bare ?? {}, key))).toEqual([...Object.keys(limits), 'concurrency']);
    const bad = { ...pipelineJson('limits', [{ id: 'one', retries: 101 }]), concurrency: 'cancelNewest' };
    await expect(services.configs.register(path, bad)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: [{ path: '$.config.concurrency' }, { path: '$.config.tasks[0].retries' }],
    });
  });

  it('gives versions, and answers with every fault where it is', async () => {
    const path = at('versions');
    const first = await services.configs.register(path, pipelineJson('versions', ONE));
    expect(first).toMatchObject({
      metadata: { pipeline_id: 'versions', state: 'active' },
      config: { version: 1, state: 'unreleased', tasks: { one: { id: 'one' } } },
    });
    const [second, third] = await Promise.all([
      services.configs.register(path, pipelineJson('versions', ONE)),
      services.configs.register(path, pipelineJson('versions', ONE)),
    ]);
    expect([second.config?.version, third.config?.version]).toEqual([2, 3]);
    expect((await services.configs.list(path, {})).map(({ version }) => version)).toEqual([3, 2, 1]);
    expect((await services.configs.get(path, 0)).version).toBe(3);
    await expect(services.configs.get(path, 4)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: "There is no version 4 of pipeline 'versions'.",
    });
    const bad = {
      id: 'versions',
      name: 'x',
      tasks: [
        { id: 'a', image: 'any', depends_on: { b: 'Any' } },
        { id: 'a', image: 'UPPER' },
      ],
    };
    const fault: unknown = await services.configs.register(path, bad).catch((error: unknown) => error);
    expect(fault).toMatchObject({ code: 'INVALID_ARGUMENT' });
    const paths = fault instanceof GoferError ? fault.details.map((detail) => detail.path) : [];
    expect(paths.length).toBeGreaterThanOrEqual(3);
    expect(paths.every((each) => each.startsWith('$.config.'))).toBe(true);
    for (const input of [null, 'text', [], undefined])
      await expect(services.configs.register(path, input)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect(services.configs.register(at('another'), pipelineJson('versions', ONE))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: [{ path: '$.config.id' }],
    });
    await expect(services.configs.register(at('versions', 'nowhere'), {})).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: "Namespace 'nowhere' does not exist.",
    });
    await expect(services.pipelines.get(at('another'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('deploying', () => {
  it('decides which version runs, back and forth', async () => {
    const path = at('live');
    for (const exit of [1, 2, 3]) await services.configs.register(path, pipelineJson('live', [{ id: 'one', steps: [{ exit }] }]));
    const deployed: [number, number][] = [];
    for (const version of [2, 3, 1, 1, 0]) {
      const { start_version: start, end_version: end, state, status } = await services.configs.deploy(path, version);
      expect([state, status]).toEqual(['Complete', 'Successful']);
      deployed.push([start, end]);
      expect((await services.startAndEnd(path)).pipeline_config_version).toBe(end);
      expect((await services.configs.list(path, {})).filter((config) => config.state === 'live').map((config) => config.version)).toEqual([
        end,
      ]);
    }
    expect(deployed).toEqual([
      [2, 2],
      [2, 3],
      [3, 1],
      [1, 1],
      [1, 3],
    ]);
    expect((await services.configs.get(path, 2)).deprecated).toBeGreaterThan(0);
    const listed = await services.deployments.list(path, {});
    expect(listed.map((each) => [each.deployment_id, each.end_version])).toEqual([
      [1, 2],
      [2, 3],
      [3, 1],
      [4, 1],
      [5, 3],
    ]);
    expect(await services.deployments.get(path, 3)).toEqual(listed[2]);
    await expect(services.deployments.get(path, 9)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: "Pipeline 'live' has no deployment 9.",
    });
    await expect(services.configs.deploy(path, 9)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('protects what is needed from deletion', async () => {
    const path = at('kept');
    for (let version = 1; version <= 4; version += 1) await services.configs.register(path, pipelineJson('kept', ONE));
    await services.configs.deploy(path, 1);
    await services.startAndEnd(path);
    await services.configs.deploy(path, 2);
    const refused = async (version: number, why: string) =>
      expect(services.configs.delete(path, version)).rejects.toMatchObject({
        code: 'FAILED_PRECONDITION',
        message: expect.stringContaining(why),
      });
    await refused(1, 'belongs to runs');
    await refused(2, 'is live');
    await refused(4, 'is the newest');
    await refused(0, 'is the newest');
    await services.configs.delete(path, 3);
    await expect(services.configs.get(path, 3)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await services.configs.register(path, pipelineJson('kept', ONE))).config?.version).toBe(5);
  });
});

describe('a pipeline', () => {
  it('is switched off and on, and says so once', async () => {
    const path = await services.deploy('switch', ONE);
    const before = store.events.lastSeq();
    for (const state of ['disabled', 'disabled', 'active', 'active'] as const) await services.pipelines.setState(path, state);
    expect(store.events.after(before, 10).map(({ event }) => Object.keys(event.kind)[0])).toEqual([
      'disabled_pipeline',
      'enabled_pipeline',
    ]);
    expect(await services.pipelines.get(path)).toMatchObject({ state: 'active' });
    await expect(services.pipelines.setState(at('nothing'), 'active')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('that is deleted while it runs frees its id at once, and leaves no trace', async () => {
    const path = await services.deploy('phoenix', [
      { id: 'one', steps: HANGS },
      { id: 'two', depends_on: { one: 'Any' } },
    ]);
    await services.startAndEnd(await services.deploy('bystander', ONE));
    for (const runId of [1, 2]) {
      await services.start(path);
      await services.running({ ...path, runId }, 'one');
    }
    const uid = services.uidOf(path);
    const runs = store.runs.uidsOf(uid);
    const attempts = runs.flatMap((run) => store.attempts.listOfRun(run));
    expect(attempts).toHaveLength(2);
    const waiting = services.runs.wait({ ...path, runId: 1 }, 20, NEVER);
    await services.pipelines.delete(path);
    await expect(services.pipelines.get(path)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(services.pipelines.delete(path)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await services.deploy('phoenix', ONE);
    expect(await waiting).toMatchObject({ status: 'cancelled', status_reason: { reason: 'admin_cancelled' } });
    await swept();
    expect(await services.startAndEnd(path)).toMatchObject({ run_id: 1, pipeline_config_version: 1, status: 'successful' });
    expect(await services.deployments.list(path, {})).toHaveLength(1);
    expect(store.pipelines.byUid(uid)).toBeUndefined();
    for (const run of runs)
      expect([store.runs.byUid(run), store.taskExecutions.list(run), store.attempts.listOfRun(run)]).toEqual([undefined, [], []]);
    for (const attempt of attempts) await expect(services.stage.logs.stat(attempt.uid)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await services.stage.orchestrator.removalsDone();
    expect(await services.stage.scheduler.list({ instance: store.system.instanceId })).toEqual([]);
    expect(await services.runs.get({ ...at('bystander'), runId: 1 })).toMatchObject({ status: 'successful' });
  });

  it('whose deletion was not committed goes on', async () => {
    const path = await services.deploy('survivor', [{ id: 'one', steps: HANGS }]);
    await services.start(path);
    await services.running({ ...path, runId: 1 }, 'one');
    for (const remove of [() => services.pipelines.delete(path), () => services.namespaces.delete('default')]) {
      store.fails = true;
      await expect(remove()).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    }
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(await services.runs.get({ ...path, runId: 1 })).toMatchObject({ state: 'running' });
    expect((await services.runs.get({ ...path, runId: 1 })).status).toBe('unknown');
    await services.pipelines.delete(path);
    await swept();
  });
});
