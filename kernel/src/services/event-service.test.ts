import type { Event } from '@gofer/contracts/api';
import { fakeScheduler } from '@gofer/scheduler-fake';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
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

async function firstOf(stream: AsyncIterable<Event>): Promise<Event | undefined> {
  for await (const event of stream) return event;
  return undefined;
}

async function collect(stream: AsyncIterable<Event>): Promise<Event[]> {
  const taken: Event[] = [];
  for await (const event of stream) taken.push(event);
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

describe('events of some kinds, or from some time on', () => {
  /** A history in which times go back here and there, and most is of other kinds. */
  const history = fc.array(
    fc.record({ kind: fc.constantFrom('created_namespace', 'created_role', 'deleted_role'), time: fc.integer({ min: 0, max: 9 }) }),
    { maxLength: 40 },
  );
  const chosen = fc.option(fc.subarray(['created_namespace', 'created_role', 'deleted_role'], { minLength: 1 }), { nil: undefined });
  const since = fc.option(fc.integer({ min: 0, max: 11 }), { nil: undefined });

  it('are those, each once and in order, in both directions, wherever a reader begins again', async () => {
    await fc.assert(
      fc.asyncProperty(history, chosen, since, fc.nat(40), async (made, kinds, from, place) => {
        const { store } = services.stage;
        await store.commit(() => {
          for (const { event } of store.events.after(0, 1000)) store.events.delete(event.id);
          for (const { kind, time } of made) {
            if (kind === 'created_namespace') store.events.emit(kind, { namespace_id: 'n' }, time);
            else store.events.emit(kind as 'created_role', { role_id: 'r' }, time);
          }
        });
        const all = store.events.after(0, 1000).map(({ event }) => event);
        const first = from === undefined ? 0 : all.findIndex(({ emitted }) => emitted >= from);
        const isChosen = ({ kind }: Event): boolean => kinds?.includes(Object.keys(kind)[0] ?? '') ?? true;
        const expected = first < 0 ? [] : all.slice(first).filter(isChosen);
        const read = async (query: { reverse: boolean; after?: string }, count: number): Promise<Event[]> => {
          const filter = { ...(kinds === undefined ? {} : { kinds }), ...(from === undefined ? {} : { since: from }) };
          const taken: Event[] = [];
          if (count === 0) return taken;
          for await (const event of services.events.stream({ history: true, signal: NEVER, ...filter, ...query })) {
            taken.push(event);
            if (!query.reverse && taken.length === count) break;
          }
          return taken;
        };
        expect(await read({ reverse: false }, expected.length)).toEqual(expected);
        expect(await read({ reverse: true }, expected.length)).toEqual(expected.toReversed());
        const after = expected[place];
        if (after === undefined) return;
        const rest = expected.slice(place + 1);
        expect(await read({ reverse: false, after: after.id }, rest.length)).toEqual(rest);
        expect(await read({ reverse: true, after: after.id }, place)).toEqual(expected.slice(0, place).toReversed());
      }),
      { numRuns: 60 },
    );
  });

  it('come when they come', async () => {
    const FAR = 2 ** 50;
    const { store } = services.stage;
    const stream = services.events.stream({ history: true, reverse: false, signal: NEVER, kinds: ['created_role'], since: FAR });
    const taken = firstOf(stream);
    await emit(20);
    await store.commit(() => store.events.emit('created_role', { role_id: 'early' }, FAR - 1));
    await store.commit(() => store.events.emit('created_role', { role_id: 'late' }, FAR));
    await store.commit(() => store.events.emit('created_role', { role_id: 'later' }, FAR + 1));
    expect((await taken)?.kind).toEqual({ created_role: { role_id: 'late' } });
  });

  it('are found in a long history that has few of them', async () => {
    const { store } = services.stage;
    await emit(12_000);
    await store.commit(() => store.events.emit('created_role', { role_id: 'r' }, 20_000));
    await emit(6000);
    const query = { history: true, signal: NEVER, kinds: ['created_role'] };
    expect(await collect(services.events.stream({ ...query, reverse: true }))).toHaveLength(1);
    expect(await take(1, services.events.stream({ ...query, reverse: false, since: 15_000 }))).toHaveLength(1);
  });

  it('must be of a kind that there is', () => {
    const stream = (kind: string) => services.events.stream({ history: true, reverse: false, signal: NEVER, kinds: [kind] });
    expect(() => stream('complete_run')).toThrow(/Did you mean 'completed_run'\?/);
    expect(() => stream('any')).toThrow(/The kinds are created_namespace, /);
  });
});

it('nothing is read where nobody listens, and one look a commit where somebody does', async () => {
  const { events } = services.stage.store;
  const looks = vi.spyOn(events, 'after');
  const filteredLooks = vi.spyOn(events, 'afterOf');
  await emit(10);
  await emit(10);
  expect([looks.mock.calls, filteredLooks.mock.calls]).toEqual([[], []]);
  const given = new AbortController();
  const taken = take(20, services.events.stream({ history: false, reverse: false, signal: given.signal }));
  await emit(20);
  await taken;
  given.abort();
  const made = looks.mock.calls.length;
  expect(made).toBeGreaterThan(0);
  await emit(10);
  expect(looks.mock.calls).toHaveLength(made);
  vi.restoreAllMocks();
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
