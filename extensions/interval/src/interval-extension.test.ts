import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { subscription, TestServer } from '../../shared/src/test-host.fixture.ts';
import { extension, IntervalTicks } from './interval-extension.ts';

const SECOND = 1_000;
const MINUTE = 60_000;
const START = '2026-06-01T12:00:00.250Z';
const anchor = Date.parse(START);
const SHORT = { MIN_DURATION: '1s' };

describe('the interval extension', () => {
  it('starts the first run one interval after the subscription, and none late', async () => {
    const server = new TestServer(START);
    const { extension: interval } = await server.launch(extension);
    await interval.subscribe(subscription('simple', { every: '5m' }, 'every_five_mins'));
    await server.clock.turn(11 * MINUTE);
    expect(server.started).toEqual([
      {
        pipeline: 'default/simple',
        runId: 1,
        at: anchor + 5 * MINUTE,
        key: `interval/every_five_mins/${anchor}/1`,
        variables: {
          GOFER_EXTENSION_INTERVAL_TICK: '2026-06-01T12:05:00.250Z',
          GOFER_EXTENSION_INTERVAL_SUBSCRIPTION: 'every_five_mins',
          GOFER_EXTENSION_INTERVAL_EVERY: '5m',
        },
      },
      expect.objectContaining({ at: anchor + 10 * MINUTE, key: `interval/every_five_mins/${anchor}/2` }),
    ]);
  });

  it('loses and doubles no tick of a hundred intervals of one second, and none is late', async () => {
    const server = new TestServer(START);
    server.latency = (pipeline) => pipeline.length * 10;
    const { extension: interval } = await server.launch(extension, SHORT);
    for (let index = 0; index < 100; index += 1) {
      await interval.subscribe(subscription(`p${index}`, { every: '1s' }));
      await server.clock.turn(7);
    }
    await server.clock.turn(2 * MINUTE);
    for (let index = 0; index < 100; index += 1) {
      const ticks = server.started.filter(({ pipeline }) => pipeline === `default/p${index}`);
      expect(ticks.map(({ key }) => Number(key.split('/')[3]))).toEqual(ticks.map((_, position) => position + 1));
      expect(ticks.length).toBeGreaterThanOrEqual(119);
    }
    const late = server.started
      .map(({ at, variables }) => at - Date.parse(variables['GOFER_EXTENSION_INTERVAL_TICK'] ?? ''))
      .sort((a, b) => a - b);
    expect(late[Math.floor(late.length * 0.99)]).toBeLessThan(250);
    // Once a second, whatever is started.
    expect(server.writes).toBeLessThan(100 + 130);
  }, 120_000);

  it.each([
    ['once', [1, 2, 7, 8]],
    ['skip', [1, 2, 8]],
  ])('makes one run of what it missed, or none (catch_up=%s), and keeps its anchor', async (policy, expected) => {
    const server = new TestServer(START);
    const given = subscription('simple', { every: '5m', catch_up: policy });
    const first = await server.launch(extension);
    await first.extension.subscribe(given);
    await server.clock.turn(11 * MINUTE);
    await first.extension.shutdown?.();
    first.die();
    await server.clock.turn(25 * MINUTE);
    const second = await server.launch(extension);
    await second.extension.subscribe(given);
    await server.clock.turn(5 * MINUTE);
    expect(server.started.map(({ key }) => Number(key.split('/')[3]))).toEqual(expected);
    expect(server.started.at(-1)?.at).toBe(anchor + 40 * MINUTE);
  });

  it('begins anew with another interval', async () => {
    const server = new TestServer(START);
    const { extension: interval } = await server.launch(extension);
    await interval.subscribe(subscription('simple', { every: '5m' }));
    await server.clock.turn(4 * MINUTE);
    await interval.subscribe(subscription('simple', { every: '5m0s' }));
    await server.clock.turn(MINUTE);
    await interval.subscribe(subscription('simple', { every: '6m' }));
    await server.clock.turn(6 * MINUTE);
    expect(server.started.map(({ at }) => at - anchor)).toEqual([5 * MINUTE, 11 * MINUTE]);
  });

  it('begins anew where the subscription was made anew while it was away', async () => {
    const server = new TestServer(START);
    const life = await server.launch(extension);
    await life.extension.subscribe({ ...subscription('simple', { every: '5m' }), created: 1 });
    await server.clock.turn(6 * MINUTE);
    await life.extension.shutdown?.();
    life.die();
    await server.clock.turn(7 * MINUTE);
    const { extension: interval } = await server.launch(extension);
    await interval.subscribe({ ...subscription('simple', { every: '5m' }), created: 2 });
    await server.clock.turn(5 * MINUTE);
    expect(server.started.map(({ at }) => at - anchor)).toEqual([5 * MINUTE, 18 * MINUTE]);
  });

  it('starts each tick once, however often it is killed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 50, maxLength: 50 }), async (lives) => {
        const server = new TestServer(START);
        const given = subscription('simple', { every: '2s' });
        for (const alive of lives) {
          const { extension: interval, die } = await server.launch(extension, SHORT);
          await interval.subscribe(given);
          await server.clock.turn(alive);
          die();
        }
        const numbers = server.started.map(({ key }) => Number(key.split('/')[3]));
        expect(numbers).toEqual(Array.from({ length: Math.floor((server.clock.now() - anchor) / (2 * SECOND)) }, (_, index) => index + 1));
      }),
      { numRuns: 10, endOnFailure: true },
    );
  });

  it('counts its ticks the same way from anywhere', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.integer({ min: 1, max: 1e4 }), fc.nat(1e6), fc.nat(1e5), (start, every, offset, span) => {
        const ticks = new IntervalTicks(start, every);
        const from = start + offset - 1_000;
        const between = ticks.between(from, from + span);
        expect(between.length).toBeLessThanOrEqual(1_000);
        for (const tick of between) {
          expect((tick - start) % every).toBe(0);
          expect(tick > Math.max(from, start) && tick <= from + span).toBe(true);
        }
        const last = between.at(-1) ?? from;
        expect(ticks.next(last)).toBeGreaterThan(from + span);
        if (between.length > 0 && between.length < 1_000) expect(ticks.next(from)).toBe(between[0]);
      }),
    );
  });

  it.each([
    [{}, 'every is missing: give one, such as "5m"'],
    [{ every: '5' }, 'every must be a duration of at most 10 years such as "5m" or "1h30m", not "5"'],
    [{ every: '4m59s' }, 'every is "4m59s", and must be at least 5m: the administrator sets that with MIN_DURATION of the extension'],
    [{ every: '5m', catch_up: 'all' }, 'catch_up must be one of once, skip, not "all"'],
    [{ every: '5m', jitter: '1s' }, 'there is no parameter "jitter"; there are every, catch_up'],
  ])('refuses %j', async (params, message) => {
    const { extension: interval } = await new TestServer(START).launch(extension);
    await expect(async () => interval.subscribe(subscription('simple', params as Record<string, string>))).rejects.toThrow(message);
  });

  it('takes its shortest interval from MIN_DURATION, or MIN_INTERVAL', async () => {
    const server = new TestServer(START);
    for (const config of [{ MIN_DURATION: '2s' }, { MIN_INTERVAL: '2s' }, { MIN_DURATION: '2s', MIN_INTERVAL: '2000ms' }]) {
      const { extension: interval } = await server.launch(extension, config);
      expect(await interval.debug?.()).toMatchObject({ min_duration: '2s' });
    }
    await expect(server.launch(extension, { MIN_DURATION: '2s', MIN_INTERVAL: '3s' })).rejects.toThrow('MIN_INTERVAL, another name for it');
    await expect(server.launch(extension, { MIN_INTERVAL: '10ms' })).rejects.toThrow('MIN_INTERVAL must be a duration of at least 1s');
  });
});
