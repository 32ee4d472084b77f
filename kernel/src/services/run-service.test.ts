import { fakeScheduler } from '@gofer/scheduler-fake';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pipelineJson } from '../orchestrator/run-stage.fixture.ts';
import { ANN, at, INITIATOR, NEVER, ServiceStage } from './service-stage.fixture.ts';

const HANGS = [{ sleep_ms: 3_600_000 }];
let services: ServiceStage;
beforeAll(async () => {
  services = await ServiceStage.open({
    scheduler: (host) =>
      fakeScheduler.create({ script: [{ image: 'pulls', progress: ['pulling image 7 %'], start_delay_ms: 3_600_000 }] }, host),
    limits: { pipelineRuns: 2 },
  });
});
afterAll(() => services.close());

describe('starting a run', () => {
  it('refuses variables that no environment can carry, with every fault at its path', async () => {
    const path = await services.deploy('unfit', [{ id: 'one' }]);
    const variables = { 'A=B': 'x', C: 'nul \0', D: 'x'.repeat(200_000) };
    await expect(services.start(path, { variables })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      details: [{ path: '$.variables["A=B"]' }, { path: '$.variables.C' }, { path: '$.variables.D' }],
    });
  });
  it('answers with the queued run, which ends', async () => {
    const path = await services.deploy('start', [{ id: 'one' }]);
    const run = await services.start(path, { variables: { A: '1' } });
    expect(run).toMatchObject({
      run_id: 1,
      pipeline_config_version: 1,
      ended: 0,
      status: 'unknown',
      initiator: INITIATOR,
      variables: [{ key: 'A', value: '1', source: 'run_options' }],
    });
    expect(run.waiting_reason).toBeDefined();
    expect(await services.events.get(run.event_id ?? '')).toMatchObject({
      kind: { queued_run: { namespace_id: 'default', pipeline_id: 'start', run_id: 1 } },
    });
    const ended = await services.runs.wait({ ...path, runId: 1 }, 20, NEVER);
    expect(ended).toMatchObject({ state: 'complete', status: 'successful', status_reason: null });
    expect(ended).not.toHaveProperty('waiting_reason');
    expect(await services.startAndEnd(path)).toMatchObject({ run_id: 2 });
    const ids = async (query: { limit: number; offset: number; reverse: boolean }) =>
      (await services.runs.list(path, query)).map((each) => each.run_id);
    expect(await ids({ limit: 10, offset: 0, reverse: false })).toEqual([1, 2]);
    expect(await ids({ limit: 10, offset: 0, reverse: true })).toEqual([2, 1]);
    expect(await ids({ limit: 1, offset: 1, reverse: true })).toEqual([1]);
  });

  it('with the key of somebody else shows their run to nobody who may not read it', async () => {
    const path = await services.deploy('foreign-keys', [{ id: 'one' }]);
    const first = await services.start(path, { idempotencyKey: 'k', variables: { OF_ANOTHER: 'x' } });
    const other = { idempotencyKey: 'k', initiator: { id: 'other', user: 'other' } };
    await expect(services.start(path, { ...other, mayRead: () => false })).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect((await services.start(path, other)).run_id).toBe(first.run_id);
    expect((await services.start(path, { idempotencyKey: 'k', mayRead: () => false })).run_id).toBe(first.run_id);
    await services.runs.wait({ ...path, runId: first.run_id }, 20, NEVER);
  });

  it('with the same key answers with the same run, at once or later', async () => {
    const path = await services.deploy('keys', [{ id: 'one' }]);
    const other = await services.deploy('other-keys', [{ id: 'one' }]);
    const runs = await Promise.all([1, 2, 3].map(() => services.start(path, { idempotencyKey: 'k' })));
    expect(runs.map((run) => run.run_id)).toEqual([1, 1, 1]);
    await services.runs.wait({ ...path, runId: 1 }, 20, NEVER);
    expect(await services.start(path, { idempotencyKey: 'k' })).toMatchObject({ run_id: 1, status: 'successful' });
    expect((await services.start(path, { idempotencyKey: 'l' })).run_id).toBe(2);
    expect((await services.start(other, { idempotencyKey: 'k' })).run_id).toBe(1);
    for (const idempotencyKey of ['', 'x'.repeat(256)])
      await expect(services.start(path, { idempotencyKey })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    for (const runId of [2]) await services.runs.wait({ ...path, runId }, 20, NEVER);
    await services.runs.wait({ ...other, runId: 1 }, 20, NEVER);
  });

  it('is refused with the reason where it cannot be', async () => {
    const path = at('refused');
    await services.configs.register(path, pipelineJson('refused', [{ id: 'one' }]));
    await expect(services.start(path)).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: expect.stringContaining('gofer pipeline config deploy refused 1'),
    });
    await services.configs.deploy(path, 0);
    await services.pipelines.setState(path, 'disabled');
    await expect(services.start(path)).rejects.toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('disabled') });
    await services.pipelines.setState(path, 'active');
    await services.system.updatePreferences({ ignorePipelineRunEvents: true });
    await expect(services.start(path)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringContaining('ignore_pipeline_run_events'),
    });
    await services.system.updatePreferences({});
    await services.system.updatePreferences({ ignorePipelineRunEvents: false });
    expect(await services.startAndEnd(path)).toMatchObject({ run_id: 1, status: 'successful' });
  });

  it('says which part of the path does not exist', async () => {
    const path = await services.deploy('parts', [{ id: 'one' }]);
    await services.startAndEnd(path);
    const cases: [ask: () => Promise<unknown>, message: string][] = [
      [() => services.start(at('nothing')), "Pipeline 'nothing' does not exist in namespace 'default'."],
      [() => services.start(at('parts', 'nowhere')), "Namespace 'nowhere' does not exist."],
      [() => services.runs.get({ ...path, runId: 9 }), "Pipeline 'parts' has no run 9."],
      [() => services.runs.wait({ ...path, runId: 9 }, 1, NEVER), "Pipeline 'parts' has no run 9."],
      [() => services.runs.cancel({ ...path, runId: 9 }, { by: ANN, force: false }), "Pipeline 'parts' has no run 9."],
      [
        () => services.runs.list(at('nothing'), { limit: 1, offset: 0, reverse: false }),
        "Pipeline 'nothing' does not exist in namespace 'default'.",
      ],
      [() => services.tasks.list({ ...path, runId: 9 }, {}), "Pipeline 'parts' has no run 9."],
      [() => services.tasks.get({ ...path, runId: 1, taskId: 'two' }), "Run 1 of pipeline 'parts' has no task 'two'."],
      [() => services.tasks.cancel({ ...path, runId: 1, taskId: 'two' }, ANN, 1), "Run 1 of pipeline 'parts' has no task 'two'."],
    ];
    for (const [ask, message] of cases) await expect(ask()).rejects.toMatchObject({ code: 'NOT_FOUND', message });
    await expect(services.tasks.cancel({ ...path, runId: 1, taskId: 'one' }, ANN, -1)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });
});

describe('a run that goes on', () => {
  it('is waited for until it ends, the time is up, or nobody waits any more', async () => {
    const path = { ...(await services.deploy('waits', [{ id: 'one', steps: HANGS }])), runId: 1 };
    await services.start(path);
    expect(await services.runs.wait(path, 0.02, NEVER)).toMatchObject({ state: expect.stringMatching(/pending|running/) });
    const given = new AbortController();
    const left = services.runs.wait(path, 60, given.signal);
    given.abort();
    expect((await left).ended).toBe(0);
    expect((await services.runs.wait(path, 60, given.signal)).ended).toBe(0);
    const waiting = services.runs.wait(path, 60, NEVER);
    await services.running(path, 'one');
    await services.runs.cancel(path, { by: ANN, force: false });
    expect(await waiting).toMatchObject({
      status: 'cancelled',
      status_reason: { reason: 'user_cancelled', description: 'cancelled by ann', cause: 'cancelled', by: ANN },
    });
    await services.runs.cancel(path, { by: ANN, force: false });
    expect(await services.runs.wait(path, 0, NEVER)).toMatchObject({ status: 'cancelled' });
  });

  it('may be waited for and cancelled by whoever hears of it first', async () => {
    const path = await services.deploy('early', [{ id: 'one', steps: HANGS }]);
    const given = new AbortController();
    const first = (async () => {
      for await (const event of services.events.stream({ history: false, reverse: false, signal: given.signal })) {
        if (!('queued_run' in event.kind)) continue;
        await services.runs.cancel({ ...path, runId: 1 }, { by: ANN, force: false });
        return services.runs.wait({ ...path, runId: 1 }, 20, NEVER);
      }
      return undefined;
    })();
    await services.start(path);
    expect(await first).toMatchObject({ status: 'cancelled' });
    given.abort();
  });

  it('says of each task what it waits for', async () => {
    const tasks = [
      { id: 'root', image: 'pulls' },
      { id: 'child', depends_on: { root: 'Any' } },
      { id: 'brother', steps: HANGS },
    ] as const;
    const path = { ...(await services.deploy('reasons', tasks)), runId: 1 };
    await services.start(path);
    const more = [
      { ...path, runId: 2 },
      { ...path, runId: 3 },
    ];
    for (const _ of more) await services.start(path);
    await services.running(path, 'brother');
    const listed = Object.fromEntries((await services.tasks.list(path, {})).map((task) => [task.task_id, task]));
    expect(Object.keys(listed)).toEqual(['brother', 'child', 'root']);
    expect(listed['child']).toMatchObject({
      state: 'waiting',
      status: 'unknown',
      waiting_reason: 'waiting for: root',
      attempts: [],
      exit_code: null,
      variables: [],
    });
    expect(listed['root']).toMatchObject({
      state: 'processing',
      waiting_reason: 'pulling image 7 %',
      attempts: [{ attempt: 1, state: 'processing' }],
    });
    expect(listed['brother']).toMatchObject({ state: 'running', attempts: [{ attempt: 1, engine: 'fake', state: 'running' }] });
    expect(listed['brother']).toMatchObject({ waiting_reason: 'running', waiting: { kind: 'running', next: expect.any(String) } });
    expect((await services.tasks.list(path, { limit: 1, offset: 1 })).map((task) => task.task_id)).toEqual(['child']);
    expect((await services.runs.get(path)).waiting_reason).toMatch(/^waiting for: /);
    const queued = 'pipeline limit of 2 runs reached; next to start';
    expect((await services.runs.get({ ...path, runId: 3 })).waiting_reason).toBe(queued);
    expect((await services.tasks.get({ ...path, runId: 3, taskId: 'root' })).waiting_reason).toBe(queued);
    await services.tasks.cancel({ ...path, taskId: 'brother' }, ANN, 0);
    for (const each of [path, ...more]) await services.runs.cancel(each, { by: ANN, force: false });
    for (const each of [path, ...more]) expect(await services.runs.wait(each, 20, NEVER)).toMatchObject({ status: 'cancelled' });
    const ended = await services.tasks.get({ ...path, taskId: 'brother' });
    expect(ended).toMatchObject({
      state: 'complete',
      status: 'cancelled',
      status_reason: { reason: 'cancelled' },
      log: { complete: true },
    });
  });
});

describe('repeating a run', () => {
  const AGAIN = { version: 'same', fromFailed: false, initiator: INITIATOR, mayRead: () => true } as const;

  it('starts none where the disk has no room for a new run', async () => {
    const path = await services.deploy('no-room', [{ id: 'one' }]);
    const { run_id: runId } = await services.startAndEnd(path);
    services.watched.push({ what: 'the database', path: services.stage.directory });
    try {
      await expect(services.start(path)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
      await expect(services.runs.retry({ ...path, runId }, AGAIN)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    } finally {
      services.watched.pop();
    }
    const again = await services.runs.retry({ ...path, runId }, AGAIN);
    await services.runs.wait({ ...path, runId: again.run_id }, 20, NEVER);
  });

  it('tells the variables of the earlier one to nobody who may not read runs', async () => {
    const path = await services.deploy('unread', [{ id: 'one' }]);
    const { run_id: runId } = await services.startAndEnd(path);
    const mayRead = (what: string): boolean => what !== 'runs';
    await expect(services.runs.retry({ ...path, runId }, { ...AGAIN, mayRead })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(await services.runs.list(path, { limit: 10, offset: 0, reverse: false })).toHaveLength(1);
  });

  it('from its failed tasks can be cancelled while it is queued', async () => {
    const path = await services.deploy('queued-again', [
      { id: 'good' },
      { id: 'bad', steps: [{ exit: 1 }] },
      { id: 'last', depends_on: { good: 'Success' } },
    ]);
    const { run_id: runId } = await services.startAndEnd(path);
    await services.deploy('queued-again', [{ id: 'one', steps: HANGS }]);
    const busy = [
      { ...path, runId: (await services.start(path)).run_id },
      { ...path, runId: (await services.start(path)).run_id },
    ];
    const { run_id: again } = await services.runs.retry({ ...path, runId }, { ...AGAIN, fromFailed: true });
    await services.runs.cancel({ ...path, runId: again }, { by: ANN, force: false });
    expect(await services.runs.wait({ ...path, runId: again }, 20, NEVER)).toMatchObject({
      status: 'cancelled',
      status_reason: { reason: 'user_cancelled' },
    });
    const tasks = await services.tasks.list({ ...path, runId: again }, {});
    expect(tasks.map(({ task_id, status }) => [task_id, status])).toEqual([
      ['bad', 'cancelled'],
      ['good', 'successful'],
      ['last', 'successful'],
    ]);
    for (const each of busy) await services.runs.cancel(each, { by: ANN, force: true });
    for (const each of busy) await services.runs.wait(each, 20, NEVER);
  });
});
