import { fakeScheduler } from '@gofer/scheduler-fake';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { RunRecord } from '../storage/runs-table.ts';
import { Beginnings, FEWEST, MORE, MOST } from './beginnings.ts';
import { RunStage } from './run-stage.fixture.ts';

/** Turns of an event loop that the test takes. */
class Turns {
  readonly begun: string[] = [];
  readonly beginnings: Beginnings;
  #next: (() => void)[] = [];
  #asked = 0;

  constructor() {
    this.beginnings = new Beginnings(
      (runUid) => this.begun.push(runUid),
      (turn) => this.#next.push(turn),
    );
  }

  get isIdle(): boolean {
    return this.#next.length === 0;
  }

  /** Requests of this turn are accepted, and their runs may begin. */
  accept(count: number): void {
    for (let left = count; left > 0; left -= 1) {
      this.beginnings.accepted();
      this.beginnings.add(`run-${this.#asked++}`);
    }
  }

  /** Takes the next turn, with so many requests in it; answers with how many runs began in it. */
  take(requests = 0): number {
    const before = this.begun.length;
    for (const turn of this.#next.splice(0)) turn();
    this.accept(requests);
    return this.begun.length - before;
  }
}

const inOrder = (count: number): string[] => Array.from({ length: count }, (_, index) => `run-${index}`);

describe('runs that may begin', () => {
  it('begin at once where nobody is before them', () => {
    const turns = new Turns();
    turns.accept(1);
    expect(turns.begun).toEqual(['run-0']);
    turns.take();
    turns.accept(FEWEST);
    expect(turns.begun).toEqual(inOrder(1 + FEWEST));
  });

  it('are few in each turn in which runs are accepted, and more with each turn in which none is', () => {
    const turns = new Turns();
    turns.accept(200);
    expect(turns.begun).toHaveLength(FEWEST);
    for (let turn = 0; turn < 5; turn += 1) expect(turns.take(200)).toBe(FEWEST);
    expect([turns.take(), turns.take(), turns.take(), turns.take()]).toEqual([FEWEST, FEWEST + MORE, FEWEST + 2 * MORE, FEWEST + 3 * MORE]);
    // Somebody asks again.
    turns.take(1);
    expect(turns.take()).toBe(FEWEST);
    for (let turn = 0; turn < MOST; turn += 1) turns.take();
    expect(turns.take()).toBe(MOST);
  });

  it('go on beginning under a flood that does not end', () => {
    const turns = new Turns();
    turns.accept(100);
    for (let turn = 1; turn < 100; turn += 1) turns.take(100);
    expect(turns.begun).toEqual(inOrder(100 * FEWEST));
  });

  it('all begin once, in their order, whatever is asked for meanwhile; then nothing is left turning', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(40), { maxLength: 40 }), (floods) => {
        const turns = new Turns();
        for (const requests of floods) {
          const before = turns.begun.length;
          turns.take(requests);
          if (requests > 0) expect(turns.begun.length).toBeGreaterThan(before);
        }
        const asked = floods.reduce((sum, requests) => sum + requests, 0);
        for (let left = asked + 2; left > 0; left -= 1) turns.take();
        expect(turns.begun).toEqual(inOrder(asked));
        expect(turns.isIdle).toBe(true);
      }),
    );
  });

  it('say that they wait until they begin', () => {
    const turns = new Turns();
    turns.accept(FEWEST + 1);
    const last = `run-${FEWEST}`;
    expect([turns.beginnings.isWaiting('run-0'), turns.beginnings.isWaiting(last)]).toEqual([false, true]);
    turns.take();
    expect(turns.beginnings.isWaiting(last)).toBe(false);
  });
});

describe('a server that is asked for many runs at once', () => {
  let stage: RunStage;
  afterEach(async () => {
    await stage.orchestrator.removalsDone();
    expect(stage.orchestrator.load).toEqual({ runs: 0, tasks: 0 });
    await stage.close();
  });

  it('accepts them before it begins more than a few, and begins all of them in their order', async () => {
    stage = await RunStage.open({ scheduler: (host) => fakeScheduler.create({}, host) });
    const { store, orchestrator } = stage;
    const pipeline = await stage.pipeline('many', [{ id: 'one' }]);
    const runs: RunRecord[] = [];
    const waves = 10;
    // Those of a wave are committed in one turn of the event loop, and the next wave in the one that follows.
    for (let wave = 0; wave < waves; wave += 1) runs.push(...(await Promise.all(Array.from({ length: 20 }, () => stage.submit(pipeline)))));
    const begun = runs.filter(({ uid }) => stage.run(uid).state !== 'pending');
    expect(begun.length).toBeGreaterThan(0);
    expect(begun.length).toBeLessThanOrEqual(waves * FEWEST);
    const [last] = runs.slice(-1);
    if (last === undefined) throw new Error('none was asked for');
    expect(orchestrator.runWaiting(last)).toMatchObject({ reason: { kind: 'starting' } });
    expect(orchestrator.watchdog.check()).toBe(0);
    const [cancelled] = runs.slice(-2);
    stage.cancelRun(cancelled?.uid ?? '', 0);
    for (const { uid } of runs) await stage.ended(uid);
    const numbers = store.events
      .after(0, 1_000_000)
      .flatMap(({ event: { kind } }) => ('started_run' in kind ? [kind['started_run']?.['run_id']] : []));
    expect(numbers).toEqual(runs.map(({ runId }) => runId).filter((runId) => runId !== cancelled?.runId));
    expect(runs.filter(({ uid }) => stage.run(uid).status !== 'successful').map(({ uid }) => uid)).toEqual([cancelled?.uid]);
  });
});
