/** Many subscriptions refer to one secret, which is stored anew while events come in for them. */
import { GoferError } from '@gofer/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SecretChanges } from '../extensions/secret-changes.ts';
import { CompiledConfigs } from '../orchestrator/compiled-configs.ts';
import { Lookup } from './lookup.ts';
import { StoredSecretService } from './secret-service.ts';
import { at, EXTENSION, SubscriptionStage } from './subscription-stage.fixture.ts';

const SOON = { timeout: 20_000 };
const NEVER = new AbortController().signal;
const MANY = Array.from({ length: 40 }, (_, index) => `s${index}`);
const SETTINGS = { every: '5m', token: 'global_secret{{shared}}' };

let stage: SubscriptionStage;
let changes: SecretChanges;
let secrets: StoredSecretService;
const logged: string[] = [];
/** What asks whether an extension is to be started anew. */
let renewExtension: (id: string) => Promise<boolean>;

async function open(image?: string): Promise<void> {
  stage = await SubscriptionStage.open(image);
  await stage.start();
  const { store, stores, clock, keeper } = stage;
  logged.length = 0;
  const log = (level: string, message: string): void => void logged.push(`${level} ${message}`);
  renewExtension = async () => false;
  const manager = { renew: (id: string) => renewExtension(id) };
  changes = new SecretChanges({ store, keeper, manager, clock, log, leave: NEVER });
  const lookup = new Lookup(store, new CompiledConfigs(store));
  const stored = changes.stored.bind(changes);
  secrets = new StoredSecretService({ store, lookup, secrets: stores.secrets, now: () => clock.now(), stored });
  await put('first');
}
async function put(content: string): Promise<void> {
  await secrets.putGlobal({ key: 'shared', content, force: true }, ['.*']);
}
/** The time that changes are gathered passes, or that until the next attempt, and what follows from it is done. */
async function pass(): Promise<void> {
  expect(stage.clock.advance()).toBe(true);
  await changes.settled();
  await stage.keeper.settled();
}
async function subscribe(names: readonly string[]): Promise<void> {
  for (const name of names) await stage.create(at(name), SETTINGS);
  await pass();
  stage.extension.calls.length = 0;
}
const tokens = () => stage.extension.held.map(({ params }) => params['token']);
const calls = (call: string) => stage.extension.calls.filter((each) => each.startsWith(call)).length;

/** One event for each, as from outside. */
async function send(names: readonly string[]): Promise<void> {
  const { store, clock, dispatcher } = stage;
  await store.commit(() => {
    for (const name of names) {
      const event = { id: name, received: clock.now(), headers: { for: `one/${name}` }, body: Buffer.from('{}') };
      store.deliveries.insert(`uid-of-${EXTENSION}`, event);
    }
  });
  dispatcher.arrived(EXTENSION);
}
const states = () =>
  stage.store.deliveries.list(`uid-of-${EXTENSION}`, { state: undefined, limit: -1, offset: 0 }).map(({ state }) => state);

afterEach(() => stage.close());

describe('an extension that has to let go of a subscription first', () => {
  beforeEach(() => open());

  it('lacks few of them at once, and is handed no event while it lacks one', async () => {
    await subscribe(MANY);
    let fewest = MANY.length;
    let sending: Promise<void> | undefined;
    stage.extension.beforeAnswer = async (call) => {
      fewest = Math.min(fewest, stage.extension.held.length);
      if (!call.startsWith('unsubscribe')) return;
      sending ??= send(MANY);
      await sending;
    };
    await put('second');
    await pass();
    await expect.poll(states, SOON).toEqual(MANY.map(() => 'delivered'));
    expect(tokens()).toEqual(MANY.map(() => 'second'));
    expect(fewest).toBeGreaterThanOrEqual(MANY.length - 16);
  });

  it('has answered what it was handed before it lets go of one', async () => {
    await subscribe(['a']);
    const answered = Promise.withResolvers<void>();
    stage.extension.beforeAnswer = (call) => (call.startsWith('event') ? answered.promise : undefined);
    await send(['a']);
    await expect.poll(() => stage.extension.calls, SOON).toEqual(['event for one/a']);
    await put('second');
    expect(stage.clock.advance()).toBe(true);
    await changes.settled();
    // Marked, and not begun.
    await expect.poll(async () => (await stage.service.get(at('a'))).status, SOON).toBe('error');
    expect(stage.extension.calls).toEqual(['event for one/a']);
    answered.resolve();
    await stage.keeper.settled();
    await expect.poll(states, SOON).toEqual(['delivered']);
    expect(stage.extension.calls).toEqual(['event for one/a', 'unsubscribe one/a', 'subscribe one/a']);
  });

  it('is handed no event either while its old settings are given back for ones that it refuses', async () => {
    await subscribe(['a']);
    let sending: Promise<void> | undefined;
    stage.extension.beforeAnswer = async (call) => {
      if (call.startsWith('subscribe')) await (sending ??= send(['a']));
    };
    await expect(stage.update(at('a'), { settings: { every: 'never' } })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    await expect.poll(states, SOON).toEqual(['delivered']);
    expect(stage.extension.calls).toEqual(['unsubscribe one/a', 'subscribe one/a', 'subscribe one/a', 'event for one/a']);
  });

  it('is not asked for each of them where it does not answer, and for all of them later', async () => {
    await subscribe(MANY);
    stage.extension.broken = () => true;
    await put('second');
    await pass();
    expect(calls('subscribe')).toBeLessThan(MANY.length);
    stage.extension.broken = () => false;
    await pass();
    expect(new Set(tokens())).toEqual(new Set(['second']));
    expect((await stage.service.list(at('a'), { limit: 100, offset: 0 })).every(({ status }) => status === 'active')).toBe(true);
  });

  it('is given them later where what they refer to cannot be looked up now', async () => {
    await subscribe(['a']);
    const { references } = stage.stores;
    const resolve = references.resolve.bind(references);
    references.resolve = async () => {
      throw new GoferError('UNAVAILABLE', 'the secret store is away');
    };
    await put('second');
    await pass();
    expect(tokens()).toEqual(['first']);
    references.resolve = resolve;
    await pass();
    expect(tokens()).toEqual(['second']);
    expect((await stage.service.get(at('a'))).status).toBe('active');
  });

  it('does not get one back that is deleted meanwhile', async () => {
    await subscribe(['a']);
    await put('second');
    expect(stage.clock.advance()).toBe(true);
    await stage.service.delete(at('a'));
    await changes.settled();
    await stage.keeper.settled();
    expect(await stage.service.list(at('a'), { limit: 100, offset: 0 })).toEqual([]);
    expect(tokens()).toEqual([]);
  });
});

describe('an extension that has the new one in the place of the old', () => {
  beforeEach(async () => {
    await open('builtin:probe');
    stage.extension.replaces = true;
  });

  it('never lacks one, and is handed events meanwhile', async () => {
    await subscribe(MANY);
    let fewest = MANY.length;
    const answered = Promise.withResolvers<void>();
    stage.extension.beforeAnswer = async (call) => {
      fewest = Math.min(fewest, stage.extension.held.length);
      if (call.startsWith('subscribe')) await answered.promise;
    };
    await put('second');
    expect(stage.clock.advance()).toBe(true);
    await expect.poll(() => calls('subscribe'), SOON).toBeGreaterThan(0);
    // Over the connections that are left.
    await send(MANY.slice(0, 8));
    answered.resolve();
    await expect.poll(states, SOON).toEqual(MANY.slice(0, 8).map(() => 'delivered'));
    await changes.settled();
    await stage.keeper.settled();
    expect(fewest).toBe(MANY.length);
    expect(tokens()).toEqual(MANY.map(() => 'second'));
    expect([calls('subscribe'), calls('unsubscribe')]).toEqual([MANY.length, 0]);
  });

  it('does not go on with the old one where it refuses the new one', async () => {
    await stage.create(at('a'), { every: 'global_secret{{shared}}' });
    await pass();
    await put('never');
    await pass();
    expect(stage.extension.held).toEqual([]);
    expect((await stage.service.get(at('a'))).status).toBe('error');
    await put('7m');
    while (stage.clock.advance());
    await changes.settled();
    await stage.keeper.settled();
    expect(stage.extension.held).toEqual([{ name: 'one/a', params: { every: '7m' } }]);
  });

  it('keeps the old one where somebody tries one that it refuses', async () => {
    await subscribe(['a']);
    await expect(stage.update(at('a'), { settings: { every: 'never' } })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(tokens()).toEqual(['first']);
    expect(stage.extension.calls).toEqual(['subscribe one/a', 'subscribe one/a']);
    expect((await stage.service.get(at('a'))).status).toBe('active');
  });
});

describe('an extension whose own settings cannot be looked up', () => {
  beforeEach(() => open());

  it('is told later, and the others are told now', async () => {
    const { store } = stage;
    await subscribe(['a']);
    const record = store.extensions.find(EXTENSION);
    if (record === undefined) throw new Error('it is not installed');
    const settings = [{ key: 'KEY', reference: 'global_secret{{shared}}' }];
    await store.commit(() => {
      for (const id of ['a-first', 'z-last']) store.extensions.insert({ ...record, id, uid: `uid-of-${id}`, tokenId: id, settings });
    });
    const asked: string[] = [];
    renewExtension = async (id) => {
      asked.push(id);
      if (asked.length <= 2) throw new GoferError('UNAVAILABLE', 'the secret store is away');
      return true;
    };
    await put('second');
    await pass();
    expect(tokens()).toEqual(['second']);
    expect(asked.toSorted()).toEqual(['a-first', 'z-last']);
    expect(logged).toEqual([expect.stringMatching(/^warn .*it is tried again$/)]);
    await pass();
    expect(asked.slice(2).toSorted()).toEqual(['a-first', 'z-last']);
    expect([calls('subscribe'), stage.clock.waiting]).toEqual([1, 0]);
  });
});
