import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SYSTEM_CLOCK } from '../clock/clock.ts';
import { DeliveryDispatcher } from '../extensions/delivery-dispatcher.ts';
import { DeliveryStage, type ListeningExtension } from '../extensions/delivery-stage.fixture.ts';
import { Store } from '../storage/store.ts';
import { StoredDeliveryService } from './delivery-service.ts';

const SOON = { timeout: 20_000 };
const MAX_PENDING = 5;
const MAX_STORED = 10_000;

let stage: DeliveryStage;
let extension: ListeningExtension;
let dispatcher: DeliveryDispatcher;
let service: StoredDeliveryService;
const shortages: string[] = [];

beforeEach(async () => {
  stage = new DeliveryStage();
  extension = await stage.install('github');
  dispatcher = new DeliveryDispatcher({ store: stage.store, calls: stage, clock: SYSTEM_CLOCK, random: () => 0, log: stage.log });
  const { store } = stage;
  const limits = { maxPending: MAX_PENDING, maxStoredBytes: MAX_STORED };
  service = new StoredDeliveryService({ store, dispatcher, disk: { shortages: () => shortages }, ...limits, now: Date.now });
});
afterEach(async () => {
  shortages.length = 0;
  await dispatcher.close(1000);
  await stage.close();
});

const accept = (body = 'event') => service.accept('github', { headers: { 'x-event': 'push' }, body: Buffer.from(body) });

describe('an event that was taken', () => {
  it('is on the disk: a server that dies right behind the answer leaves it to the next one', async () => {
    stage.setReady('github', false);
    const id = await accept();
    const elsewhere = mkdtempSync(join(tmpdir(), 'gofer-crashed-'));
    try {
      // What a power failure at this moment leaves: the files as they are.
      for (const file of ['gofer.db', 'gofer.db-wal']) cpSync(join(stage.directory, file), join(elsewhere, file));
      const next = Store.open(join(elsewhere, 'gofer.db'));
      await dispatcher.close(1000);
      stage.setReady('github', true);
      const again = new DeliveryDispatcher({ store: next, calls: stage, clock: SYSTEM_CLOCK, random: () => 0, log: stage.log });
      again.start();
      await expect.poll(() => next.deliveries.find('uid-github', id)?.state, SOON).toBe('delivered');
      expect(extension.handed).toMatchObject([{ headers: { 'x-event': 'push' } }]);
      await again.close(1000);
      next.close();
    } finally {
      rmSync(elsewhere, { recursive: true, force: true });
    }
  });

  it('is shown with its headers and its body only where it is asked for', async () => {
    const ids = [await accept('one'), await accept('two')];
    await expect.poll(async () => (await service.list('github', { state: 'delivered' })).length, SOON).toBe(2);
    const list = await service.list('github', {});
    expect(list.map(({ delivery_id }) => delivery_id)).toEqual([...ids].reverse());
    expect(list[0]).toEqual({
      delivery_id: ids[1],
      extension_id: 'github',
      received: expect.any(Number),
      size: 3,
      state: 'delivered',
      attempts: 1,
      finished: expect.any(Number),
      status_code: 204,
    });
    expect(await service.list('github', { limit: 1, offset: 1 })).toMatchObject([{ delivery_id: ids[0] }]);
    expect(await service.list('github', { state: 'pending' })).toEqual([]);
    expect(await service.get('github', ids[0] ?? '')).toEqual({ ...list[1], headers: { 'x-event': 'push' } });
    expect(Buffer.from(await service.body('github', ids[0] ?? '')).toString()).toBe('one');
  });

  it('is handed over again when somebody says so, whatever became of it, and its attempts go on counting', async () => {
    extension.react = () => ({ status: 422, message: 'not that' });
    const id = await accept();
    await expect.poll(async () => (await service.get('github', id)).state, SOON).toBe('refused');
    extension.react = () => 204;
    expect(await service.redeliver('github', id)).toMatchObject({ delivery_id: id, state: 'pending', attempts: 1, finished: 0 });
    await expect.poll(async () => service.get('github', id), SOON).toMatchObject({ state: 'delivered', attempts: 2, status_code: 204 });
    expect((await service.get('github', id)).message).toBeUndefined();
    await service.redeliver('github', id);
    await expect.poll(async () => (await service.get('github', id)).attempts, SOON).toBe(3);
    expect(extension.handed).toHaveLength(3);
    // What was refused is to be done, and only what was taken is to be done again.
    expect(extension.handed.map(({ again }) => again)).toEqual(['0', '0', '1']);
  });

  it('is shown with the runs that its extension said to start because of it, while they are there', async () => {
    const { store } = stage;
    const [id, other] = [await accept('one'), await accept('two')];
    await stage.write('other', true);
    await store.commit(() => {
      store.namespaces.insert({ id: 'default', name: '', description: '' }, 1);
      store.pipelines.insert('pipeline', 'default', 'build', 1);
      const run = { pipelineUid: 'pipeline', configVersion: 1, started: 5, initiator: { id: 'i', user: 'u' }, variables: [], owner: 'me' };
      for (const uid of ['a', 'b', 'c']) store.runs.insert({ ...run, uid, idempotencyKey: undefined });
      for (const uid of ['a', 'b']) store.deliveries.addRun('github', id, uid);
      store.deliveries.addRun('github', id, 'a');
      // Neither an extension that it is not for, nor an event that is not kept.
      store.deliveries.addRun('other', id, 'c');
      store.deliveries.addRun('github', 'none', 'c');
    });
    const run = (run_id: number) => ({ namespace_id: 'default', pipeline_id: 'build', run_id });
    expect((await service.get('github', id)).runs).toEqual([run(1), run(2)]);
    expect((await service.list('github', {})).map(({ delivery_id, runs }) => [delivery_id, runs])).toEqual([
      [other, undefined],
      [id, [run(1), run(2)]],
    ]);
    await store.commit(() => store.runs.purge('a'));
    await store.commit(() => store.runs.hide('b', 1));
    expect((await service.get('github', id)).runs).toBeUndefined();
    await store.commit(() => store.deliveries.expire(Number.MAX_SAFE_INTEGER, 10));
    expect(store.deliveries.runs(id)).toEqual([]);
  });

  it('that waits for its next attempt is handed over at once when somebody says so', async () => {
    extension.react = () => 500;
    const id = await accept();
    await expect.poll(async () => (await service.get('github', id)).next_attempt, SOON).toBeGreaterThan(0);
    extension.react = () => 204;
    expect((await service.redeliver('github', id)).next_attempt).toBeUndefined();
    await expect.poll(async () => (await service.get('github', id)).state, SOON).toBe('delivered');
  });
});

describe('what is kept of one extension', () => {
  const states = () => stage.rows('github').map(({ state }) => state);

  it('has an end: what it was handed makes room, what it refused before others, whatever is sent', async () => {
    await accept('signed');
    await expect.poll(states, SOON).toEqual(['delivered']);
    extension.react = () => ({ status: 400, message: 'it is not signed' });
    const dealtWith = () => expect.poll(() => states().includes('pending'), SOON).toBe(false);
    for (let sent = 0; sent < 30; sent += 1) {
      await accept('x'.repeat(900));
      await dealtWith();
    }
    expect(states()[0]).toBe('delivered');
    expect(stage.rows('github').reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(MAX_STORED);
    // Headers count, and so does an event without anything in it.
    const headers = { 'x-long': 'y'.repeat(4000) };
    for (let sent = 0; sent < 4; sent += 1) {
      await service.accept('github', { headers, body: Buffer.alloc(0) });
      await dealtWith();
    }
    expect(states()).toEqual(['delivered', 'refused', 'refused']);
  });

  it('is refused where those that wait leave no room, and nothing goes for it', async () => {
    await accept();
    await expect.poll(states, SOON).toEqual(['delivered']);
    stage.setReady('github', false);
    await accept('x'.repeat(8000));
    await expect(accept('x'.repeat(3000))).rejects.toMatchObject({
      code: 'RESOURCE_EXHAUSTED',
      message: expect.stringContaining('max_stored_size'),
    });
    expect(states()).toEqual(['delivered', 'pending']);
    await accept('x'.repeat(500));
    stage.setReady('github', true);
    await expect.poll(states, SOON).toEqual(['delivered', 'delivered', 'delivered']);
  });
});

describe('what is refused', () => {
  it('is an event for nobody, for one that is disabled, for one that has too many, and on a full disk', async () => {
    await stage.write('off', false);
    const event = { headers: {}, body: Buffer.from('') };
    await expect(service.accept('none', event)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(service.assertAccepts('none')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(service.accept('off', event)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    stage.setReady('github', false);
    // Those that come at the same moment are counted too.
    const outcomes = await Promise.allSettled(Array.from({ length: MAX_PENDING + 3 }, () => accept()));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(MAX_PENDING);
    await expect(service.assertAccepts('github')).rejects.toMatchObject({ code: 'RESOURCE_EXHAUSTED' });
    stage.setReady('github', true);
    await expect.poll(() => extension.handed.length, SOON).toBe(MAX_PENDING);
    shortages.push('the database');
    await expect(accept()).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    expect(stage.rows('github')).toHaveLength(MAX_PENDING);
  });

  it('is a question for what is not there', async () => {
    for (const call of [
      service.list('none', {}),
      service.get('github', 'none'),
      service.body('github', 'none'),
      service.redeliver('github', 'none'),
    ])
      await expect(call).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const id = await accept();
    await stage.write('other', true);
    await expect(service.get('other', id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(service.redeliver('other', id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
