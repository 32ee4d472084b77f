import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Store } from './store.ts';

let directory: string;
let store: Store;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gofer-subscriptions-'));
  store = Store.open(join(directory, 'gofer.db'));
});
afterEach(() => {
  store.close();
  rmSync(directory, { recursive: true });
});

const KEY = { extensionId: 'cron', namespaceId: 'default', pipelineId: 'one', subscriptionId: 'daily' };
const insert = (uid: string, key = KEY): Promise<void> =>
  store.commit(() =>
    store.subscriptions.insert({ ...key, uid, pipelineUid: 'p', settings: { a: 'b' }, origin: 'api', givenTo: undefined }, 1),
  );
const isSubscribed = (): boolean => store.subscriptions.isSubscribed('cron', 'default', 'one');

it('an extension may use a pipeline from the end of the making of a subscription to its deletion, while it is enabled', async () => {
  await insert('u');
  expect([isSubscribed(), store.subscriptions.hasInNamespace('cron', 'default'), store.subscriptions.list('p', -1, 0)]).toEqual([
    false,
    false,
    [],
  ]);
  await store.commit(() => store.subscriptions.settle('u', { agreed: true }));
  expect([isSubscribed(), store.subscriptions.hasInNamespace('cron', 'default')]).toEqual([true, true]);
  expect(store.subscriptions.isSubscribed('cron', 'default', 'other')).toBe(false);
  expect(store.subscriptions.isSubscribed('interval', 'default', 'one')).toBe(false);
  expect(store.subscriptions.hasInNamespace('cron', 'other')).toBe(false);
  await store.commit(() => store.subscriptions.want('u', { a: 'c' }));
  expect(isSubscribed()).toBe(true);
  expect(store.subscriptions.find(KEY)).toMatchObject({ intent: 'update', settings: { a: 'b' } });
  await store.commit(() => store.subscriptions.apply('u', { settings: { a: 'c' }, enabled: false, origin: 'config' }, 2));
  expect(isSubscribed()).toBe(false);
  await store.commit(() => store.subscriptions.apply('u', { settings: { a: 'c' }, enabled: true, origin: 'config' }, 3));
  expect(isSubscribed()).toBe(true);
  await store.commit(() => store.subscriptions.markDeleted('u'));
  expect([isSubscribed(), store.subscriptions.hasInNamespace('cron', 'default')]).toEqual([false, false]);
});

it('a name is held until its row is gone', async () => {
  await insert('u');
  await store.commit(() => store.subscriptions.markDeleted('u'));
  await expect(insert('v')).rejects.toThrow(/UNIQUE/);
  await insert('w', { ...KEY, subscriptionId: 'Daily' });
  await store.commit(() => store.subscriptions.delete('u'));
  await insert('v');
  expect(store.subscriptions.find(KEY)?.uid).toBe('v');
});
