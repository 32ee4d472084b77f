/** A secret is stored anew while extensions run that were given what it stood for before. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ExtensionStage, IMAGE } from '../extensions/extension-stage.fixture.ts';
import { SecretChanges } from '../extensions/secret-changes.ts';
import { CompiledConfigs } from '../orchestrator/compiled-configs.ts';
import { GLOBAL } from '../storage/secrets-table.ts';
import { Lookup } from './lookup.ts';
import { StoredSecretService } from './secret-service.ts';
import { at, SubscriptionStage } from './subscription-stage.fixture.ts';

const NEVER = new AbortController().signal;
const logged: string[] = [];
const log = (level: string, message: string): void => void logged.push(`${level} ${message}`);

describe('a subscription that refers to it', () => {
  let stage: SubscriptionStage;
  let changes: SecretChanges;
  let secrets: StoredSecretService;
  const owner = { namespaceId: 'default', pipelineId: 'one' };
  const put = (key: string, content: string) => secrets.putOfPipeline(owner, { key, content, force: true });
  /** The time that changes are gathered passes, and what follows from them is done. */
  const pass = async (): Promise<void> => {
    while (stage.clock.advance());
    await changes.settled();
    await stage.keeper.settled();
  };
  const held = () => stage.extension.held.map(({ name, params }) => [name, params['token']] as const);

  beforeEach(async () => {
    stage = await SubscriptionStage.open();
    await stage.start();
    const { store, stores, clock, keeper } = stage;
    changes = new SecretChanges({ store, keeper, manager: { renew: async () => false }, clock, log, leave: NEVER });
    const lookup = new Lookup(store, new CompiledConfigs(store));
    const stored = changes.stored.bind(changes);
    secrets = new StoredSecretService({ store, lookup, secrets: stores.secrets, now: () => clock.now(), stored });
    await put('mine', 'first');
    await put('other', 'first');
    await stage.create(at('a'), { every: '5m', token: 'pipeline_secret{{mine}}' });
    await stage.create(at('b'), { every: '5m', token: 'pipeline_secret{{other}}' });
    await pass();
    stage.extension.calls.length = 0;
  });
  afterEach(() => stage.close());

  it('is given again, once, however often it was stored', async () => {
    await put('mine', 'second');
    await put('mine', 'third');
    await pass();
    expect(held()).toEqual([
      ['one/b', 'first'],
      ['one/a', 'third'],
    ]);
    expect(stage.extension.calls).toEqual(['unsubscribe one/a', 'subscribe one/a']);
    expect((await stage.service.get(at('a'))).status).toBe('active');
  });

  it('is left alone where the value is the same, and where a secret of the same key is somebody else’s', async () => {
    await put('mine', 'first');
    await secrets.putGlobal({ key: 'mine', content: 'second', force: true }, ['.*']);
    await pass();
    expect(stage.extension.calls).toEqual([]);
  });

  it('is told to be wrong where its extension refuses the new one, and right again with the next', async () => {
    await stage.service.update(at('a'), { settings: { every: 'pipeline_secret{{mine}}' }, mayRead: () => true });
    await put('mine', 'never');
    await pass();
    expect(await stage.service.get(at('a'))).toMatchObject({
      status: 'error',
      status_reason: { description: expect.stringContaining('never is no interval') },
    });
    await put('mine', '7m');
    await pass();
    expect((await stage.service.get(at('a'))).status).toBe('active');
    expect(stage.extension.held.at(-1)).toEqual({ name: 'one/a', params: { every: '7m' } });
  });

  it('goes on with what it has where the secret is deleted, and where the extension is away until that is back', async () => {
    await secrets.deleteOfPipeline(owner, 'mine');
    await pass();
    expect(stage.extension.calls).toEqual([]);
    await stage.stop();
    await put('mine', 'second');
    await put('other', 'second');
    await pass();
    await stage.start();
    await pass();
    expect(new Map(held())).toEqual(
      new Map([
        ['one/a', 'second'],
        ['one/b', 'second'],
      ]),
    );
    expect(stage.logged).toEqual([]);
  });
});

describe('an extension whose settings refer to it', () => {
  let stage: ExtensionStage;
  beforeEach(async () => {
    stage = await ExtensionStage.open();
  });
  afterEach(() => stage.close());

  it('is started anew with it, and only where it has changed', async () => {
    await stage.putGlobalSecret('key', 'first value of it');
    await stage.install('watcher', IMAGE);
    await stage.install('bystander', IMAGE);
    const record = stage.store.extensions.find('watcher');
    if (record === undefined) throw new Error('it is not installed');
    const settings = [{ key: 'KEY', reference: 'global_secret{{key}}' }];
    await stage.store.commit(() => stage.store.extensions.update(record.uid, { ...record, settings }));
    const { store, manager, clock } = stage;
    const renewed: string[] = [];
    const keeper = { renew: async (extensionId: string) => void renewed.push(extensionId) };
    const changes = new SecretChanges({ store, keeper, manager, clock, log, leave: NEVER });
    manager.start();
    await stage.ready('watcher');
    await stage.ready('bystander');
    const given = () => stage.started.map(({ env }) => env['KEY']);
    const storeAnew = async (value: string): Promise<void> => {
      await stage.putGlobalSecret('key', value);
      const before = clock.now();
      changes.stored(GLOBAL, 'key');
      await stage.until('the changes to be gathered', () => clock.now() >= before + 1000);
      await changes.settled();
    };
    await storeAnew('first value of it');
    expect(given()).toEqual(expect.arrayContaining(['first value of it', undefined]));
    expect(given()).toHaveLength(2);
    await storeAnew('second value of it');
    await stage.until('its next start', () => stage.started.length === 3 && manager.isReady('watcher'));
    expect(given().at(-1)).toBe('second value of it');
    expect(stage.startsOf('bystander')).toHaveLength(1);
    expect(stage.logged.some((line) => line.startsWith("info the extension 'watcher' is started anew"))).toBe(true);
  });
});
