import { existsSync } from 'node:fs';
import { fakeScheduler } from '@gofer/scheduler-fake';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NEVER, ServiceStage } from '../services/service-stage.fixture.ts';
import type { PipelinePath } from '../services/services.ts';
import { Expiry, type RetentionLimits } from './expiry.ts';
import { Retention } from './retention.ts';

const HANGS = [{ sleep_ms: 3_600_000 }];
const TASKS = [{ id: 'one', steps: [{ print: 'hello\n' }] }];
const LIMITS: RetentionLimits = {
  logRuns: 2,
  objectRuns: 2,
  versions: 2,
  eventsMs: 3_600_000,
  auditMs: 3_600_000,
  deliveriesMs: 3_600_000,
};

const EXTENSION = {
  id: 'github',
  image: 'builtin:github',
  registry: undefined,
  settings: [],
  sealed: undefined,
  key: 'key',
  tokenId: 'token',
  additionalRoles: [],
  enabled: true,
  created: 1,
  modified: 1,
};

let services: ServiceStage;
let now: () => number;
beforeEach(async () => {
  now = Date.now;
  services = await ServiceStage.open({ scheduler: (host) => fakeScheduler.create({}, host) });
});
afterEach(() => services.close());

function expiryOf(limits: Partial<RetentionLimits> = {}): Expiry {
  const { store, logs, stores } = services.stage;
  const { objects, secrets } = stores;
  return new Expiry({ store, logs, objects, secrets, limits: { ...LIMITS, ...limits }, now: () => now(), leave: NEVER });
}

async function runs(path: PipelinePath, count: number): Promise<void> {
  for (let run = 0; run < count; run += 1) await services.startAndEnd(path);
}

const put = (path: PipelinePath, runId: number, key = 'key') =>
  services.objects.put(
    { ...path, runId },
    key,
    (async function* () {
      yield Buffer.from('contents');
    })(),
    { force: false, signal: NEVER },
  );

const task = (path: PipelinePath, runId: number) => ({ ...path, runId, taskId: 'one' });

describe('task logs', () => {
  it('are kept for the newest runs; the older ones say that they have expired', async () => {
    const path = await services.deploy('logs', TASKS);
    await runs(path, 4);
    await expiryOf().ofPipeline(services.uidOf(path));
    for (const runId of [1, 2]) {
      await expect(services.logs.stat(task(path, runId))).rejects.toMatchObject({
        code: 'GONE',
        message: expect.stringContaining('api.task_execution_log_expiry'),
      });
      expect(await services.tasks.get(task(path, runId))).toMatchObject({ logs_expired: true, logs_removed: true, status: 'successful' });
    }
    for (const runId of [3, 4]) expect(await services.logs.stat(task(path, runId))).toMatchObject({ lines: 1 });
    const kept = services.stage.store.runs.uidsOf(services.uidOf(path)).flatMap((uid) => services.stage.store.attempts.listOfRun(uid));
    const files = kept.map(({ uid }) => existsSync(`${services.stage.directory}/logs/${uid.slice(-2)}/${uid}.log`));
    expect(files.filter(Boolean)).toHaveLength(2);
  });

  it('of runs that go on, and those that are being read, are left for a later look', async () => {
    const path = await services.deploy('in-use', [{ id: 'one', steps: HANGS }]);
    const { run_id: hanging } = await services.start(path);
    await services.running({ ...path, runId: hanging }, 'one');
    await services.deploy('in-use', TASKS);
    await runs(path, 3);
    const reading = (await services.logs.read(task(path, 2), { follow: false, format: 'lines', signal: NEVER }))[Symbol.asyncIterator]();
    await reading.next();
    const expiry = expiryOf({ logRuns: 1 });
    await expiry.ofPipeline(services.uidOf(path));
    expect(await services.logs.stat(task(path, 2))).toMatchObject({ lines: 1 });
    await expect(services.logs.stat(task(path, 3))).rejects.toMatchObject({ code: 'GONE' });
    await reading.return?.();
    await services.tasks.cancel(task(path, hanging), { id: 'ann', user: 'ann' }, 0);
    await services.runs.wait({ ...path, runId: hanging }, 30, NEVER);
    await expiry.ofPipeline(services.uidOf(path));
    for (const runId of [hanging, 2]) await expect(services.logs.stat(task(path, runId))).rejects.toMatchObject({ code: 'GONE' });
  });

  it('that were marked and not deleted before a crash are deleted by the next look', async () => {
    const path = await services.deploy('crash', TASKS);
    await runs(path, 3);
    const { store, logs } = services.stage;
    const first = store.runs.find(services.uidOf(path), 1)?.uid ?? '';
    await store.commit(() => store.attempts.markLogsExpired(first));
    await expiryOf().ofPipeline(services.uidOf(path));
    await expect(logs.stat(store.attempts.listOfRun(first)[0]?.uid ?? '')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(store.runs.byUid(first)?.logsExpired).toBe(true);
  });
});

describe('run objects', () => {
  it('live for so many runs, whatever becomes of these', async () => {
    const path = await services.deploy('objects', TASKS);
    const uid = services.uidOf(path);
    const expiry = expiryOf();
    // Put on run 5, with an expiry of 2, they are gone on run 7.
    await runs(path, 5);
    await put(path, 5);
    await services.startAndEnd(path);
    await expiry.ofPipeline(uid);
    expect(await services.objects.list({ ...path, runId: 5 }, {})).toHaveLength(1);
    await services.startAndEnd(path);
    await expiry.ofPipeline(uid);
    const gone = { code: 'GONE', message: expect.stringContaining('object_store.run_object_expiry') };
    await expect(services.objects.list({ ...path, runId: 5 }, {})).rejects.toMatchObject(gone);
    await expect(services.objects.get({ ...path, runId: 5 }, 'key')).rejects.toMatchObject(gone);
    await expect(put(path, 5, 'late')).rejects.toMatchObject(gone);
    expect((await services.runs.get({ ...path, runId: 5 })).store_objects_expired).toBe(true);
    expect((await services.runs.get({ ...path, runId: 6 })).store_objects_expired).toBe(false);
    expect(await services.stage.stores.kept()).toMatchObject({ objects: [] });
  });

  it('that had expired and were not taken away before a crash are taken by the next look', async () => {
    const path = await services.deploy('halfway', TASKS);
    await runs(path, 3);
    await put(path, 1);
    const { store } = services.stage;
    const first = store.runs.find(services.uidOf(path), 1)?.uid ?? '';
    await store.commit(() => store.runs.setObjectsExpired(first));
    await expiryOf().ofPipeline(services.uidOf(path));
    expect(store.objects.list(first, -1, 0)).toEqual([]);
    expect(await services.stage.stores.kept()).toMatchObject({ objects: [] });
  });

  it('of many runs go in batches, all of them', async () => {
    const path = await services.deploy('many', TASKS);
    await Promise.all(Array.from({ length: 130 }, () => services.startAndEnd(path)));
    await put(path, 1);
    await put(path, 64);
    await put(path, 129);
    await expiryOf().ofPipeline(services.uidOf(path));
    const expired = (await services.runs.list(path, { limit: 200, offset: 0, reverse: false })).filter((run) => run.store_objects_expired);
    expect(expired).toHaveLength(128);
    expect((await services.stage.stores.kept()).objects).toHaveLength(1);
  });
});

describe('versions', () => {
  it('beyond the newest ones expire, but for the live one and those of runs that are kept', async () => {
    const path = await services.deploy('versions', TASKS);
    await services.startAndEnd(path);
    const register = () =>
      services.configs.register(path, {
        id: 'versions',
        name: 'v',
        parallelism: 0,
        tasks: [{ ...TASK_JSON, registry_auth: { user: 'u', pass: 'secret-pass' } }],
      });
    for (let version = 2; version <= 6; version += 1) await register();
    await services.configs.deploy(path, 2);
    expect((await services.stage.stores.kept()).secrets).toHaveLength(5);
    await expiryOf().ofPipeline(services.uidOf(path));
    const { store } = services.stage;
    expect(store.configs.states(services.uidOf(path)).map(({ version }) => version)).toEqual([1, 2, 5, 6]);
    await expect(services.configs.get(path, 3)).rejects.toMatchObject({
      code: 'GONE',
      message: expect.stringContaining('api.pipeline_version_retention'),
    });
    await expect(services.configs.get(path, 7)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await services.stage.stores.kept()).secrets).toHaveLength(3);
    expect((await register()).config?.version).toBe(7);
  });
});
const TASK_JSON = { id: 'one', image: 'any', depends_on: {}, variables: {}, inject_api_token: false, always_pull_newest_image: false };

describe('events', () => {
  it('older than they may be are deleted, in batches, and say that they have expired', async () => {
    const { store } = services.stage;
    const old = await store.commit(() => {
      let id = '';
      for (let event = 0; event < 1200; event += 1)
        id = store.events.emit('created_namespace', { namespace_id: `n${event}` }, Date.now() - 7_200_000);
      return id;
    });
    const fresh = await store.commit(() => store.events.emit('created_namespace', { namespace_id: 'fresh' }, Date.now()));
    await expiryOf().events();
    expect(store.events.after(0, 2000).map(({ event }) => event.id)).toContain(fresh);
    expect(store.events.after(0, 2000).length).toBeLessThan(10);
    await expect(services.events.get(old)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const ancient = '01800000-0000-7000-8000-000000000000';
    await expect(services.events.get(ancient)).rejects.toMatchObject({
      code: 'GONE',
      message: expect.stringContaining('api.event_log_retention'),
    });
    await expect(services.events.get('no-uuid')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('external events', () => {
  it('are removed when they are too old, also those that nobody has taken, and these are counted', async () => {
    const { deliveries, extensions } = services.stage.store;
    const event = (id: string, received: number) => ({ id, received, headers: {}, body: Buffer.from('event') });
    await services.stage.store.commit(() => {
      extensions.insert({ ...EXTENSION, uid: 'uid' });
      for (let index = 0; index < 25; index += 1) deliveries.insert('gone', event(`gone-${index}`, 3_601_000));
      for (let index = 0; index < 45; index += 1) deliveries.insert('uid', event(`old-${index}`, 1000));
      deliveries.insert('uid', event('new', 2001));
    });
    const all = () => deliveries.list('uid', { state: undefined, limit: -1, offset: 0 });
    const due = deliveries.due('uid', 0, 5);
    const taken = { state: 'delivered', nextAttempt: 0, finished: 1, statusCode: 204, message: undefined } as const;
    await services.stage.store.commit(() => {
      for (const { seq } of due) deliveries.record(seq, taken);
    });
    now = () => 3_602_000;
    expect(await expiryOf().deliveries()).toBe(40);
    expect(all().map(({ id }) => id)).toEqual(['new']);
    expect(deliveries.list('gone', { state: undefined, limit: -1, offset: 0 })).toEqual([]);
    expect(await expiryOf().deliveries()).toBe(0);
  });
});

describe('the looks', () => {
  it('follow the end of a run, and the timer', async () => {
    const looked: string[] = [];
    const expiry = {
      ofPipeline: async (uid: string) => void looked.push(uid),
      events: async () => void looked.push('events'),
      identity: async () => undefined,
      deliveries: async () => 0,
    };
    const log = (): void => undefined;
    const retention = new Retention({
      store: services.stage.store,
      expiry,
      intervalMs: 50,
      log,
      leave: NEVER,
    });
    const path = await services.deploy('looked-at', TASKS);
    const uid = services.uidOf(path);
    retention.runEnded(uid);
    retention.runEnded(uid);
    await expect.poll(() => looked).toEqual([uid]);
    retention.start();
    await expect.poll(() => looked.filter((each) => each === 'events').length).toBeGreaterThan(2);
    await retention.close();
    expect(looked[1]).toBe(uid);
  });

  it('leave a turn of the event loop to others between two pipelines, also where nothing has expired', async () => {
    let turn = 0;
    let isLooking = true;
    const count = (): void => {
      turn += 1;
      if (isLooking) setImmediate(count);
    };
    const turns: number[] = [];
    const expiry = {
      ofPipeline: async () => void turns.push(turn),
      events: async () => undefined,
      identity: async () => undefined,
      deliveries: async () => 0,
    };
    for (const id of ['first', 'second', 'third']) await services.deploy(id, TASKS);
    const retention = new Retention({ store: services.stage.store, expiry, intervalMs: 2 ** 40, log: () => undefined, leave: NEVER });
    count();
    await retention.lookAtAll();
    isLooking = false;
    expect(turns).toHaveLength(3);
    expect(new Set(turns).size).toBe(3);
  });

  it('that fail are logged, and tried again', async () => {
    const logged: string[] = [];
    let fails = true;
    const expiry = {
      ofPipeline: async () => undefined,
      identity: async () => undefined,
      deliveries: async () => 2,
      events: async () => {
        if (fails) throw new Error('the disk is away');
        logged.push('done');
      },
    };
    const log = (level: string, message: string, fields?: object): void =>
      void logged.push(`${level} ${message} ${JSON.stringify(fields)}`);
    const retention = new Retention({
      store: services.stage.store,
      expiry,
      intervalMs: 2 ** 40,
      log,
      leave: NEVER,
    });
    await retention.lookAtAll();
    expect(logged).toEqual([expect.stringMatching(/^warn .*tried again later.*the disk is away/)]);
    fails = false;
    await retention.lookAtAll();
    expect(logged.slice(1)).toEqual(['done', expect.stringMatching(/^warn external events were removed .*"untaken":2/)]);
    await retention.close();
  });
});
