/** What goes wrong around an extension: a scheduler that goes away, a disk that is full, and changes that cross. */
import { GoferError } from '@gofer/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExtensionStage, LOG_BYTES, MISSING_IMAGE } from './extension-stage.fixture.ts';

let stage: ExtensionStage;
beforeEach(async () => {
  stage = await ExtensionStage.open();
});
afterEach(() => stage.close());

const GRACE_MS = 1000;
const never = () => new Promise<never>(() => {});
const away = () => Promise.reject(new GoferError('UNAVAILABLE', 'the engine is away'));

/** The scheduler answers so from now on, until what is returned is called. */
function disturb(methods: readonly ('stop' | 'remove' | 'list' | 'inspect')[], answer: () => Promise<never>): () => void {
  const { scheduler } = stage;
  const former = methods.map((name) => [name, scheduler[name]] as const);
  for (const name of methods) scheduler[name] = answer;
  return () => {
    for (const [name, method] of former) Object.assign(scheduler, { [name]: method });
  };
}

/** Answers with how long it took, by the clock of the test. */
async function stopServer(): Promise<number> {
  const before = stage.clock.now();
  let isStopped = false;
  void stage.manager.stop(GRACE_MS).then(() => {
    isStopped = true;
  });
  await stage.until('the end of the server', () => isStopped);
  return stage.clock.now() - before;
}

const recordOf = () => {
  const record = stage.store.extensions.find('watcher');
  if (record === undefined) throw new Error('it is gone');
  return record;
};

async function disable(): Promise<void> {
  await stage.store.commit(() => stage.store.extensions.update(recordOf().uid, { ...recordOf(), enabled: false }));
  stage.manager.apply(recordOf());
}

describe('the end of the server', () => {
  it.each([
    ['is away', away],
    ['does not answer', never],
  ])('is not kept waiting by a scheduler that %s: the next server ends what runs', async (_, answer) => {
    await stage.install('watcher');
    stage.manager.start();
    await stage.ready('watcher');
    const repair = disturb(['stop', 'remove'], answer);
    expect(await stopServer()).toBeLessThanOrEqual(GRACE_MS + 10_000);
    repair();
    await stage.die();
    await stage.begin();
    stage.manager.start();
    await stage.ready('watcher');
    expect(await stage.scheduler.list({})).toHaveLength(1);
    await stopServer();
    expect(await stage.scheduler.list({})).toEqual([]);
    expect(stage.startsOf('watcher').every(({ handle, ended }) => handle === undefined && ended > 0)).toBe(true);
  });

  it('is not kept waiting by what is looked for behind everybody, nor by one that was disabled and cannot be ended', async () => {
    await stage.install('watcher');
    const repair = disturb(['list'], away);
    stage.manager.start();
    await stage.ready('watcher');
    const repairStop = disturb(['stop'], away);
    await disable();
    await stage.until('the wait', () => stage.manager.view('watcher').reason === 'it is being stopped');
    expect(await stopServer()).toBeLessThanOrEqual(GRACE_MS + 10_000);
    repair();
    repairStop();
  });

  it('gives one that does not answer to its end no more than it is given', async () => {
    await stage.install('watcher');
    stage.manager.start();
    await stage.ready('watcher');
    stage.extension.isMute = true;
    const given: number[] = [];
    const stop = stage.scheduler.stop.bind(stage.scheduler);
    stage.scheduler.stop = (handle, graceMs) => {
      given.push(graceMs);
      return stop(handle, graceMs);
    };
    expect(await stopServer()).toBeLessThanOrEqual(GRACE_MS);
    expect(given).toEqual([GRACE_MS / 2]);
  });
});

describe('one whose start cannot be written down', () => {
  it('is removed again, so that it does not run twice', async () => {
    await stage.install('watcher');
    const { extensionStarts } = stage.store;
    const setHandle = extensionStarts.setHandle.bind(extensionStarts);
    let isFull = true;
    extensionStarts.setHandle = (uid, handle) => {
      if (handle !== undefined && isFull) {
        isFull = false;
        throw new GoferError('STORAGE_FULL', 'the disk is full');
      }
      setHandle(uid, handle);
    };
    stage.manager.start();
    await stage.ready('watcher');
    expect(stage.started).toHaveLength(2);
    expect(await stage.scheduler.list({})).toHaveLength(1);
    expect(recordOf()).toMatchObject({ restarts: 0, lastError: { message: 'the disk is full' } });
  });
});

describe('whoever waits for one to be ready', () => {
  it.each(['disabled', 'uninstalled'])('waits no longer once it is %s', async (change) => {
    stage.extension.isHealthy = false;
    await stage.install('watcher');
    stage.manager.start();
    const before = stage.clock.now();
    let isOver = false;
    void stage.manager.whenReady('watcher', 600_000, new AbortController().signal).then(() => {
      isOver = true;
    });
    await stage.until('its start', () => stage.manager.view('watcher').url !== '');
    const record = recordOf();
    if (change === 'disabled') await disable();
    else {
      await stage.store.commit(() => stage.store.extensions.delete(record.uid));
      void stage.manager.remove(record);
    }
    await stage.until('the end of the wait', () => isOver);
    expect(stage.clock.now() - before).toBeLessThan(60_000);
  });

  it('is right behind a start told that it is, and some seconds later that one which is not healthy is not', async () => {
    await stage.install('watcher');
    stage.manager.start();
    let settled = 0;
    void stage.manager.whenSettled('watcher').then(() => {
      settled += 1;
      expect(stage.manager.isReady('watcher')).toBe(true);
    });
    await stage.until('the wait to be over', () => settled === 1);
    stage.extension.isHealthy = false;
    await stage.crash('watcher');
    await stage.until('its next start', () => stage.started.length === 2);
    const before = stage.clock.now();
    void stage.manager.whenSettled('watcher').then(() => (settled += 1));
    await stage.until('the end of the wait', () => settled === 2);
    expect(stage.clock.now() - before).toBeGreaterThanOrEqual(5_000);
    expect(stage.manager.isReady('watcher')).toBe(false);
  });
});

it('whoever uninstalls one whose scheduler is away is not kept waiting, and it is removed once that is back', async () => {
  await stage.install('watcher');
  stage.manager.start();
  await stage.ready('watcher');
  const record = recordOf();
  const repair = disturb(['stop', 'remove'], away);
  await stage.store.commit(() => stage.store.extensions.delete(record.uid));
  const before = stage.clock.now();
  let isAnswered = false;
  void stage.manager.remove(record).then(() => {
    isAnswered = true;
  });
  await stage.until('the answer', () => isAnswered);
  expect(stage.clock.now() - before).toBeLessThanOrEqual(10_000);
  repair();
  await stage.until('that it is gone', () => stage.store.extensionStarts.listOf(record.uid).length === 0);
  expect(await stage.scheduler.list({})).toEqual([]);
});

it('one that is disabled is shown as what it is until it has ended', async () => {
  await stage.install('watcher');
  stage.manager.start();
  await stage.ready('watcher');
  const repair = disturb(['stop'], away);
  await disable();
  expect(stage.manager.view('watcher')).toMatchObject({ state: 'processing', reason: 'it is being stopped' });
  expect(stage.manager.isReady('watcher')).toBe(false);
  await expect(stage.manager.debug('watcher')).rejects.toMatchObject({ message: expect.stringContaining('it is disabled') });
  repair();
  await stage.until('its end', () => stage.manager.view('watcher').state === 'exited');
  expect(await stage.scheduler.list({})).toEqual([]);
});

it('one that is changed while what ran of it cannot be ended says what it waits for', async () => {
  await stage.install('watcher');
  stage.manager.start();
  await stage.ready('watcher');
  const repair = disturb(['stop'], away);
  stage.manager.apply(recordOf());
  expect(stage.manager.view('watcher')).toMatchObject({ state: 'processing', reason: 'what ran of it is to end first' });
  repair();
  await stage.ready('watcher');
  expect(stage.manager.view('watcher').reason).toBeUndefined();
  expect(await stage.scheduler.list({})).toHaveLength(1);
});

it('one that has ended is not shown as running while its output is still waited for', async () => {
  stage.scheduler.logs = (_, __, signal) => ({
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new GoferError('CANCELLED', 'gone')))),
    }),
  });
  await stage.install('watcher');
  stage.manager.start();
  await stage.ready('watcher');
  const before = stage.clock.now();
  await stage.crash('watcher');
  await stage.until('its end to be seen', () => stage.manager.view('watcher').state !== 'running');
  expect(stage.manager.view('watcher')).toMatchObject({ state: 'exited', url: '', reason: expect.stringContaining('exit code 137') });
  expect(stage.clock.now()).toBe(before);
  await stopServer();
});

it('one that writes more than its engine is to keep is started again, and its log is kept short', async () => {
  const { scheduler } = stage;
  const logs = scheduler.logs.bind(scheduler);
  const piece = Buffer.from('so many words, and no end of them\n'.repeat(1000));
  let written = 0;
  scheduler.logs = async function* (_, { after = '0' }, signal) {
    for (let at = Number(after) + 1; !signal.aborted; at += 1) {
      written += piece.length;
      await new Promise((resolve) => setImmediate(resolve));
      yield { stream: 'stdout', bytes: piece, cursor: String(at) };
      if (written > 16 * LOG_BYTES) return;
    }
  };
  await stage.install('watcher');
  stage.manager.start();
  await stage.until('its end', () => stage.store.extensions.find('watcher')?.lastError !== undefined);
  expect(stage.store.extensions.find('watcher')?.lastError?.message).toMatch(/^it wrote more than 4194304 bytes since its start/);
  scheduler.logs = logs;
  await stage.ready('watcher');
  const [start] = stage.startsOf('watcher');
  const { dropped, bytes } = await stage.logs.stat(start?.uid ?? '');
  expect(bytes).toBeLessThan(2 * LOG_BYTES);
  expect(dropped).toBeGreaterThan(100_000);
  expect(await stage.scheduler.list({})).toHaveLength(1);
});

it('one that was well for long before it had written too much does not wait longer each time', async () => {
  const piece = Buffer.from('so many words, and no end of them\n'.repeat(1000));
  let talk = Promise.withResolvers<void>();
  stage.scheduler.logs = async function* (_, __, signal) {
    await talk.promise;
    for (let at = 1; at * piece.length <= 17 * LOG_BYTES && !signal.aborted; at += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      yield { stream: 'stdout', bytes: piece, cursor: String(at) };
    }
  };
  await stage.install('watcher');
  stage.manager.start();
  for (let starts = 1; starts <= 3; starts += 1) {
    await stage.ready('watcher');
    const since = stage.clock.now();
    await stage.until('some time', () => stage.clock.now() - since > 61_000);
    talk.resolve();
    await stage.until('the pause', () => stage.manager.view('watcher').nextStart !== undefined);
    expect(stage.manager.view('watcher').reason).toMatch(/^it wrote more than/);
    expect((stage.manager.view('watcher').nextStart ?? 0) - stage.clock.now()).toBe(1000);
    talk = Promise.withResolvers();
  }
  talk.resolve();
});

it('one that is disabled while it waits for its next start is not started, nor said to be', async () => {
  await stage.install('watcher', MISSING_IMAGE);
  stage.manager.start();
  await stage.until('the pause', () => stage.manager.view('watcher').nextStart !== undefined);
  await disable();
  expect(stage.manager.view('watcher').nextStart).toBeUndefined();
  await stage.until('its end', () => stage.manager.view('watcher').started === 0);
  expect(stage.clock.waiting).toBe(0);
});

describe('a server that comes after one that died', () => {
  beforeEach(async () => {
    await stage.install('watcher');
    stage.manager.start();
    await stage.ready('watcher');
  });

  async function comeBack(): Promise<void> {
    await stage.die();
    await stage.begin();
  }

  it('goes on with what runs also where its disk is full', async () => {
    await comeBack();
    stage.store.commit = () => Promise.reject(new GoferError('STORAGE_FULL', 'the disk is full'));
    stage.manager.start();
    await stage.ready('watcher');
    expect(stage.started).toHaveLength(1);
    Reflect.deleteProperty(stage.store, 'commit');
  });

  it('starts anew what runs where it has lost what is masked in its log', async () => {
    const given = stage.startsOf('watcher').at(0)?.given;
    await comeBack();
    const read = stage.stores.secrets.read.bind(stage.stores.secrets);
    stage.stores.secrets.read = (pointer) =>
      pointer === given ? Promise.reject(new GoferError('DATA_LOSS', 'the value is missing')) : read(pointer);
    stage.manager.start();
    await stage.ready('watcher');
    expect(stage.started).toHaveLength(2);
    expect(await stage.scheduler.list({})).toHaveLength(1);
  });
});
