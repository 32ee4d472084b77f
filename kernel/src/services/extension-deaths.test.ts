/** Changes of an extension that cross, or are cut: after a server that dies at any commit the next one finds the former extension or the changed one, whole. */
import { join } from 'node:path';
import { GoferError } from '@gofer/contracts';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { AccessControl } from '../access/access-control.ts';
import { hashSecret } from '../access/mint-secret.ts';
import { ExtensionStage, IMAGE } from '../extensions/extension-stage.fixture.ts';
import { Snapshot } from '../storage/snapshot.ts';
import { StoredExtensionService } from './extension-service.ts';

const NEVER = new AbortController().signal;
const MOST_COMMITS = 40;

let stage: ExtensionStage;
let access: AccessControl;
let service: StoredExtensionService;

async function open(): Promise<void> {
  stage = await ExtensionStage.open();
  attach();
}

function attach(): void {
  const { store, manager } = stage;
  const { secrets, objects } = stage.stores;
  access = new AccessControl({
    store,
    authenticate: () => Promise.reject(new Error('nobody')),
    now: () => stage.clock.now(),
    log: () => {},
  });
  const parts = { store, manager, access, secrets, objects, logs: stage.logs, builtIns: [], now: () => stage.clock.now() };
  service = new StoredExtensionService(parts);
  secrets.collect();
  manager.start();
}

async function close(): Promise<void> {
  await access.close();
  await stage.close();
}

beforeEach(open);
afterEach(close);

/** From the so-many-th commit on nothing is written any more; `isWritten`: that one still is. Answers with whether it came to that. */
function doom(at: number, isWritten: boolean): { readonly isDead: () => boolean; readonly bury: () => void } {
  const { store } = stage;
  const { promise: death, reject } = Promise.withResolvers<never>();
  death.catch(() => {
    // Whoever waits for a commit hears of it.
  });
  let commits = 0;
  for (const name of ['commit', 'commitAudited'] as const) {
    const commit = store[name].bind(store);
    store[name] = async <T>(work: () => T): Promise<T> => {
      commits += 1;
      if (commits < at) return commit(work);
      if (commits === at && isWritten) await commit(work);
      return death;
    };
  }
  return { isDead: () => commits >= at, bury: () => reject(new Error('the server is dead')) };
}

async function finish(work: Promise<unknown>, isDead: () => boolean): Promise<boolean> {
  let isOver = false;
  void work.then(
    () => (isOver = true),
    () => (isOver = true),
  );
  await stage.until('the end or the death', () => isOver || isDead());
  return !isDead();
}

async function settle(): Promise<void> {
  if (stage.store.extensions.find('watcher')?.enabled === true) await stage.ready('watcher');
  await stage.until('that nothing is left to be done', async () => {
    const { store } = stage;
    const running = store.extensions.find('watcher')?.enabled === true ? 1 : 0;
    const { extensionStarts } = store;
    if (extensionStarts.unfinished().length !== running || extensionStarts.orphans().length > 0) return false;
    // What an engine that was away still has is removed a little later.
    return (await stage.scheduler.list({})).length === running;
  });
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

async function expectWhole(): Promise<void> {
  const { store, stores } = stage;
  const record = store.extensions.find('watcher');
  const isRunning = record?.enabled === true;
  expect(await stage.scheduler.list({})).toHaveLength(isRunning ? 1 : 0);
  expect(store.tokens.list(-1, 0).map(({ id }) => id)).toEqual(record === undefined ? [] : [record.tokenId]);
  const snapshot = new Snapshot(join(stage.directory, 'gofer.db'));
  const pointers = [...snapshot.secrets()].sort();
  snapshot.close();
  expect((await stores.kept()).secrets.sort()).toEqual(pointers);
  expect(pointers).toHaveLength(record === undefined ? 0 : isRunning ? 3 : 2);
  if (record === undefined) return;
  const key = Buffer.from(await stores.secrets.read(record.key)).toString();
  expect(store.tokens.byHash(hashSecret(key))?.id).toBe(record.tokenId);
  if (isRunning) expect(stage.started.at(-1)?.env['GOFER_EXTENSION_SYSTEM_SECRET']).toBe(key);
}

const registration = { id: 'watcher', image: IMAGE, settings: { A: 'b' }, additionalRoles: [] };
const install = () => service.install(registration, 600, NEVER);
const changes: Readonly<Record<string, { before?: () => Promise<unknown>; change: () => Promise<unknown>; isDone: () => boolean }>> = {
  installed: { change: install, isDone: () => stage.store.extensions.find('watcher') !== undefined },
  upgraded: {
    before: install,
    change: () => service.update('watcher', { image: `${IMAGE}:2` }),
    isDone: () => stage.store.extensions.find('watcher')?.image === `${IMAGE}:2`,
  },
  disabled: {
    before: install,
    change: () => service.update('watcher', { enable: false }),
    isDone: () => stage.store.extensions.find('watcher')?.enabled === false,
  },
  uninstalled: {
    before: install,
    change: () => service.uninstall('watcher'),
    isDone: () => stage.store.extensions.find('watcher') === undefined,
  },
};

it.for(Object.entries(changes).flatMap(([name, change]) => [true, false].map((isWritten) => [name, isWritten, change] as const)))(
  'one that is being %s, and the last commit is written: %s',
  { timeout: 60_000 },
  async ([, isWritten, { before, change, isDone }]) => {
    let isSurvived = false;
    for (let at = 1; !isSurvived; at += 1) {
      expect(at).toBeLessThan(MOST_COMMITS);
      if (before !== undefined) {
        const outcome = before();
        await stage.until('what is before', async () => stage.manager.isReady('watcher'));
        await outcome;
      }
      const { isDead, bury } = doom(at, isWritten);
      isSurvived = await finish(change(), isDead);
      bury();
      await access.close();
      await stage.die();
      await stage.begin();
      attach();
      const wasDone = isDone();
      if (isSurvived) expect(wasDone).toBe(true);
      await settle();
      await expectWhole();
      // Nothing of it came to be later.
      expect(isDone()).toBe(wasDone);
      // What was begun can be done now.
      if (!wasDone) {
        const done = finish(change(), () => false);
        await done;
        await settle();
        await expectWhole();
      }
      await close();
      await open();
    }
  },
);

/** What people, and accidents, do to an extension, without waiting for each other. Whatever is refused is refused. */
const STEPS: Readonly<Record<string, () => Promise<unknown>>> = {
  install: () => service.install(registration, 0, NEVER),
  upgrade: () => service.update('watcher', { settings: { A: 'c' } }),
  disable: () => service.update('watcher', { enable: false }),
  enable: () => service.update('watcher', { enable: true }),
  uninstall: () => service.uninstall('watcher'),
  crash: async () => {
    if (isAway) return;
    for (const { handle } of await stage.scheduler.list({})) await stage.scheduler.stop(handle, 0);
  },
  sicken: async () => {
    stage.extension.isHealthy = !stage.extension.isHealthy;
  },
  leave: async () => {
    isAway = !isAway;
  },
  wait: async () => void stage.clock.advance(),
};
let isAway = false;

/** Its engine may be away; what it begins then it does not end. */
function loosen(): void {
  const { scheduler } = stage;
  for (const name of ['stop', 'remove', 'list', 'inspect'] as const) {
    const method: unknown = scheduler[name];
    if (typeof method !== 'function') throw new Error(`${name} is none of its methods`);
    const answer = (...args: unknown[]): unknown =>
      isAway ? Promise.reject(new GoferError('UNAVAILABLE', 'the engine is away')) : Reflect.apply(method, scheduler, args);
    Object.assign(scheduler, { [name]: answer });
  }
}

it('changes that cross leave one extension, or none, and nothing of what was', { timeout: 120_000 }, async () => {
  const step = fc.tuple(fc.constantFrom(...Object.keys(STEPS)), fc.nat(30));
  await fc.assert(
    fc
      .asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
        loosen();
        const underWay: Promise<unknown>[] = [];
        for (const [name, turns] of steps) {
          underWay.push((STEPS[name]?.() ?? Promise.resolve()).catch(() => undefined));
          for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
        }
        stage.extension.isHealthy = true;
        isAway = false;
        expect(await finish(Promise.all(underWay), () => false)).toBe(true);
        await settle();
        await expectWhole();
      })
      .afterEach(async () => {
        await close();
        await open();
      }),
    { numRuns: 60 },
  );
});

it('what came in for one that is uninstalled goes with it, in small commits, as it may be large', async () => {
  const installed = install();
  await stage.ready('watcher');
  await installed;
  const { store } = stage;
  const uid = store.extensions.uidOf('watcher') ?? '';
  const count = () => store.deliveries.list(uid, { state: undefined, limit: -1, offset: 0 }).length;
  await store.commit(() => {
    for (let number = 0; number < 90; number += 1)
      store.deliveries.insert(uid, { id: `delivery-${number}`, received: 1, headers: {}, body: Buffer.from('event') });
  });
  const taken: number[] = [];
  for (const name of ['commit', 'commitAudited'] as const) {
    const commit = store[name].bind(store);
    store[name] = (work) =>
      commit(() => {
        const before = count();
        const result = work();
        taken.push(before - count());
        return result;
      });
  }
  let isGone = false;
  void service.uninstall('watcher').then(() => {
    isGone = true;
  });
  await stage.until('its end', () => isGone);
  expect(count()).toBe(0);
  expect(Math.max(...taken)).toBe(20);
});
