import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { subscription, TestServer } from '../../shared/src/test-host.fixture.ts';
import { EventPosition } from './event-position.ts';
import { extension } from './pipeline-extension.ts';

const MINUTE = 60_000;
const START = '2026-06-01T12:00:00Z';

function complete(server: TestServer, pipeline: string, runId: number, status = 'successful', namespace = 'default'): string {
  return server.emit({ namespace_id: namespace, pipeline_id: pipeline, run_id: runId, status });
}

describe('the pipeline extension', () => {
  it('starts a run when one of the pipeline that it follows has ended, and says which', async () => {
    const server = new TestServer(START);
    complete(server, 'build', 1);
    await server.clock.turn(1);
    const { extension: pipeline } = await server.launch(extension);
    await pipeline.subscribe(subscription('deploy', { pipeline: 'build' }, 'after-build'));
    await server.clock.turn(1);
    complete(server, 'build', 2, 'failed');
    complete(server, 'other', 2);
    complete(server, 'build', 2, 'successful', 'elsewhere');
    const event = complete(server, 'build', 3);
    await server.clock.turn(1);
    expect(server.started).toEqual([
      {
        pipeline: 'default/deploy',
        runId: 1,
        key: `pipeline/after-build/${event}`,
        at: server.clock.now() - 1,
        variables: {
          GOFER_EXTENSION_PIPELINE_NAMESPACE: 'default',
          GOFER_EXTENSION_PIPELINE_PIPELINE: 'build',
          GOFER_EXTENSION_PIPELINE_RUN: '3',
          GOFER_EXTENSION_PIPELINE_STATUS: 'successful',
          GOFER_EXTENSION_PIPELINE_EVENT: event,
          GOFER_EXTENSION_PIPELINE_DEPTH: '1',
        },
      },
    ]);
    await pipeline.shutdown?.();
  });

  it.each([
    ['any', ['successful', 'failed', 'cancelled']],
    ['failed, cancelled', ['failed', 'cancelled']],
  ])('takes a list of statuses: %s', async (status, expected) => {
    const server = new TestServer(START);
    const { extension: pipeline } = await server.launch(extension, { FOLLOWED_NAMESPACES: 'another, elsewhere' });
    await pipeline.subscribe(subscription('deploy', { pipeline: 'elsewhere/build', status }));
    await server.clock.turn(1);
    for (const each of ['successful', 'failed', 'cancelled', 'unknown']) complete(server, 'build', 1, each, 'elsewhere');
    await server.clock.turn(1);
    expect(server.started.map(({ variables }) => variables['GOFER_EXTENSION_PIPELINE_STATUS'])).toEqual(expected);
    await pipeline.shutdown?.();
  });

  it('misses and doubles nothing when it is killed again and again, and answers are lost', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 3_000 }), fc.boolean()), { minLength: 50, maxLength: 50 }),
        fc.infiniteStream(fc.constantFrom('none' as const, 'none' as const, 'lost' as const, 503)),
        async (lives, faults) => {
          const server = new TestServer(START);
          const given = subscription('deploy', { pipeline: 'build' });
          const first = await server.launch(extension);
          await first.extension.subscribe(given);
          server.fault = () => faults.next().value ?? 'none';
          first.die();
          const events: string[] = [];
          for (const [alive, gives] of lives) {
            await server.clock.turn(1);
            events.push(complete(server, 'build', events.length));
            const life = await server.launch(extension);
            await server.clock.turn(alive);
            if (gives) await life.extension.subscribe(given);
            events.push(complete(server, 'build', events.length));
            life.die();
          }
          server.fault = () => 'none';
          await server.launch(extension);
          await server.clock.turn(MINUTE);
          const started = server.started.map(({ variables }) => variables['GOFER_EXTENSION_PIPELINE_EVENT']);
          expect(started.toSorted((a = '', b = '') => a.localeCompare(b))).toEqual(events);
        },
      ),
      { numRuns: 10, endOnFailure: true },
    );
  });

  it('counts nothing from before it was subscribed where events are read from the beginning again', async () => {
    const server = new TestServer(START);
    complete(server, 'build', 1);
    await server.clock.turn(1);
    const first = await server.launch(extension);
    await first.extension.subscribe(subscription('deploy', { pipeline: 'build' }));
    await server.clock.turn(1);
    complete(server, 'build', 2);
    await server.clock.turn(2_000);
    first.die();
    const kept = server.objects.get('followers') ?? '';
    expect(kept).toContain('"position":"event-000001"');
    expect(kept).toContain('"depths":{"default/deploy/1":1}');
    server.objects.set('followers', kept.replace('event-000001', 'expired'));
    const second = await server.launch(extension);
    complete(server, 'deploy', 1);
    await server.clock.turn(2_000);
    expect(server.started.map(({ variables }) => variables['GOFER_EXTENSION_PIPELINE_RUN'])).toEqual(['2']);
    // A run that has ended leads nowhere any more.
    expect(server.objects.get('followers')).toContain('"depths":{}');
    await second.extension.shutdown?.();
  });

  it('lets a pipeline that cannot be started now hold up no other, and none of its own events', async () => {
    const server = new TestServer(START);
    server.fault = (_, pipeline) => (pipeline === 'default/bad' ? 429 : 'none');
    const { extension: pipeline } = await server.launch(extension);
    for (const id of ['bad', 'good']) await pipeline.subscribe(subscription(id, { pipeline: 'build' }));
    await server.clock.turn(1);
    for (let run = 1; run <= 5; run += 1) complete(server, 'build', run);
    await server.clock.turn(MINUTE);
    expect(server.started.map(({ pipeline: id }) => id)).toEqual(Array(5).fill('default/good'));
    server.fault = () => 'none';
    await server.clock.turn(MINUTE);
    expect(server.started.filter(({ pipeline: id }) => id === 'default/bad')).toHaveLength(5);
    await pipeline.shutdown?.();
  });

  it('goes on where it was when its stream was refused, whatever is still tried', async () => {
    const server = new TestServer(START);
    server.fault = (_, pipeline) => (pipeline === 'default/bad' ? 503 : 'none');
    const { extension: pipeline } = await server.launch(extension);
    for (const id of ['bad', 'good']) await pipeline.subscribe(subscription(id, { pipeline: 'build' }));
    await server.clock.turn(1);
    server.streamFault = 'events may not be read';
    for (let run = 1; run <= 3; run += 1) {
      complete(server, 'build', run);
      await server.clock.turn(MINUTE);
    }
    expect(server.logged.filter((line) => line.includes('events cannot be followed, trying again: events may not be read'))).toHaveLength(
      1,
    );
    expect(server.started.map(({ variables }) => variables['GOFER_EXTENSION_PIPELINE_RUN'])).toEqual(['1', '2', '3']);
    server.fault = () => 'none';
    await server.clock.turn(MINUTE);
    expect(server.started.filter(({ pipeline: id }) => id === 'default/bad')).toHaveLength(3);
    expect(await pipeline.debug?.()).toMatchObject({ following: { events_under_way: 0, position: 'event-000002' } });
    await pipeline.shutdown?.();
  });

  it('gives up an event where the server refuses its run', async () => {
    const server = new TestServer(START);
    server.fault = (what) => (what === 'start' ? 404 : 'none');
    const { extension: pipeline } = await server.launch(extension);
    await pipeline.subscribe(subscription('deploy', { pipeline: 'build' }));
    await server.clock.turn(1);
    const event = complete(server, 'build', 1);
    await server.clock.turn(10 * MINUTE);
    expect(server.requests).toBe(1);
    expect(await pipeline.debug?.()).toMatchObject({
      following: { position: event, subscriptions: [{ last_error: { message: expect.stringContaining('404') } }] },
    });
    await pipeline.shutdown?.();
  });

  it('cuts pipelines that start each other, also across a restart', async () => {
    const server = new TestServer(START);
    const given = [subscription('a-pipeline', { pipeline: 'b-pipeline' }), subscription('b-pipeline', { pipeline: 'a-pipeline' })];
    let life = await server.launch(extension, { MAX_DEPTH: '6' });
    for (const each of given) await life.extension.subscribe(each);
    await server.clock.turn(1);
    complete(server, 'a-pipeline', 1_000);
    for (let next = 0; next < 20; next += 1) {
      await server.clock.turn(2_000);
      const run = server.started[next];
      if (run === undefined) break;
      if (next === 3) {
        life.die();
        life = await server.launch(extension, { MAX_DEPTH: '6' });
      }
      complete(server, run.pipeline.split('/')[1] ?? '', run.runId);
    }
    expect(server.started.map(({ variables }) => variables['GOFER_EXTENSION_PIPELINE_DEPTH'])).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(server.logged.at(-1)).toContain("a chain of 7 pipelines is cut here: the extension's MAX_DEPTH is 6");
    await life.extension.shutdown?.();
  });

  it('counts from when it was subscribed, or changed, and forgets', async () => {
    const server = new TestServer(START);
    const { extension: pipeline } = await server.launch(extension);
    const steps = [{ pipeline: 'build' }, { pipeline: 'build', status: 'any' }, undefined, { pipeline: 'build' }];
    for (const [run, params] of steps.entries()) {
      if (params === undefined) await pipeline.unsubscribe(subscription('deploy', {}));
      else await pipeline.subscribe(subscription('deploy', params));
      await server.clock.turn(1);
      complete(server, 'build', run);
      await server.clock.turn(1);
    }
    expect(server.started.map(({ variables }) => variables['GOFER_EXTENSION_PIPELINE_RUN'])).toEqual(['0', '1', '3']);
    await pipeline.shutdown?.();
  });

  it.each([
    [{}, 'pipeline is missing: give one, such as "build"'],
    [{ pipeline: 'deploy' }, 'pipeline is "deploy", which is the pipeline that subscribes: it would run for ever'],
    [{ pipeline: 'default/deploy' }, 'which is the pipeline that subscribes'],
    [{ pipeline: 'a/b/c' }, 'pipeline must be the id of a pipeline, or NAMESPACE/PIPELINE, not "a/b/c"'],
    [
      { pipeline: 'build', status: 'ok' },
      'status must be a list of successful, failed, cancelled or any, separated by commas; "ok" is none of them',
    ],
    [{ pipeline: 'elsewhere/build' }, 'only where an administrator allows it'],
    [{ pipeline: 'build', on: 'any' }, 'there is no parameter "on"; there are pipeline, status'],
  ])('refuses %j', async (params, message) => {
    const { extension: pipeline } = await new TestServer(START).launch(extension);
    await expect(async () => pipeline.subscribe(subscription('deploy', params as Record<string, string>))).rejects.toThrow(message);
    await pipeline.shutdown?.();
  });

  it('follows another namespace no longer than it may, also what it has kept', async () => {
    const server = new TestServer(START);
    const allowed = await server.launch(extension, { FOLLOWED_NAMESPACES: '*' });
    await allowed.extension.subscribe(subscription('deploy', { pipeline: 'elsewhere/build' }));
    await server.clock.turn(1);
    await allowed.extension.shutdown?.();
    const { extension: pipeline } = await server.launch(extension);
    complete(server, 'build', 1, 'successful', 'elsewhere');
    await server.clock.turn(1);
    expect(server.started).toEqual([]);
    await pipeline.shutdown?.();
  });

  it('refuses a MAX_DEPTH that is no number', async () => {
    await expect(new TestServer(START).launch(extension, { MAX_DEPTH: '0' })).rejects.toThrow(
      'MAX_DEPTH must be a whole number from 1 to 9999',
    );
  });
});

describe('the position in a stream', () => {
  it('is never behind an event that is not done, and at the last one when all are', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(20), { minLength: 1 }), (order) => {
        const events = order.map((_, index) => `event ${index}`);
        const passed: string[] = [];
        const position = new EventPosition('start');
        const ends = events.map((id) => position.begin(id, () => passed.push(id)));
        const byTurn = order.map((turn, index) => ({ turn, index })).sort((a, b) => a.turn - b.turn);
        const done = new Set<number>();
        for (const { index } of byTurn) {
          ends[index]?.();
          done.add(index);
          const first = events.findIndex((_, each) => !done.has(each));
          const count = first === -1 ? events.length : first;
          expect(position.position).toBe(count === 0 ? 'start' : events[count - 1]);
          expect(passed).toEqual(events.slice(0, count));
        }
        expect(position.underWay).toBe(0);
      }),
    );
  });
});
