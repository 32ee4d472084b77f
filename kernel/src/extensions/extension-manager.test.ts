import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExtensionStage, IMAGE, MISSING_IMAGE, TALKING_IMAGE } from './extension-stage.fixture.ts';

let stage: ExtensionStage;
beforeEach(async () => {
  stage = await ExtensionStage.open();
});
afterEach(() => stage.close());

const viewOf = () => stage.manager.view('watcher');
const started = (count: number) => stage.until(`start ${count}`, () => stage.started.length === count);

async function stop(): Promise<void> {
  let isStopped = false;
  void stage.manager.stop(1000).then(() => {
    isStopped = true;
  });
  await stage.until('the end', () => isStopped);
}

describe('an extension that runs', () => {
  it('is started again when it ends, as soon as that is seen and a little later each time', async () => {
    await stage.install('watcher');
    stage.manager.start();
    const pauses: number[] = [];
    for (let round = 1; round <= 12; round += 1) {
      await stage.ready('watcher');
      await stage.crash('watcher');
      await stage.until('the pause', () => viewOf().nextStart !== undefined);
      expect(viewOf()).toMatchObject({ state: 'exited', url: '', reason: 'it ended with exit code 137 (ended by SIGKILL)' });
      pauses.push((viewOf().nextStart ?? 0) - stage.clock.now());
      await started(round + 1);
    }
    expect(pauses.map((ms) => Math.round(ms / 1000))).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
    await stage.ready('watcher');
    expect(stage.store.extensions.find('watcher')).toMatchObject({
      restarts: 12,
      lastError: { message: 'it ended with exit code 137 (ended by SIGKILL)' },
    });
    // Of its logs the last ones are kept, and each says why there is one.
    const starts = stage.startsOf('watcher');
    expect(starts).toHaveLength(6);
    expect(await stage.logOf(starts.at(-2))).toBe('started again: it ended with exit code 137 (ended by SIGKILL)\nhello\n');
    expect((await stage.logs.stat(starts.at(-2)?.uid ?? '')).seal?.complete).toBe(true);
  });

  it('begins with the shortest pause again once it was healthy for a minute', async () => {
    await stage.install('watcher');
    stage.manager.start();
    for (let round = 1; round <= 3; round += 1) {
      await stage.ready('watcher');
      await stage.crash('watcher');
      await started(round + 1);
    }
    await stage.ready('watcher');
    const healthyAt = stage.clock.now();
    await stage.until('a minute', () => stage.clock.now() >= healthyAt + 60_000);
    await stage.crash('watcher');
    await stage.until('the pause', () => viewOf().nextStart !== undefined);
    expect((viewOf().nextStart ?? 0) - stage.clock.now()).toBe(1000);
  });

  it('is shown as unhealthy after three misses, healthy again when it is, and started again after six', async () => {
    await stage.install('watcher');
    stage.manager.start();
    await stage.ready('watcher');
    stage.extension.isHealthy = false;
    await stage.until('its ill health', () => viewOf().health === 'unhealthy');
    expect(viewOf()).toMatchObject({ state: 'running', reason: expect.stringContaining('it answers 500') });
    expect(stage.manager.isReady('watcher')).toBe(false);
    stage.extension.isHealthy = true;
    await stage.ready('watcher');
    expect(viewOf()).toMatchObject({ state: 'running', health: 'healthy' });
    expect(viewOf().reason).toBeUndefined();
    expect(stage.started).toHaveLength(1);
    stage.extension.isHealthy = false;
    await stage.until('its end', () => viewOf().state === 'exited');
    expect(viewOf().reason).toMatch(/^it was unhealthy 6 times in a row: /);
    expect(await stage.logOf(stage.startsOf('watcher').at(0))).toMatch(/^hello\nit is ended: it was unhealthy 6 times in a row: /);
    stage.extension.isHealthy = true;
    await stage.ready('watcher');
    expect(stage.started).toHaveLength(2);
  });

  it('that does not become healthy in time is started again, and says why', async () => {
    stage.extension.isHealthy = false;
    await stage.install('watcher');
    stage.manager.start();
    await stage.until('the failure', () => viewOf().nextStart !== undefined);
    expect(viewOf().reason).toMatch(/^it was not healthy within 60 s \(extensions\.start_timeout\): .*500/);
    expect(await stage.scheduler.list({})).toEqual([]);
    stage.extension.isHealthy = true;
    await stage.ready('watcher');
  });

  it('is ready once those who want to know of its health have given it what it is to have', async () => {
    await stage.install('watcher');
    const order: string[] = [];
    stage.manager.onReady(() => order.push('ready'));
    stage.manager.onHealthy(async (id) => {
      expect(stage.manager.isReady(id)).toBe(false);
      await stage.manager.subscribe(id, {
        namespaceId: 'default',
        pipelineId: 'p',
        subscriptionId: 's',
        params: { every: '5m' },
        created: 1,
      });
      order.push('given');
    });
    stage.manager.onHealthy(() => Promise.reject(new Error('it is somebody else who fails')));
    stage.manager.start();
    await stage.ready('watcher');
    expect(order).toEqual(['given', 'ready']);
    expect(JSON.parse(stage.extension.asked.find(({ call }) => call === 'POST /api/subscribe')?.body ?? '')).toMatchObject({
      pipeline_id: 'p',
      pipeline_subscription_params: { every: '5m' },
    });
    expect(stage.logged.filter((line) => line.startsWith('error'))).toEqual([expect.stringContaining('somebody else')]);
    await expect(stage.manager.debug('nobody')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('an extension that cannot be started', () => {
  it('is tried again, holds back no other, and shows why', async () => {
    await stage.install('broken', MISSING_IMAGE);
    await stage.install('watcher');
    stage.manager.start();
    await stage.ready('watcher');
    await stage.until('the failure', () => (stage.store.extensions.find('broken')?.lastError?.message ?? '') !== '');
    expect(stage.store.extensions.find('broken')).toMatchObject({ restarts: 0, lastError: { message: 'there is no such image' } });
    expect(await stage.logOf(stage.startsOf('broken').at(0))).toBe('it could not be started: there is no such image\n');
    const tried = stage.startsOf('broken').length;
    await stage.until('another try', () => stage.startsOf('broken').length > tried);
  });
});

describe('the end of the server', () => {
  it('asks each to end, ends it, and leaves nothing but logs', async () => {
    await stage.install('watcher');
    stage.manager.start();
    await stage.ready('watcher');
    await stop();
    expect(stage.extension.calls()).toContain('POST /api/shutdown');
    expect(await stage.scheduler.list({})).toEqual([]);
    expect(stage.startsOf('watcher')).toMatchObject([{ handle: undefined, given: undefined, ended: expect.any(Number) }]);
    expect(await stage.logOf(stage.startsOf('watcher').at(0))).toBe('hello\nit is ended: it was stopped\n');
  });

  it('is not kept waiting by one that is being started, or waits for its next start', async () => {
    stage.extension.isHealthy = false;
    await stage.install('watcher');
    await stage.install('broken', MISSING_IMAGE);
    stage.manager.start();
    await stage.until('both', () => stage.startsOf('watcher').length === 1 && stage.manager.view('broken').nextStart !== undefined);
    const before = stage.clock.now();
    await stop();
    expect(stage.clock.now() - before).toBeLessThanOrEqual(1000);
    expect(await stage.scheduler.list({})).toEqual([]);
  });
});

describe('an extension that cannot be ended', () => {
  it('keeps the server waiting no longer than it may, and is taken up or ended by the next one', async () => {
    await stage.install('watcher');
    stage.manager.start();
    await stage.ready('watcher');
    const stopTask = stage.scheduler.stop.bind(stage.scheduler);
    stage.scheduler.stop = () => new Promise(() => {});
    const before = stage.clock.now();
    await stop();
    expect(stage.clock.now() - before).toBeLessThanOrEqual(12_000);
    expect(await stage.scheduler.list({})).toHaveLength(1);
    stage.scheduler.stop = stopTask;
    await stage.die();
    await stage.begin();
    stage.manager.start();
    await stage.ready('watcher');
    expect(stage.started).toHaveLength(1);
  });
});

describe('a server that comes after one that died', () => {
  it('takes up what still runs, with its log and without a word of its secrets', async () => {
    await stage.install('watcher', TALKING_IMAGE);
    stage.manager.start();
    await stage.ready('watcher');
    const [before] = stage.startsOf('watcher');
    await stage.die();
    await stage.begin();
    stage.manager.start();
    await stage.ready('watcher');
    expect(stage.started).toHaveLength(1);
    expect(stage.startsOf('watcher')).toEqual([before]);
    expect(stage.manager.view('watcher').started).toBe(before?.created);
    await stop();
    expect(await stage.logOf(before)).toBe('it is ended: it was stopped\n[redacted]\n');
    expect((await stage.logs.stat(before?.uid ?? '')).seal?.complete).toBe(true);
  });

  it('replaces what was started in another way', async () => {
    await stage.install('watcher');
    stage.manager.start();
    await stage.ready('watcher');
    await stage.die();
    await stage.begin();
    const record = stage.store.extensions.find('watcher');
    if (record === undefined) throw new Error('it is gone');
    await stage.store.commit(() => stage.store.extensions.update(record.uid, { ...record, image: `${IMAGE}:2` }));
    stage.manager.start();
    await stage.ready('watcher');
    expect(stage.started.map(({ image }) => image)).toEqual([IMAGE, `${IMAGE}:2`]);
    expect(await stage.scheduler.list({})).toHaveLength(1);
    expect((await stage.logs.stat(stage.startsOf('watcher')[0]?.uid ?? '')).seal?.problem).toBe(
      'the server that had started it ended before it',
    );
  });

  it('ends what is disabled by now, what is not installed any more, and what nobody has written down', async () => {
    for (const id of ['watcher', 'removed', 'unknown']) await stage.install(id);
    stage.manager.start();
    for (const id of ['watcher', 'removed', 'unknown']) await stage.ready(id);
    const [unknown] = stage.startsOf('unknown');
    const uid = stage.store.extensions.uidOf('removed') ?? '';
    await stage.die();
    await stage.begin();
    const { store } = stage;
    await store.commit(() => {
      const record = store.extensions.find('watcher');
      if (record !== undefined) store.extensions.update(record.uid, { ...record, enabled: false });
      store.extensions.delete(uid);
      // As it is where the server dies between the start and its being written down.
      store.extensionStarts.setHandle(unknown?.uid ?? '', undefined);
    });
    stage.manager.start();
    await stage.ready('unknown');
    await stage.until('the end of the others', async () => (await stage.scheduler.list({})).length === 1);
    await stage.until('the end of their starts', () => store.extensionStarts.listOf(uid).length === 0);
    expect(stage.startsOf('watcher').map(({ ended }) => ended > 0)).toEqual([true]);
    expect(stage.startsOf('unknown').at(-1)?.uid).not.toBe(unknown?.uid);
  });
});
