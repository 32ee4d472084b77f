import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GoferError, type Scheduler, type TaskHandle } from '@gofer/contracts';
import { fakeScheduler } from '@gofer/scheduler-fake';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SYSTEM_CLOCK } from '../clock/clock.ts';
import { Store } from '../storage/store.ts';
import { Removals } from './removals.ts';

const HANDLE = { id: 'handle' } as unknown as TaskHandle;
let directory: string;
let store: Store;
let sound: Scheduler & { close(): Promise<void> };
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'gofer-removals-'));
  store = Store.open(join(directory, 'gofer.db'));
  sound = await fakeScheduler.create({}, { instanceId: 'test', dataDirectory: directory, log: () => undefined });
});
afterEach(async () => {
  await sound.close();
  store.close();
  rmSync(directory, { recursive: true, force: true });
});

const removingBy = (remove: Scheduler['remove']): Scheduler => Object.assign(Object.create(sound) as Scheduler, { remove });

it('a removal from an engine that is away is tried again, and others are done meanwhile', async () => {
  const removals = new Removals(store, () => undefined, SYSTEM_CLOCK);
  let away = 2;
  const done: string[] = [];
  const scheduler = removingBy(async () => {
    if (away-- > 0) throw new GoferError('UNAVAILABLE', 'the engine is away');
    done.push('the one that was away');
  });
  removals.add({ attemptUid: 'first', scheduler, handle: HANDLE });
  removals.add({ attemptUid: 'second', scheduler: removingBy(async () => void done.push('another')), handle: HANDLE });
  await removals.drained();
  expect(done).toEqual(['another', 'the one that was away']);
  await removals.close();
});

it('one that waits to be tried again does not hold up the end, and is left to the next server', async () => {
  const removals = new Removals(store, () => undefined, SYSTEM_CLOCK);
  const asked = Promise.withResolvers<void>();
  let times = 0;
  const scheduler = removingBy(async () => {
    times += 1;
    asked.resolve();
    throw new GoferError('UNAVAILABLE', 'the engine is away');
  });
  removals.add({ attemptUid: 'first', scheduler, handle: HANDLE });
  await asked.promise;
  await removals.close();
  await removals.drained();
  expect(times).toBe(1);
});

it.each([
  [
    { state: 'exited', exit: { kind: 'exited', exitCode: 0, endedAt: 5 } },
    { exitCode: 0, description: 'it had ended by itself' },
  ],
  [{ state: 'running' }, { description: 'it was running when it was removed' }],
  [{ state: 'gone' }, undefined],
] as const)('what the engine says of a lost attempt is kept beside its end before it is removed: %j', async (inspection, expected) => {
  await store.commit(() => {
    store.pipelines.insert('p', 'default', 'p', 1);
    const initiator = { id: 'test', user: 'test' };
    const run = {
      uid: 'r',
      pipelineUid: 'p',
      configVersion: 1,
      started: 1,
      initiator,
      variables: [],
      idempotencyKey: undefined,
      owner: '',
    };
    store.runs.insert(run);
    store.attempts.insert({ uid: 'lost', runUid: 'r', taskId: 'one', number: 1, engine: 'fake', created: 1 });
    store.attempts.end('lost', { ended: 2, status: 'failed', exitCode: undefined, reason: undefined, log: undefined });
  });
  const removals = new Removals(store, () => undefined, SYSTEM_CLOCK);
  const scheduler = Object.assign(
    removingBy(async () => undefined),
    { inspect: async () => ({ endpoints: [], ...inspection }) },
  );
  removals.add({ attemptUid: 'lost', scheduler, handle: HANDLE, isLost: true });
  await removals.drained();
  await removals.close();
  const late = store.attempts.byUid('lost')?.late;
  expect(late).toEqual(expected === undefined ? undefined : { ...expected, seen: expect.any(Number) });
  expect(store.attempts.byUid('lost')).toMatchObject({ status: 'failed', exitCode: undefined, removed: true });
});
