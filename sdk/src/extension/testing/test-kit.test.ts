import { setTimeout as sleepFor } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { type Extension, type ExtensionFactory, type ExtensionHost, Refusal, type Subscription } from '../extension.ts';
import { startTestKit, type TestKit } from './index.ts';

const MINUTE = 60_000;
const kits: TestKit[] = [];
afterEach(async () => {
  for (const kit of kits.splice(0)) await kit.close();
});

async function start(factory: ExtensionFactory, options?: Parameters<typeof startTestKit>[1]): Promise<TestKit> {
  const kit = await startTestKit(factory, options);
  kits.push(kit);
  return kit;
}

/** Starts a run each minute for each subscription, and counts with the server. */
function everyMinute(host: ExtensionHost): Extension {
  const cancels = new Map<string, () => void>();
  const plan = (subscription: Subscription): void => {
    const next = (Math.floor(host.clock.now() / MINUTE) + 1) * MINUTE;
    const cancel = host.clock.at(next, () => {
      void host.gofer.startRun(subscription, { idempotencyKey: `${subscription.subscriptionId}-${next}`, variables: { at: String(next) } });
      plan(subscription);
    });
    cancels.set(subscription.subscriptionId, cancel);
  };
  return {
    info: {
      documentation: 'A run a minute.',
      configParams: [],
      subscriptionParams: [{ key: 'word', required: true, documentation: 'Any.' }],
    },
    subscribe(subscription) {
      if (subscription.params['word'] === undefined) throw new Refusal('word is missing');
      cancels.get(subscription.subscriptionId)?.();
      plan(subscription);
    },
    unsubscribe: ({ subscriptionId }) => cancels.get(subscriptionId)?.(),
    debug: () => ({ subscriptions: cancels.size }),
    async externalEvent({ headers, body }) {
      if (headers['x-event'] === undefined) throw new Refusal('x-event is missing');
      await host.objects.put('last', body);
    },
  };
}

const SUBSCRIPTION = { pipelineId: 'nightly', subscriptionId: 'one', params: { word: 'x' } };

describe('the test kit', () => {
  test('turns time: each timer at its own time, what it starts before the next', async () => {
    const kit = await start(everyMinute, { now: 30_000 });
    await kit.subscribe(SUBSCRIPTION);
    await kit.clock.advance(3 * MINUTE);
    expect(kit.runs.map(({ runId, at, variables, pipeline }) => [runId, at, variables['at'], pipeline.namespaceId])).toEqual([
      [1, MINUTE, '60000', 'default'],
      [2, 2 * MINUTE, '120000', 'default'],
      [3, 3 * MINUTE, '180000', 'default'],
    ]);
    await kit.unsubscribe(SUBSCRIPTION);
    await kit.clock.advance(3 * MINUTE);
    expect(kit.runs).toHaveLength(3);
    expect(await kit.debug()).toEqual({ subscriptions: 1 });
    expect(await kit.info()).toMatchObject({ documentation: 'A run a minute.', subscriptionParams: [{ key: 'word', required: true }] });
  });

  test("says the extension's own words where it refuses", async () => {
    const kit = await start(everyMinute);
    await expect(kit.subscribe({ ...SUBSCRIPTION, params: {} })).rejects.toThrow(new Refusal('word is missing'));
    expect(await kit.externalEvent({ headers: {}, body: '' })).toEqual({ statusCode: 400, message: 'x-event is missing' });
    expect(await kit.externalEvent({ headers: { 'X-Event': 'push' }, body: new Uint8Array([0, 255]) })).toEqual({ statusCode: 204 });
    expect(kit.objects.get('last')).toEqual(new Uint8Array([0, 255]));
  });

  test.each(['refuse connections', '503', '429', 'lost answer'] as const)('makes requests fail: %s', async (how) => {
    const kit = await start(everyMinute, { now: 59_000 });
    await kit.subscribe(SUBSCRIPTION);
    kit.failNext(2, how);
    await kit.clock.advanceTo(MINUTE);
    expect(kit.requests).toHaveLength(1);
    await kit.clock.advance(10_000);
    expect(kit.requests.map(({ idempotencyKey }) => idempotencyKey)).toEqual(Array(3).fill('one-60000'));
    expect(kit.runs).toMatchObject([{ runId: 1, at: how === 'lost answer' ? MINUTE : expect.any(Number) }]);
  });

  test('turns time also while the extension has not answered', async () => {
    const kit = await start((host) => ({
      info: { documentation: '', configParams: [], subscriptionParams: [] },
      subscribe: async (subscription) => void (await host.gofer.startRun(subscription, { idempotencyKey: 'first' })),
      unsubscribe() {},
    }));
    kit.failNext(1, '503');
    const subscribed = kit.subscribe(SUBSCRIPTION);
    await kit.clock.advance(MINUTE);
    await subscribed;
    expect(kit.runs).toHaveLength(1);
  });

  test('starts it again: with its subscriptions, and nothing that was planned before', async () => {
    const kit = await start(everyMinute, { now: 0 });
    await kit.subscribe(SUBSCRIPTION);
    for (const kill of [false, true]) {
      await kit.restart({ kill, downMs: 5 * MINUTE });
      await kit.clock.advance(MINUTE);
    }
    expect(kit.runs.map(({ at }) => at / MINUTE)).toEqual([6, 12]);
    expect(kit.requests).toHaveLength(2);
  });

  test('one that was killed hears and says nothing more', async () => {
    let goOn = (): void => {};
    let starts = 0;
    const kit = await start((host) => {
      starts += 1;
      const isFirst = starts === 1;
      return {
        info: { documentation: '', configParams: [], subscriptionParams: [] },
        start() {
          if (!isFirst) return;
          goOn = () => {
            host.log('info', 'still here');
            void host.objects.put('ghost', 'x').then(() => host.gofer.startRun(SUBSCRIPTION_PIPELINE, { idempotencyKey: 'ghost' }));
          };
        },
        subscribe() {},
        unsubscribe() {},
      };
    });
    await kit.restart({ kill: true });
    goOn();
    await kit.settled();
    expect([...kit.objects.keys(), ...kit.requests, ...kit.logs]).toEqual([]);
  });

  test('events: from now on, once and in order, across lost connections and forgotten ids', async () => {
    const seen: unknown[] = [];
    const kit = await start((host) => follower(host, seen));
    kit.emit('completed_run', { run_id: 1 });
    kit.emit('started_run', { run_id: 1 });
    await kit.settled();
    expect(seen).toEqual([1]);
    kit.disconnect();
    kit.emit('completed_run', { run_id: 2 });
    await kit.clock.advance(MINUTE);
    kit.emit('completed_run', { run_id: 3 });
    await kit.settled();
    expect(seen).toEqual([1, 2, 3]);
    kit.disconnect();
    kit.expireEvents();
    kit.emit('completed_run', { run_id: 4 });
    await kit.clock.advance(MINUTE);
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  test('events: what happens while the first connection is lost comes too', async () => {
    const seen: unknown[] = [];
    const kit = await start((host) => follower(host, seen));
    kit.disconnect();
    kit.emit('completed_run', { run_id: 7 });
    await kit.clock.advance(MINUTE);
    expect(seen).toEqual([7]);
  });

  test('a run that is waited for: its end, or the end of the time', async () => {
    const states: unknown[] = [];
    const kit = await start(
      (host) => ({
        info: { documentation: '', configParams: [], subscriptionParams: [] },
        async subscribe(subscription) {
          const { runId } = await host.gofer.startRun(subscription, { idempotencyKey: subscription.subscriptionId });
          void host.gofer.getRun(subscription, runId, { waitSeconds: 600 }).then((run) => states.push([host.clock.now(), run.status]));
        },
        unsubscribe() {},
      }),
      { now: 0 },
    );
    await kit.subscribe({ ...SUBSCRIPTION, subscriptionId: 'ends' });
    await kit.subscribe({ ...SUBSCRIPTION, pipelineId: 'other', subscriptionId: 'goes-on' });
    await kit.clock.advance(5 * MINUTE);
    expect(() => kit.finishRun(1, 'failed')).toThrow('name the pipeline');
    kit.finishRun(1, 'failed', { namespaceId: 'default', pipelineId: 'nightly' });
    await kit.settled();
    expect(states).toEqual([[5 * MINUTE, 'failed']]);
    await kit.clock.advance(10 * MINUTE);
    expect(states).toEqual([
      [5 * MINUTE, 'failed'],
      [10 * MINUTE, 'unknown'],
    ]);
  });

  test('a factory that throws leaves nothing behind', async () => {
    await expect(
      startTestKit(() => {
        throw new Error('min_interval is no duration');
      }),
    ).rejects.toThrow('min_interval is no duration');
    await sleepFor(0);
  });
});

const SUBSCRIPTION_PIPELINE = { namespaceId: 'default', pipelineId: 'nightly' };

function follower(host: ExtensionHost, seen: unknown[]): Extension {
  return {
    info: { documentation: '', configParams: [], subscriptionParams: [] },
    start() {
      void (async () => {
        for await (const { payload } of host.gofer.events({ kinds: ['completed_run'], signal: host.signal })) seen.push(payload['run_id']);
      })();
    },
    subscribe() {},
    unsubscribe() {},
  };
}
