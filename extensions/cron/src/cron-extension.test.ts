import { type Extension, GoferRequestError, type Subscription } from '@gofer/sdk/extension';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Life, subscription, TestServer } from '../../shared/src/test-host.fixture.ts';
import { extension } from './cron-extension.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = '2026-06-01T12:00:30Z';

function keys(server: TestServer): string[] {
  return server.started.map(({ key }) => key);
}

/** Minutes of the hour that were started, in order. */
function minutes(server: TestServer): string[] {
  return server.started.map(({ variables }) => (variables['GOFER_EXTENSION_CRON_TICK'] ?? '').slice(11, 16));
}

/** As the server does: again until it is taken. */
async function give(cron: Extension, given: Subscription): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    try {
      return await cron.subscribe(given);
    } catch (error) {
      expect(error).toBeInstanceOf(GoferRequestError);
    }
  }
  throw new Error('the subscription was not taken');
}

async function everyMinute(params: Readonly<Record<string, string>>): Promise<{ server: TestServer; life: Life }> {
  const server = new TestServer(START);
  const life = await server.launch(extension);
  await life.extension.subscribe(subscription('simple', { expression: '* * * * * *', ...params }));
  return { server, life };
}

describe('the cron extension', () => {
  it('starts a run at the second that is due, once, and says which', async () => {
    const { server } = await everyMinute({});
    await server.clock.turn(2 * MINUTE);
    expect(server.started).toEqual([
      {
        pipeline: 'default/simple',
        runId: 1,
        at: Date.parse('2026-06-01T12:01:00Z'),
        key: `cron/sub/${Date.parse('2026-06-01T12:01:00Z') / 1_000}`,
        variables: {
          GOFER_EXTENSION_CRON_TICK: '2026-06-01T12:01:00Z',
          GOFER_EXTENSION_CRON_SUBSCRIPTION: 'sub',
          GOFER_EXTENSION_CRON_EXPRESSION: '* * * * * *',
        },
      },
      expect.objectContaining({ runId: 2, at: Date.parse('2026-06-01T12:02:00Z') }),
    ]);
  });

  it('starts a thousand that are due in the same minute within 1.5 seconds, a bounded number at a time', async () => {
    const server = new TestServer(START);
    // 64 at a time need 16 turns.
    server.latency = () => 50;
    const { extension: cron } = await server.launch(extension);
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => give(cron, subscription(`p${index}`, { expression: '1 12 * * * *' }))));
    expect(server.writes).toBeLessThan(10);
    server.writes = 0;
    await server.clock.turn(5 * MINUTE);
    expect(new Set(server.started.map(({ pipeline }) => pipeline)).size).toBe(1_000);
    expect(server.started).toHaveLength(1_000);
    expect(server.mostAtOnce).toBe(64);
    expect(Math.max(...server.started.map(({ at }) => at)) - Date.parse('2026-06-01T12:01:00Z')).toBeLessThan(1_500);
    expect(server.writes).toBeLessThan(10);
  });

  it('lets a pipeline that is slow or fails hold up no other', async () => {
    const server = new TestServer(START);
    server.latency = (pipeline) => (pipeline.includes('slow') ? HOUR : 0);
    server.fault = (_, pipeline) => (pipeline.includes('bad') ? 503 : 'none');
    const { extension: cron } = await server.launch(extension);
    for (const id of ['slow', 'bad', 'good']) await cron.subscribe(subscription(id, { expression: '* * * * * *' }));
    await server.clock.turn(10 * MINUTE);
    expect(server.started.filter(({ pipeline }) => pipeline === 'default/good').map(({ at }) => at % MINUTE)).toEqual(Array(10).fill(0));
    expect(server.logged.filter((line) => line.includes('bad'))).toHaveLength(1);
  });

  it('loses and doubles nothing when it is killed fifty times, and answers are lost', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 200_000 }), fc.integer({ min: 0, max: 50_000 })), { minLength: 50, maxLength: 50 }),
        fc.infiniteStream(fc.constantFrom('none' as const, 'none' as const, 'lost' as const, 503)),
        async (lives, faults) => {
          const server = new TestServer(START);
          server.fault = () => faults.next().value ?? 'none';
          const given = [0, 1, 2].map((index) => subscription(`p${index}`, { expression: '* * * * * *', catch_up: 'all' }));
          const from = server.clock.now();
          for (const [alive, away] of lives) {
            const { extension: cron, die } = await server.launch(extension);
            await Promise.all(given.map((each) => give(cron, each)));
            await server.clock.turn(alive);
            die();
            await server.clock.turn(away);
          }
          server.fault = () => 'none';
          const { extension: cron } = await server.launch(extension);
          await Promise.all(given.map((each) => give(cron, each)));
          await server.clock.turn(MINUTE);
          const passed = Math.floor(server.clock.now() / MINUTE) - Math.floor(from / MINUTE);
          for (const { pipelineId } of given) {
            const ticks = server.started
              .filter(({ pipeline }) => pipeline === `default/${pipelineId}`)
              .map(({ key }) => Number(key.split('/')[2]));
            expect(ticks.toSorted((a, b) => a - b)).toEqual(
              Array.from({ length: passed }, (_, index) => Math.floor(from / MINUTE) * 60 + (index + 1) * 60),
            );
          }
        },
      ),
      { numRuns: 5, endOnFailure: true },
    );
  });

  it.each([
    ['once', ['12:01', '12:11', '12:12']],
    ['skip', ['12:01', '12:12']],
    ['all', ['12:01', '12:02', '12:03', '12:04', '12:05', '12:06', '12:07', '12:08', '12:09', '12:10', '12:11', '12:12']],
  ])('after the extension was away, catch_up=%s', async (policy, expected) => {
    const { server, life } = await everyMinute({ catch_up: policy });
    await server.clock.turn(MINUTE);
    await life.extension.shutdown?.();
    life.die();
    // 12:12:15: the last one is late, and on time.
    await server.clock.turn(10 * MINUTE + 45_000);
    const again = await server.launch(extension);
    await again.extension.subscribe(subscription('simple', { expression: '* * * * * *', catch_up: policy }));
    await server.clock.turn(1_000);
    expect(minutes(server)).toEqual(expected);
  });

  it('makes up with one run for what was due while the server was away', async () => {
    const { server } = await everyMinute({});
    server.fault = () => 503;
    await server.clock.turn(30 * MINUTE);
    expect(server.started).toEqual([]);
    server.fault = () => 'none';
    await server.clock.turn(MINUTE);
    expect(minutes(server)).toEqual(['12:29', '12:30', '12:31']);
    // Not every second of the time.
    expect(server.requests).toBeLessThan(80);
  });

  it('makes up for nothing that is older than MISSED_WITHIN', async () => {
    const server = new TestServer(START);
    const given = subscription('simple', { expression: '0 * * * * *', catch_up: 'all' });
    const life = await server.launch(extension, { MISSED_WITHIN: '3h' });
    await life.extension.subscribe(given);
    life.die();
    await server.clock.turn(72 * HOUR);
    await (await server.launch(extension, { MISSED_WITHIN: '3h' })).extension.subscribe(given);
    await server.clock.turn(1_000);
    expect(minutes(server)).toEqual(['10:00', '11:00', '12:00']);
  });

  it('skips what is due while its last run has not ended, where overlap=skip', async () => {
    const { server, life } = await everyMinute({ overlap: 'skip' });
    await server.clock.turn(3 * MINUTE);
    expect(minutes(server)).toEqual(['12:01']);
    // Who ran is remembered.
    life.die();
    const { extension: cron } = await server.launch(extension);
    await cron.subscribe(subscription('simple', { expression: '* * * * * *', overlap: 'skip' }));
    await server.clock.turn(MINUTE);
    expect(minutes(server)).toEqual(['12:01']);
    server.ended.add(1);
    await server.clock.turn(MINUTE);
    expect(minutes(server)).toEqual(['12:01', '12:05']);
  });

  it('doubles nothing when the clock is set back, and makes up when it is set forward', async () => {
    const { server } = await everyMinute({});
    await server.clock.turn(5 * MINUTE);
    server.clock.set(server.clock.now() - 3 * MINUTE);
    await server.clock.turn(4 * MINUTE);
    expect(minutes(server)).toEqual(['12:01', '12:02', '12:03', '12:04', '12:05', '12:06']);
    server.clock.set(server.clock.now() + HOUR);
    await server.clock.turn(1_000);
    expect(minutes(server).slice(6)).toEqual(['13:05', '13:06']);
  });

  it('begins anew where a clock that was wrong had put it far ahead', async () => {
    const server = new TestServer('2099-01-01T00:00:30Z');
    const life = await server.launch(extension);
    await life.extension.subscribe(subscription('simple', { expression: '* * * * * *' }));
    await server.clock.turn(2 * MINUTE);
    life.die();
    server.clock.set(Date.parse(START));
    await (await server.launch(extension)).extension.subscribe(subscription('simple', { expression: '* * * * * *' }));
    await server.clock.turn(MINUTE);
    expect(minutes(server)).toEqual(['00:01', '00:02', '12:01']);
  });

  it('runs nothing from before it was subscribed, or changed', async () => {
    const { server, life } = await everyMinute({});
    await server.clock.turn(MINUTE);
    await life.extension.unsubscribe(subscription('simple', {}));
    await server.clock.turn(5 * MINUTE);
    await life.extension.subscribe(subscription('simple', { expression: '* * * * * *' }));
    await server.clock.turn(MINUTE);
    await life.extension.subscribe(subscription('simple', { expression: '5,9 * * * * *' }));
    await server.clock.turn(10 * MINUTE);
    expect(minutes(server)).toEqual(['12:01', '12:07', '12:09']);
  });

  it.each([
    ['is the same', 1, ['12:01', '14:30', '14:31', '14:32']],
    ['was made anew while it was away', 2, ['12:01', '14:32']],
    ['comes from a server that does not say when it was made', undefined, ['12:01', '14:30', '14:31', '14:32']],
  ])('goes on with what is due where the subscription %s, or not', async (_, created, expected) => {
    const server = new TestServer(START);
    const given = subscription('simple', { expression: '* * * * * *' });
    const life = await server.launch(extension);
    await life.extension.subscribe({ ...given, created: 1 });
    await server.clock.turn(MINUTE);
    await life.extension.shutdown?.();
    life.die();
    await server.clock.turn(2.5 * HOUR);
    const { extension: cron } = await server.launch(extension);
    await cron.subscribe(created === undefined ? given : { ...given, created });
    await server.clock.turn(MINUTE);
    expect(minutes(server)).toEqual(expected);
  });

  it('takes no subscription that it cannot keep', async () => {
    const server = new TestServer(START);
    server.fault = (what) => (what === 'put' ? 503 : 'none');
    const { extension: cron } = await server.launch(extension);
    await expect(async () => cron.subscribe(subscription('simple', { expression: '* * * * * *' }))).rejects.toThrow('the server says 503');
    await server.clock.turn(5 * MINUTE);
    expect(server.started).toEqual([]);
  });

  it('forgets what is not subscribed any more after a restart', async () => {
    const { server, life } = await everyMinute({});
    life.die();
    const { extension: cron } = await server.launch(extension);
    await server.clock.turn(11 * MINUTE);
    await cron.shutdown?.();
    expect(JSON.parse(server.objects.get('timetable') ?? '')).toEqual({ version: 1, subscriptions: {} });
    expect(server.started).toEqual([]);
  });

  it.each([404, 401])('asks for a pipeline that is gone (%i) once an hour, and says so once', async (status) => {
    const { server } = await everyMinute({});
    server.fault = (what) => (what === 'start' ? status : 'none');
    await server.clock.turn(3 * HOUR);
    expect(server.requests).toBe(3);
    expect(server.logged.filter((line) => line.startsWith('warn'))).toHaveLength(1);
    server.fault = () => 'none';
    await server.clock.turn(HOUR);
    expect(keys(server).length).toBeGreaterThan(50);
  });

  it.each([404, 401])('waits for a subscription that the server has not written down yet (%i)', async (status) => {
    const server = new TestServer('2026-03-01T12:00:59.990Z');
    const { extension: cron } = await server.launch(extension);
    await cron.subscribe(subscription('simple', { expression: '* * * * * *' }));
    server.fault = (what) => (what === 'start' ? status : 'none');
    await server.clock.turn(5_000);
    expect(server.started).toEqual([]);
    server.fault = () => 'none';
    await server.clock.turn(3 * MINUTE);
    expect(minutes(server)).toEqual(['12:01', '12:02', '12:03', '12:04']);
  });

  it('goes on to the next time where the server refuses one', async () => {
    const { server } = await everyMinute({});
    server.fault = (what) => (what === 'start' ? 409 : 'none');
    await server.clock.turn(2 * MINUTE);
    server.fault = () => 'none';
    await server.clock.turn(MINUTE);
    expect(server.requests).toBe(3);
    expect(minutes(server)).toEqual(['12:03']);
  });

  it('keeps its progress when it ends, and runs daylight saving right', async () => {
    const server = new TestServer('2026-03-28T12:00:00Z');
    const { extension: cron } = await server.launch(extension, { TIMEZONE: 'Europe/Berlin' });
    await cron.subscribe(subscription('simple', { expression: '30 2 * * * *' }));
    await server.clock.turn(48 * HOUR);
    await cron.shutdown?.();
    expect(server.started.map(({ at }) => new Date(at).toISOString())).toEqual(['2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z']);
    expect(server.objects.get('timetable')).toContain(`"position":${Date.parse('2026-03-30T00:30:00.000Z')}`);
  });

  it.each([
    [{}, 'expression is missing: give one, such as "0 1 25 12 * *"'],
    [{ expression: '* * * * * *', zone: 'UTC' }, 'there is no parameter "zone"; there are expression, timezone, catch_up, overlap'],
    [{ expression: '* * * * * *', timezone: 'Mars/Base' }, 'timezone "Mars/Base" is not a time zone of the IANA database'],
    [{ expression: '* * * * * *', catch_up: 'some' }, 'catch_up must be one of once, skip, all, not "some"'],
    [{ expression: '* * * * * *', overlap: 'no' }, 'overlap must be one of allow, skip, not "no"'],
  ])('refuses %j', async (params, message) => {
    const { extension: cron } = await new TestServer(START).launch(extension);
    await expect(async () => cron.subscribe(subscription('simple', params as Record<string, string>))).rejects.toThrow(message);
  });

  it('refuses settings that cannot be used', async () => {
    const server = new TestServer(START);
    await expect(server.launch(extension, { TIMEZONE: 'Nowhere' })).rejects.toThrow('TIMEZONE "Nowhere" is not a time zone');
    await expect(server.launch(extension, { MISSED_WITHIN: 'soon' })).rejects.toThrow('MISSED_WITHIN must be a duration');
    server.objects.set('timetable', 'damaged');
    await expect(server.launch(extension)).rejects.toThrow('is damaged: it is not JSON');
  });

  it('tells who looks for a fault what is next', async () => {
    const { server, life } = await everyMinute({});
    server.fault = (what) => (what === 'start' ? 503 : 'none');
    await server.clock.turn(40_000);
    expect(await life.extension.debug?.()).toMatchObject({
      default_timezone: 'UTC',
      subscriptions: [
        {
          subscription: 'default/simple/sub',
          next: '2026-06-01T12:01:00.000Z',
          lag_ms: 10_000,
          last_error: { message: 'the server says 503' },
        },
      ],
    });
  });
});
