import type { Event } from '@gofer/contracts/api';
import { fakeScheduler } from '@gofer/scheduler-fake';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NEVER, ServiceStage } from './service-stage.fixture.ts';

let services: ServiceStage;
let made = 0;
beforeEach(async () => {
  made = 0;
  services = await ServiceStage.open({ scheduler: (host) => fakeScheduler.create({}, host) });
});
afterEach(() => services.close());

/** Commits so many events, numbered on. */
async function emit(count: number): Promise<void> {
  const { store } = services.stage;
  await store.commit(() => {
    for (let event = 0; event < count; event += 1) store.events.emit('created_namespace', { namespace_id: `n${(made += 1)}` }, made);
  });
}

const numberOf = (event: Event): string => Object.values(event.kind as Record<string, { namespace_id: string }>)[0]?.namespace_id ?? '';
const numbers = (from: number, to: number): string[] => Array.from({ length: to - from + 1 }, (_, index) => `n${from + index}`);

/** Reads until so many came, then leaves. */
async function take(
  count: number,
  stream: AsyncIterable<Event>,
  between: () => Promise<unknown> | undefined = () => undefined,
): Promise<string[]> {
  const taken: string[] = [];
  for await (const event of stream) {
    taken.push(numberOf(event));
    if (taken.length === count) break;
    await between();
  }
  return taken;
}

describe('events', () => {
  it('are history and what is to come in one, without a gap or a repetition, for readers of any speed', async () => {
    await emit(450);
    const stream = () => services.events.stream({ history: true, reverse: false, signal: NEVER });
    const fast = [1, 2, 3].map(() => take(1001, stream()));
    const slow = take(1001, stream(), () => new Promise((resolve) => setImmediate(resolve)));
    for (let commit = 0; commit < 55; commit += 1) await emit(10);
    const expected = ['default', ...numbers(1, 1000)];
    for (const taken of [...fast, slow]) expect(await taken).toEqual(expected);
  });

  it('begin with the next one, or behind a given one', async () => {
    await emit(3);
    const given = new AbortController();
    const live = take(2, services.events.stream({ history: false, reverse: false, signal: given.signal }));
    const [, , third] = services.stage.store.events.after(0, 10);
    const after = take(4, services.events.stream({ history: false, reverse: false, signal: NEVER, after: third?.event.id ?? '' }));
    await emit(2);
    await emit(1);
    expect(await live).toEqual(numbers(4, 5));
    expect(await after).toEqual(numbers(3, 6));
    given.abort();
  });

  it('are given backwards, to the first one', async () => {
    await emit(450);
    const taken = await take(10_000, services.events.stream({ history: true, reverse: true, signal: NEVER }));
    expect(taken).toEqual(['default', ...numbers(1, 450)].toReversed());
  });

  it('end when nobody listens any more', async () => {
    const given = new AbortController();
    const taken = take(5, services.events.stream({ history: true, reverse: false, signal: given.signal }));
    await emit(1);
    setImmediate(() => given.abort());
    expect((await taken).length).toBeLessThanOrEqual(2);
    expect(await take(1, services.events.stream({ history: true, reverse: false, signal: given.signal }))).toEqual([]);
  });

  it('are found, deleted and missed by their id', async () => {
    await emit(2);
    const id = services.stage.store.events.after(1, 1)[0]?.event.id ?? '';
    expect(numberOf(await services.events.get(id))).toBe('n1');
    await services.events.delete(id);
    const missing = { code: 'NOT_FOUND', message: expect.stringContaining(id) };
    await expect(services.events.get(id)).rejects.toMatchObject(missing);
    await expect(services.events.delete(id)).rejects.toMatchObject(missing);
    await expect(take(1, services.events.stream({ history: false, reverse: false, signal: NEVER, after: id }))).rejects.toMatchObject(
      missing,
    );
    await expect(take(1, services.events.stream({ history: false, reverse: true, signal: NEVER }))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
    expect(await take(2, services.events.stream({ history: true, reverse: false, signal: NEVER }))).toEqual(['default', 'n2']);
  });
});

describe('the system', () => {
  it('tells its version, its preferences and its health', async () => {
    expect(await services.system.metadata()).toEqual({ commit: 'c', semver: '1.0.0' });
    expect(await services.system.preferences()).toEqual({ bootstrap_token_created: false, ignore_pipeline_run_events: false });
    await services.system.updatePreferences({ ignorePipelineRunEvents: true });
    expect(await services.system.preferences()).toMatchObject({ ignore_pipeline_run_events: true });
    await services.system.health();
    await services.stage.scheduler.close();
    await expect(services.system.health()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
