import { codeOf } from '@gofer/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { endSubscriptionsOfExtension } from '../extensions/subscription-ends.ts';
import { GLOBAL } from '../storage/secrets-table.ts';
import { at, EXTENSION, nameOf, SubscriptionStage } from './subscription-stage.fixture.ts';

let stage: SubscriptionStage;
beforeEach(async () => {
  stage = await SubscriptionStage.open();
  await stage.start();
});
afterEach(() => stage.close());

const held = () => stage.extension.held.map(({ name, params }) => [name, params]);
const find = (id: string) => stage.store.subscriptions.find(at(id));

function putSecret(key: string, value: string, owner = 'uid-of-one'): Promise<void> {
  return stage.stores.secrets.write(Buffer.from(value), (kept) =>
    stage.store.commit(() => {
      stage.store.secrets.put(owner, { key, value: kept, namespaces: ['.*'], created: 1 });
      stage.stores.secrets.adopt(kept);
    }),
  );
}

describe('a subscription is made', () => {
  it('once its extension has taken it, with what its references stand for', async () => {
    await putSecret('mine', 'a-value');
    await putSecret('ours', 'another', GLOBAL);
    const settings = { every: 'global_secret{{ours}}', token: 'pipeline_secret{{mine}}' };
    const made = await stage.create(at('a'), settings);
    expect(made).toMatchObject({ extension_id: EXTENSION, subscription_id: 'a', settings, status: 'active', status_reason: null });
    expect(held()).toEqual([['one/a', { every: 'another', token: 'a-value' }]]);
    expect(await stage.service.list(at('a'), {})).toEqual([made]);
    expect(await stage.service.ofExtension(EXTENSION, { own: false })).toEqual([made]);
    expect(stage.eventNames()).toEqual(['pipeline_extension_subscription_registered']);
  });

  it('or nothing of it is there, and its extension was not asked', async () => {
    await stage.create(at('a'));
    stage.extension.calls.length = 0;
    const refused = [
      [at('a'), { every: '5m' }, 'ALREADY_EXISTS', /already/],
      [at('b', 'none'), { every: '5m' }, 'NOT_FOUND', /'none' does not exist/],
      [{ ...at('b'), extensionId: 'cron' }, {}, 'NOT_FOUND', /no extension 'cron'.*gofer extension list/],
      [at('b c'), { every: '5m' }, 'INVALID_ARGUMENT', /'b c' must be/],
      [at('b'), { Every: '5m', run: 'run_object{{x}}' }, 'INVALID_ARGUMENT', /did you mean 'every'\? \(and 3 more\)/],
      [
        at('b'),
        { every: 'pipeline_secret{{none}}' },
        'FAILED_PRECONDITION',
        /^The subscription cannot be made\. Setting 'every' refers to pipeline_secret.*gofer secret pipeline put/,
      ],
    ] as const;
    for (const [path, settings, code, message] of refused) {
      const given: Readonly<Record<string, string>> = settings;
      await expect(stage.create(path, given)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    }
    const error = await stage.create(at('b'), { Every: '5m', run: 'run_object{{x}}' }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      message: expect.stringMatching(/^The subscription cannot be made\. Setting 'Every' is no setting of extension/),
      details: [{ path: '$.settings.Every' }, { path: '$.settings.run' }, { path: '$.settings.run' }, { path: '$.settings.every' }],
    });
    expect(stage.extension.calls).toEqual([]);
    expect(stage.store.subscriptions.ofExtension(EXTENSION)).toHaveLength(1);
  });

  it('by whoever may read the secrets that it refers to', async () => {
    await putSecret('mine', 'a-value');
    const settings = { every: ' pipeline_secret{{mine}} ' };
    const create = (may: string) => stage.service.create(at('a'), { settings, origin: 'api', mayRead: (what) => what === may });
    await expect(create('global')).rejects.toMatchObject({ code: 'PERMISSION_DENIED', message: expect.stringContaining("'every'") });
    await create('pipeline');
    expect(held()).toEqual([['one/a', { every: 'a-value' }]]);
  });

  it('not where its extension refuses it, in the words of that', async () => {
    await expect(stage.create(at('a'), { every: 'never' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringContaining('never is no interval'),
    });
    expect(find('a')).toBeUndefined();
    expect(stage.eventNames()).toEqual([]);
  });

  it('not with a secret among the words by which its extension refuses it, now or later', async () => {
    await putSecret('mine', 'a-secret-value');
    await putSecret('when', 'never');
    const settings = { every: 'pipeline_secret{{when}}', token: 'pipeline_secret{{mine}}' };
    const refused = { message: expect.stringContaining('never is no interval for [redacted]') };
    await expect(stage.create(at('a'), settings)).rejects.toMatchObject(refused);
    await putSecret('when', '5m');
    await stage.create(at('a'), settings);
    await putSecret('when', 'never');
    await stage.stop();
    await stage.start();
    const { status_reason } = await stage.service.get(at('a'));
    expect(status_reason?.description).toContain('never is no interval for [redacted]');
    await expect(stage.update(at('a'), { settings: { every: 'never', token: settings.token } })).rejects.toMatchObject(refused);
  });

  it('not where its extension does not answer: what it may have of it is taken from it when it can be', async () => {
    stage.extension.beforeAnswer = () => {
      stage.extension.broken = () => true;
    };
    stage.extension.broken = (call) => call.startsWith('subscribe');
    await expect(stage.create(at('a'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(find('a')).toBeUndefined();
    expect(stage.extension.calls).toEqual(['subscribe one/a', 'unsubscribe one/a']);
    stage.extension.broken = () => true;
    await expect(stage.create(at('a'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(find('a')).toMatchObject({ intent: 'create' });
    await expect(stage.service.get(at('a'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(stage.store.subscriptions.isSubscribed(EXTENSION, 'default', 'one')).toBe(false);
    stage.extension.broken = () => false;
    expect(stage.clock.advance()).toBe(true);
    await stage.keeper.settled();
    expect(find('a')).toBeUndefined();
    await stage.stop();
    await expect(stage.create(at('a'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(find('a')).toBeUndefined();
  });

  it('not in a pipeline that is deleted meanwhile', async () => {
    stage.extension.beforeAnswer = async () => {
      stage.extension.beforeAnswer = () => undefined;
      await stage.deletePipeline('one');
    };
    await expect(stage.create(at('a'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await stage.keeper.settled();
    expect(held()).toEqual([]);
    expect(stage.store.subscriptions.ofExtension(EXTENSION)).toEqual([]);
    expect(stage.eventNames()).toEqual([]);
  });

  it('not with an extension that is disabled', async () => {
    const { extensions } = stage.store;
    const record = extensions.find(EXTENSION);
    if (record !== undefined) await stage.store.commit(() => extensions.update(record.uid, { ...record, enabled: false }));
    await expect(stage.create(at('a'))).rejects.toMatchObject({
      code: 'FAILED_PRECONDITION',
      message: expect.stringContaining(`gofer extension enable ${EXTENSION}`),
    });
  });
});

describe('a change', () => {
  it('of the settings counts once its extension has taken it', async () => {
    await stage.create(at('a'));
    await stage.update(at('a'), { settings: { every: '1h' }, origin: 'config' });
    expect(held()).toEqual([['one/a', { every: '1h' }]]);
    expect(await stage.service.get(at('a'))).toMatchObject({ settings: { every: '1h' }, status: 'active', origin: 'config' });
    stage.extension.calls.length = 0;
    await stage.update(at('a'), { settings: { every: '1h' }, status: 'active' });
    expect(stage.extension.calls).toEqual([]);
    await expect(stage.update(at('a'), { settings: {} })).rejects.toMatchObject({ details: [{ path: '$.settings.every' }] });
    expect(stage.extension.calls).toEqual([]);
  });

  it('that its extension refuses changes nothing', async () => {
    await stage.create(at('a'));
    await expect(stage.update(at('a'), { settings: { every: 'never' } })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(held()).toEqual([['one/a', { every: '5m' }]]);
    expect(await stage.service.get(at('a'))).toMatchObject({ settings: { every: '5m' }, status: 'active' });
  });

  it('disables and enables it, the one also without its extension', async () => {
    await stage.create(at('a'));
    await stage.update(at('a'), { status: 'disabled' });
    await stage.keeper.settled();
    expect([held(), (await stage.service.get(at('a'))).status]).toEqual([[], 'disabled']);
    await stage.update(at('a'), { status: 'active' });
    expect([held().length, (await stage.service.get(at('a'))).status]).toEqual([1, 'active']);
    stage.extension.broken = () => true;
    await stage.update(at('a'), { status: 'disabled' });
    await stage.keeper.settled();
    expect(stage.store.subscriptions.isSubscribed(EXTENSION, 'default', 'one')).toBe(false);
    await expect(stage.update(at('a'), { status: 'active' })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect((await stage.service.get(at('a'))).status).toBe('disabled');
    stage.extension.broken = () => false;
    expect(stage.clock.advance()).toBe(true);
    await stage.keeper.settled();
    expect(held()).toEqual([]);
  });
});

describe('a deletion', () => {
  it('holds at once, and its extension is told when that is possible', async () => {
    await stage.create(at('a'));
    stage.extension.broken = () => true;
    await stage.service.delete(at('a'));
    await expect(stage.service.get(at('a'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(stage.service.delete(at('a'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(stage.store.subscriptions.isSubscribed(EXTENSION, 'default', 'one')).toBe(false);
    await stage.keeper.settled();
    expect(held()).toHaveLength(1);
    await expect(stage.create(at('a'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    stage.extension.broken = () => false;
    await stage.create(at('a'), { every: '2h' });
    expect(held()).toEqual([['one/a', { every: '2h' }]]);
    expect(stage.eventNames().map((name) => name.split('_').at(-1))).toEqual(['registered', 'unregistered', 'registered']);
  });

  it('of the pipeline takes its subscriptions with it, and another of the same name has none', async () => {
    await stage.create(at('a'));
    stage.extension.broken = () => true;
    await stage.deletePipeline('one');
    await stage.keeper.settled();
    await stage.makePipeline('one', 'another');
    stage.extension.broken = () => false;
    expect(await stage.service.list(at('a'), {})).toEqual([]);
    await stage.create(at('b'));
    await stage.adopt();
    expect(held()).toEqual([['one/b', { every: '5m' }]]);
  });

  it.each([
    ['that is disabled', () => stage.update(at('a'), { status: 'disabled' })],
    ['that is refused by now', () => putSecret('mine', 'never').then(() => stage.stop().then(() => stage.start()))],
  ])('of one %s does not wait for an extension that cannot say that it has none', async (_, prepare) => {
    stage.extension.dropsUnknown = true;
    await putSecret('mine', '5m');
    await stage.create(at('a'), { every: 'pipeline_secret{{mine}}' });
    await prepare();
    await stage.keeper.settled();
    expect(held()).toEqual([]);
    await stage.service.delete(at('a'));
    await stage.create(at('a'), { every: '1h' });
    expect(held()).toEqual([['one/a', { every: '1h' }]]);
  });

  it('of the extension takes them away as they are', async () => {
    await stage.create(at('a'));
    await stage.store.commit(() => endSubscriptionsOfExtension(stage.store, EXTENSION, 1));
    expect(stage.store.subscriptions.ofExtension(EXTENSION)).toEqual([]);
    expect(stage.eventNames().at(-1)).toBe('pipeline_extension_subscription_unregistered');
  });
});

describe('an extension', () => {
  it('is given its subscriptions in each of its lives, once', async () => {
    for (const id of ['a', 'b', 'c']) await stage.create(at(id));
    await stage.update(at('c'), { status: 'disabled' });
    await stage.keeper.settled();
    await stage.stop();
    const { status, status_reason } = await stage.service.get(at('a'));
    expect([status, status_reason?.description]).toEqual(['error', expect.stringContaining('is not ready')]);
    stage.extension.calls.length = 0;
    await stage.start();
    expect(stage.extension.calls.toSorted()).toEqual(['subscribe one/a', 'subscribe one/b']);
    await stage.adopt();
    expect(stage.extension.calls).toHaveLength(2);
  });

  it('that asks for them while it starts is given only what it was not told', async () => {
    await putSecret('mine', 'a-value');
    await stage.create(at('a'), { every: 'pipeline_secret{{mine}}' });
    await stage.create(at('b'), { every: '5m', token: 'pipeline_secret{{mine}}' });
    await stage.create(at('c'));
    await stage.update(at('c'), { status: 'disabled' });
    await stage.stop();
    const { value } = stage.store.secrets.find('uid-of-one', 'mine') ?? { value: '' };
    await stage.store.commit(() => stage.store.secrets.delete('uid-of-one', 'mine'));
    await stage.update(at('a'), { origin: 'config' });
    stage.extension.calls.length = 0;
    await stage.create(at('d')).catch((error: unknown) => expect(codeOf(error)).toBe('UNAVAILABLE'));
    await stage.start({ asking: true });
    expect(held()).toEqual([]);
    expect(await stage.service.get(at('a'))).toMatchObject({ status: 'error', status_reason: { reason: 'failed' } });
    await stage.store.commit(() => stage.store.secrets.put('uid-of-one', { key: 'mine', value, namespaces: [], created: 1 }));
    await stage.stop();
    await stage.start({ asking: true });
    expect(stage.extension.calls).toEqual([]);
    expect(held()).toEqual([
      ['one/a', { every: 'a-value' }],
      ['one/b', { every: '5m', token: 'a-value' }],
    ]);
    expect((await stage.service.list(at('a'), {})).map(({ status }) => status)).toEqual(['active', 'active', 'disabled']);
  });

  it('says why it starts nothing where the server starts no runs', async () => {
    await stage.create(at('a'));
    const { store } = stage;
    await store.commit(() => store.system.setIgnorePipelineRunEvents(true));
    const status_reason = { reason: 'unknown', description: expect.stringContaining('gofer service toggle-event-ingress --on') };
    expect(await stage.service.get(at('a'))).toMatchObject({ status: 'active', status_reason });
    await store.commit(() => store.system.setIgnorePipelineRunEvents(false));
    expect(await stage.service.get(at('a'))).toMatchObject({ status: 'active', status_reason: null });
  });

  it('that refuses one now says so, and is asked again', async () => {
    await putSecret('mine', '5m');
    await stage.create(at('a'), { every: 'pipeline_secret{{mine}}' });
    await putSecret('mine', 'never');
    await stage.stop();
    await stage.start();
    expect(await stage.service.get(at('a'))).toMatchObject({
      status: 'error',
      status_reason: { reason: 'failed', description: expect.stringContaining('never is no interval') },
    });
    await putSecret('mine', '1h');
    expect(stage.clock.advance()).toBe(true);
    await stage.keeper.settled();
    expect(await stage.service.get(at('a'))).toMatchObject({ status: 'active', status_reason: null });
    expect(held()).toEqual([['one/a', { every: '1h' }]]);
  });

  it('that outlives the server is not given again what it has', async () => {
    await stage.create(at('a'));
    await stage.crash();
    await stage.enter();
    stage.extension.calls.length = 0;
    await stage.adopt();
    expect(stage.extension.calls).toEqual([]);
    expect((await stage.service.get(at('a'))).status).toBe('active');
  });
});

describe('a server that dies', () => {
  const dieOn = (call: string): void => {
    stage.extension.beforeAnswer = async (made) => {
      if (made !== call) return;
      stage.extension.beforeAnswer = () => undefined;
      await stage.crash();
    };
  };
  const comeBack = async (): Promise<void> => {
    await stage.enter();
    await stage.adopt();
    await stage.keeper.settled();
  };

  it('while one is made takes it back', async () => {
    dieOn('subscribe one/a');
    await expect(stage.create(at('a'))).rejects.toBeInstanceOf(Error);
    expect(held()).toHaveLength(1);
    await comeBack();
    expect([held(), stage.store.subscriptions.ofExtension(EXTENSION), stage.eventNames()]).toEqual([[], [], []]);
  });

  it.each(['subscribe one/a', 'unsubscribe one/a'])('while one is changed leaves it as it was (at %s)', async (call) => {
    await stage.create(at('a'));
    dieOn(call);
    await expect(stage.update(at('a'), { settings: { every: '1h' } })).rejects.toBeInstanceOf(Error);
    await comeBack();
    expect(held()).toEqual([['one/a', { every: '5m' }]]);
    expect(await stage.service.get(at('a'))).toMatchObject({ settings: { every: '5m' }, status: 'active' });
  });

  it('before one that is deleted or disabled is taken from its extension takes it later', async () => {
    await stage.create(at('a'));
    await stage.create(at('b'));
    stage.extension.broken = () => true;
    await stage.service.delete(at('a'));
    await stage.update(at('b'), { status: 'disabled' });
    await stage.crash();
    expect(held()).toHaveLength(2);
    stage.extension.broken = () => false;
    await comeBack();
    expect(held()).toEqual([]);
    expect((await stage.service.ofExtension(EXTENSION, { own: false })).map(nameOf)).toEqual(['one/b']);
  });
});
