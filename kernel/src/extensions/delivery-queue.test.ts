import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SYSTEM_CLOCK } from '../clock/clock.ts';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { DeliveryDispatcher } from './delivery-dispatcher.ts';
import { DeliveryStage } from './delivery-stage.fixture.ts';
import { MOST_ATTEMPTS } from './delivery-verdict.ts';

const SOON = { timeout: 20_000 };
const START = 1_700_000_000_000;

let stage: DeliveryStage;
let clock: VirtualClock;
let dispatcher: DeliveryDispatcher;
const dispatch = (): DeliveryDispatcher => {
  dispatcher = new DeliveryDispatcher({ store: stage.store, calls: stage, clock, random: () => 0, log: stage.log });
  return dispatcher;
};
beforeEach(() => {
  stage = new DeliveryStage();
  clock = new VirtualClock(START);
  dispatch();
});
afterEach(async () => {
  const closed = dispatcher.close(1);
  clock.advance();
  await closed;
  await stage.close();
});

let sent = 0;
async function send(extension: string, body = 'event'): Promise<string> {
  sent += 1;
  const id = `delivery-${sent}`;
  const { deliveries } = stage.store;
  await stage.store.commit(() =>
    deliveries.insert(`uid-${extension}`, { id, received: clock.now(), headers: {}, body: Buffer.from(body) }),
  );
  dispatcher.arrived(extension);
  return id;
}
const states = (extension: string) => stage.rows(extension).map(({ state }) => state);

describe('an extension that is ready', () => {
  it('is handed events in the order of their arrival, a few at a time, and all of them once', async () => {
    const extension = await stage.install('github');
    const gate = Promise.withResolvers<void>();
    extension.react = async () => {
      await gate.promise;
      return 204;
    };
    const bodies = Array.from({ length: 30 }, (_, index) => `event ${index}`);
    for (const body of bodies) await send('github', body);
    await expect.poll(() => extension.busy, SOON).toBe(8);
    expect(states('github').every((state) => state === 'pending')).toBe(true);
    gate.resolve();
    await expect.poll(() => states('github').filter((state) => state === 'delivered').length, SOON).toBe(30);
    expect(extension.busiest).toBe(8);
    expect([...extension.bodies].sort()).toEqual([...bodies].sort());
    // Of those that are under way at once any may come first.
    for (const [place, body] of extension.bodies.entries()) expect(Math.abs(bodies.indexOf(body) - place)).toBeLessThan(8);
    expect(stage.rows('github')[0]).toMatchObject({ attempts: 1, statusCode: 204, finished: START });
    expect(clock.waiting).toBe(0);
  });

  it('is handed one that could not be read a little later, and the others meanwhile', async () => {
    const extension = await stage.install('github');
    const { deliveries } = stage.store;
    const content = deliveries.content.bind(deliveries);
    let reads = 0;
    deliveries.content = (seq) => {
      if (seq !== 1) return content(seq);
      reads += 1;
      if (reads === 1) throw new Error('disk I/O error');
      return content(seq);
    };
    await send('github', 'first');
    await send('github', 'second');
    await expect.poll(() => states('github'), SOON).toEqual(['pending', 'delivered']);
    expect(reads).toBe(1);
    expect(stage.logged).toEqual([expect.stringMatching(/^error .*could not be read/)]);
    clock.advance();
    await expect.poll(() => states('github'), SOON).toEqual(['delivered', 'delivered']);
    expect(extension.bodies).toEqual(['second', 'first']);
  });

  it('may refuse one for good, and its words are kept', async () => {
    const extension = await stage.install('github');
    extension.react = () => ({ status: 401, message: 'the signature is wrong' });
    await send('github');
    await expect.poll(() => states('github'), SOON).toEqual(['refused']);
    expect(stage.rows('github')[0]).toMatchObject({
      attempts: 1,
      statusCode: 401,
      message: expect.stringContaining('the signature is wrong'),
    });
    expect(clock.waiting).toBe(0);
  });

  it('is handed what it failed at again, later each time, while others go on, until it is given up', async () => {
    const extension = await stage.install('github');
    extension.react = ({ body }) => (body.toString() === 'bad' ? 503 : 204);
    await send('github', 'bad');
    const waits: number[] = [];
    for (let attempt = 1; attempt < MOST_ATTEMPTS; attempt += 1) {
      await expect.poll(() => [stage.rows('github')[0]?.attempts, clock.waiting], SOON).toEqual([attempt, 1]);
      const before = clock.monotonic();
      waits.push((clock.nextAt ?? 0) - before);
      clock.advance();
    }
    await expect.poll(() => states('github'), SOON).toEqual(['failed']);
    expect(waits.slice(0, 9)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256].map((seconds) => seconds * 1000));
    expect(waits.slice(9)).toEqual([300_000, 300_000]);
    expect(extension.handed).toHaveLength(MOST_ATTEMPTS);
    await send('github', 'good');
    await expect.poll(() => states('github'), SOON).toEqual(['failed', 'delivered']);
    expect(stage.logged.filter((line) => line.startsWith('warn'))).toHaveLength(1);
  });

  it('is handed again what it does not answer in time, and holds up nobody else meanwhile', async () => {
    const hostile = await stage.install('hostile', 500);
    const good = await stage.install('good');
    hostile.react = () => 'silence';
    for (let event = 0; event < 20; event += 1) await send('hostile');
    await send('good');
    await expect.poll(() => states('good'), SOON).toEqual(['delivered']);
    expect(good.handed).toHaveLength(1);
    await expect.poll(() => stage.rows('hostile').filter(({ attempts }) => attempts === 1).length, SOON).toBe(20);
    expect(states('hostile').every((state) => state === 'pending')).toBe(true);
    expect(stage.rows('hostile')[0]?.message).toMatch(/hostile/);
    expect(stage.rows('hostile')[0]?.statusCode).toBeUndefined();
  });

  it('is waited for no longer than the longest delay, however the wall clock is set', async () => {
    const extension = await stage.install('github');
    extension.react = () => 500;
    await send('github');
    await expect.poll(() => clock.waiting, SOON).toBe(1);
    clock.stepWall(-86_400_000);
    extension.react = () => 204;
    clock.advance();
    await expect.poll(() => states('github'), SOON).toEqual(['delivered']);
  });
});

describe('an extension that is not ready', () => {
  it('is handed nothing, which is no attempt, until it is', async () => {
    const extension = await stage.install('github');
    stage.setReady('github', false);
    await send('github', 'one');
    await send('github', 'two');
    expect(clock.waiting).toBe(0);
    expect(stage.rows('github').map(({ attempts }) => attempts)).toEqual([0, 0]);
    stage.setReady('github', true);
    await expect.poll(() => states('github'), SOON).toEqual(['delivered', 'delivered']);
    expect(extension.handed).toHaveLength(2);
  });

  it('gets what an earlier server has left, at the start of the next one', async () => {
    const extension = await stage.install('github');
    stage.setReady('github', false);
    await send('github', 'left');
    await dispatcher.close(0);
    stage.reopen();
    stage.setReady('github', true);
    dispatch().start();
    await expect.poll(() => states('github'), SOON).toEqual(['delivered']);
    expect(extension.bodies).toEqual(['left']);
  });
});

describe('the end', () => {
  it('waits for answers that come, and leaves what has none to the next server', async () => {
    const quick = await stage.install('quick');
    const slow = await stage.install('slow');
    const gate = Promise.withResolvers<void>();
    quick.react = async () => {
      await gate.promise;
      return 204;
    };
    slow.react = () => 'silence';
    await send('quick');
    await send('slow');
    await expect.poll(() => quick.handed.length + slow.handed.length, SOON).toBe(2);
    let isClosed = false;
    const closed = dispatcher.close(1000).then(() => {
      isClosed = true;
    });
    gate.resolve();
    await expect.poll(() => states('quick'), SOON).toEqual(['delivered']);
    expect(isClosed).toBe(false);
    clock.advance();
    await closed;
    expect(states('slow')).toEqual(['pending']);
    await send('quick');
    expect(states('quick')).toEqual(['delivered', 'pending']);
    expect(quick.handed).toHaveLength(1);
  });

  it('needs no time where nothing is under way', async () => {
    await stage.install('github');
    const real = new DeliveryDispatcher({ store: stage.store, calls: stage, clock: SYSTEM_CLOCK, random: () => 0, log: stage.log });
    expect(await real.close(60_000)).toBeUndefined();
  });
});

describe('an extension that is to have nothing for a while', () => {
  it('is handed nothing before that is over, and what it has is answered before that begins', async () => {
    const extension = await stage.install('github');
    const [answered, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    extension.react = async () => {
      await answered.promise;
      return 204;
    };
    await send('github', 'before');
    await expect.poll(() => extension.busy, SOON).toBe(1);
    const busyThen = Promise.withResolvers<number>();
    const work = async (): Promise<void> => {
      busyThen.resolve(extension.busy);
      await over.promise;
    };
    const { signal } = new AbortController();
    const held = Promise.all([dispatcher.whileHeld('github', work, signal), dispatcher.whileHeld('github', work, signal)]);
    await send('github', 'meanwhile');
    answered.resolve();
    expect(await busyThen.promise).toBe(0);
    await expect.poll(() => states('github'), SOON).toEqual(['delivered', 'pending']);
    expect(extension.bodies).toEqual(['before']);
    over.resolve();
    await held;
    await expect.poll(() => states('github'), SOON).toEqual(['delivered', 'delivered']);
  });

  it('is waited for no longer once the server stops', async () => {
    const extension = await stage.install('hostile');
    extension.react = () => 'silence';
    await send('hostile');
    await expect.poll(() => extension.handed.length, SOON).toBe(1);
    const stopping = new AbortController();
    let isBegun = false;
    const held = dispatcher.whileHeld('hostile', async () => void (isBegun = true), stopping.signal);
    stopping.abort();
    await expect(held).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(isBegun).toBe(false);
  });
});

describe('an extension that is uninstalled while it has something', () => {
  it('leaves nothing behind', async () => {
    const extension = await stage.install('github');
    const gate = Promise.withResolvers<void>();
    extension.react = async () => {
      await gate.promise;
      return 500;
    };
    await send('github');
    await send('github');
    await expect.poll(() => extension.handed.length, SOON).toBe(2);
    const { deliveries } = stage.store;
    expect(await stage.store.commit(() => deliveries.deleteOf('uid-github', 1))).toBe(1);
    expect(await stage.store.commit(() => deliveries.deleteOf('uid-github', 10))).toBe(1);
    gate.resolve();
    await expect.poll(() => extension.busy, SOON).toBe(0);
    expect(stage.rows('github')).toEqual([]);
    expect(clock.waiting).toBe(0);
  });
});
