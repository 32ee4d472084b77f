/** Subscriptions while their extension comes and goes. */
import { GoferError } from '@gofer/contracts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { at, EXTENSION, SubscriptionStage } from './subscription-stage.fixture.ts';

let stage: SubscriptionStage;
beforeEach(async () => {
  stage = await SubscriptionStage.open();
  await stage.start();
});
afterEach(() => stage.close());

const heldNames = () => stage.extension.held.map(({ name }) => name);
const statusOf = async (id: string) => (await stage.service.get(at(id))).status;
/** Until nothing is left to be done at this moment. */
async function advance(): Promise<void> {
  await stage.keeper.settled();
  expect(stage.clock.advance()).toBe(true);
  await stage.keeper.settled();
}

it('one that is made while its extension is started again is held by the new life, once', async () => {
  const { references } = stage.stores;
  references.resolve = async () => {
    await stage.stop();
    await stage.start();
    return 'a value';
  };
  await stage.create(at('a'), { every: '5m', token: 'global_secret{{any}}' });
  expect(heldNames()).toEqual(['one/a']);
  expect(await statusOf('a')).toBe('active');
  // By the next server, too.
  await stage.crash();
  await stage.enter();
  await stage.adopt();
  expect(heldNames()).toEqual(['one/a']);
});

it('is given once its extension is well, where it was not when that was to be tried again', async () => {
  await stage.create(at('a'));
  stage.extension.broken = (call) => call.startsWith('subscribe');
  await stage.stop();
  await stage.start();
  expect(await statusOf('a')).toBe('error');
  stage.isReady = false;
  await advance();
  stage.extension.broken = () => false;
  stage.recover();
  await stage.keeper.settled();
  expect(heldNames()).toEqual(['one/a']);
  expect(await statusOf('a')).toBe('active');
});

it('leaves nothing behind where it ends while its extension does not answer, and that is disabled then', async () => {
  await stage.create(at('a'));
  await stage.create(at('b'));
  stage.extension.broken = (call) => call.startsWith('unsubscribe');
  await stage.service.delete(at('a'));
  await stage.deletePipeline('one');
  await stage.keeper.settled();
  expect(stage.store.subscriptions.ofExtension(EXTENSION)).toHaveLength(2);
  await stage.stop();
  await advance();
  expect(stage.store.subscriptions.ofExtension(EXTENSION)).toEqual([]);
});

it.each([1, 2])('on a disk that is full from the commit %i on it is not made, and made once there is room', async (from) => {
  const { store } = stage;
  const commit = store.commit.bind(store);
  let commits = 0;
  store.commit = (work) => {
    commits += 1;
    return commits >= from ? Promise.reject(new GoferError('STORAGE_FULL', 'the disk is full')) : commit(work);
  };
  await expect(stage.create(at('a'))).rejects.toMatchObject({ code: 'STORAGE_FULL' });
  Reflect.deleteProperty(store, 'commit');
  expect(heldNames()).toEqual([]);
  await expect(stage.service.get(at('a'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(stage.eventNames()).toEqual([]);
  await stage.create(at('a'));
  expect(heldNames()).toEqual(['one/a']);
  expect(await statusOf('a')).toBe('active');
});

it.each([1, 2, 3])('a change on a disk that is full from the commit %i on is undone once there is room', async (from) => {
  await stage.create(at('a'));
  const { store } = stage;
  const commit = store.commit.bind(store);
  let commits = 0;
  store.commit = (work) => {
    commits += 1;
    return commits >= from ? Promise.reject(new GoferError('STORAGE_FULL', 'the disk is full')) : commit(work);
  };
  await expect(stage.update(at('a'), { settings: { every: '10m' } })).rejects.toMatchObject({ code: 'STORAGE_FULL' });
  Reflect.deleteProperty(store, 'commit');
  if ((await statusOf('a')) !== 'active') await advance();
  expect(stage.extension.held).toEqual([{ name: 'one/a', params: { every: '5m' } }]);
  expect(await stage.service.get(at('a'))).toMatchObject({ status: 'active', settings: { every: '5m' } });
});
