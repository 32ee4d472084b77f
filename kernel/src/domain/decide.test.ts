import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DecideOptions } from './decide.ts';
import { decide } from './decide.ts';
import type { Decision, FinishedTask } from './decision.ts';
import type { FinalStatus } from './final-status.ts';
import { satisfies } from './final-status.ts';
import { anyGraph } from './graph.arbitrary.ts';
import type { CompiledGraph, GraphTask } from './graph.ts';
import { compileGraph } from './graph.ts';
import type { RunCounters } from './run-counters.ts';
import { applyDecision, COUNTER, countersFrom, createRunCounters, finalStatusOf } from './run-counters.ts';

type Outcome = Exclude<FinalStatus, 'skipped'>;

const outcome = fc.constantFrom<Outcome>('successful', 'failed', 'cancelled');

/** A run as its loop drives it: decide, apply, and let some of what runs end, until nothing is left. */
class Simulation {
  readonly graph: CompiledGraph;
  readonly counters: RunCounters;
  readonly running = new Set<number>();
  readonly decided = new Map<number, 'ready' | 'skipped' | 'cancelled'>();
  readonly statuses = new Map<number, FinalStatus>();
  last: Decision | undefined;

  constructor(tasks: readonly GraphTask[]) {
    this.graph = compileGraph(tasks);
    this.counters = createRunCounters(this.graph);
  }

  step(finished: readonly FinishedTask[], options: DecideOptions = {}): Decision {
    const before = Buffer.from(new Uint8Array(this.counters.buffer));
    const decision = decide(this.graph, this.counters, finished, options);
    expect(before.equals(new Uint8Array(this.counters.buffer)), 'a decision writes nothing').toBe(true);
    applyDecision(this.graph, this.counters, finished, decision);
    for (const { task, status } of finished) this.#end(task, status);
    for (const task of decision.ready) this.#decide(task, 'ready');
    for (const { task } of decision.skipped) this.#decide(task, 'skipped');
    for (const task of decision.cancelled) this.#decide(task, 'cancelled');
    for (const { task } of decision.skipped) this.#end(task, 'skipped');
    for (const task of decision.cancelled) this.#end(task, 'cancelled');
    for (const task of decision.ready) this.running.add(task);
    this.last = decision;
    return decision;
  }

  /** Ends `counts[0]` tasks, then `counts[1]`, and so on, each time those that `pick` says. */
  play(outcomes: readonly Outcome[], pick: () => number): void {
    this.step([]);
    while (this.running.size > 0) {
      const candidates = [...this.running];
      const finished: FinishedTask[] = [];
      for (let left = 1 + (pick() % candidates.length); left > 0; left -= 1) {
        const [task = 0] = candidates.splice(pick() % candidates.length, 1);
        finished.push({ task, status: outcomes[task] ?? 'successful' });
      }
      this.step(finished);
    }
  }

  #decide(task: number, as: 'ready' | 'skipped' | 'cancelled'): void {
    expect(this.decided.has(task), `task ${task} is decided once`).toBe(false);
    this.decided.set(task, as);
  }

  #end(task: number, status: FinalStatus): void {
    this.running.delete(task);
    this.statuses.set(task, status);
  }
}

/** What must come out, by the rules alone: each task after its parents, in the order that `anyGraph` guarantees. */
function expectedStatuses(tasks: readonly GraphTask[], outcomes: readonly Outcome[]): Map<string, FinalStatus> {
  const byId = new Map(tasks.map((task, number) => [task.id, { task, outcome: outcomes[number] ?? 'successful' }]));
  const statuses = new Map<string, FinalStatus>();
  const statusOf = (id: string): FinalStatus => {
    const known = statuses.get(id);
    if (known !== undefined) return known;
    const entry = byId.get(id);
    if (entry === undefined) throw new Error(`no task ${id}`);
    const runs = Object.entries(entry.task.dependsOn).every(([parent, required]) => satisfies(required, statusOf(parent)));
    const status = runs ? entry.outcome : 'skipped';
    statuses.set(id, status);
    return status;
  };
  for (const { id } of tasks) statusOf(id);
  return statuses;
}

const anyRun = fc.record({
  tasks: anyGraph,
  outcomes: fc.array(outcome, { minLength: 20, maxLength: 20 }),
  picks: fc.infiniteStream(fc.nat(50)),
});

describe('any run', () => {
  test('decides every task once, never before its parents have ended, and ends as the rules say in whatever batches', () => {
    fc.assert(
      fc.property(anyRun, ({ tasks, outcomes, picks }) => {
        const run = new Simulation(tasks);
        const step = run.step.bind(run);
        run.step = (finished, options) => {
          const decision = step(finished, options);
          for (const task of [...decision.ready, ...decision.skipped.map((skipped) => skipped.task)]) {
            for (const parent of Object.keys(tasks[task]?.dependsOn ?? {}))
              expect(run.statuses.has(run.graph.taskIds.indexOf(parent))).toBe(true);
          }
          for (const { task, because } of decision.skipped) {
            const required = tasks[task]?.dependsOn[run.graph.taskIds[because] ?? ''];
            const ended = run.statuses.get(because);
            expect(required !== undefined && ended !== undefined && !satisfies(required, ended)).toBe(true);
          }
          return decision;
        };
        run.play(outcomes, () => picks.next().value);

        expect([...run.decided.keys()].sort((a, b) => a - b)).toEqual(tasks.map((_, task) => task));
        const expected = expectedStatuses(tasks, outcomes);
        for (const [task, status] of run.statuses) expect(status).toBe(expected.get(run.graph.taskIds[task] ?? ''));
        expect(run.last?.unfinished).toBe(0);
        const bad = [...expected.values()].some((status) => status === 'failed' || status === 'cancelled');
        expect(run.last?.runStatus).toBe(bad ? 'failed' : 'successful');
      }),
      { numRuns: 300 },
    );
  });

  test('has, at every step, the counters that are computed from scratch, and the same tasks may run', () => {
    fc.assert(
      fc.property(anyRun, ({ tasks, outcomes, picks }) => {
        const run = new Simulation(tasks);
        const step = run.step.bind(run);
        run.step = (finished, options) => {
          const decision = step(finished, options);
          const unaware = decide(run.graph, countersFrom(run.graph, run.statuses), []);
          expect(unaware.ready).toEqual([...run.running].sort((a, b) => a - b));
          const scratch = countersFrom(run.graph, run.statuses, run.running);
          const first = decide(run.graph, scratch, []);
          expect([unaware.skipped, first.ready, first.skipped, first.cancelled]).toEqual([[], [], [], []]);
          applyDecision(run.graph, scratch, [], first);
          expect(scratch).toEqual(run.counters);
          return decision;
        };
        run.play(outcomes, () => picks.next().value);
      }),
      { numRuns: 150 },
    );
  });

  test('cancelled at any moment starts nothing more and ends as cancelled once what runs has ended', () => {
    fc.assert(
      fc.property(anyRun, fc.nat(8), ({ tasks, outcomes, picks }, steps) => {
        const run = new Simulation(tasks);
        for (let step = 0; step < steps; step += 1) {
          const [task] = run.running;
          if (step > 0 && task === undefined) return;
          run.step(task === undefined ? [] : [{ task, status: outcomes[task] ?? 'successful' }]);
        }
        if (run.last?.unfinished === 0) return;

        const foundAgain = decide(run.graph, countersFrom(run.graph, run.statuses, run.running), [], { cancelled: 'sparing-always' });
        const cancel = run.step([], { cancelled: 'sparing-always' });
        expect(foundAgain).toEqual(cancel);
        expect([cancel.ready, cancel.skipped]).toEqual([[], []]);
        expect(cancel.unfinished).toBe(run.running.size);
        while (run.running.size > 0) {
          const [task = 0] = [...run.running].slice(picks.next().value % run.running.size);
          const decision = run.step([{ task, status: 'cancelled' }], { cancelled: 'sparing-always' });
          expect([decision.ready, decision.skipped, decision.cancelled]).toEqual([[], [], []]);
        }
        expect(run.last?.runStatus).toBe('cancelled');
        expect(run.statuses.size).toBe(tasks.length);
      }),
      { numRuns: 200 },
    );
  });

  test('cancelled as a whole, runs the tasks marked always as their parents have ended, unless it is cancelled entirely', () => {
    const marked = fc.tuple(anyRun, fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }), fc.nat(6));
    fc.assert(
      fc.property(marked, ([{ tasks, outcomes }, always, steps]) => {
        const run = new Simulation(tasks.map((task, index) => ({ ...task, always: always[index] === true })));
        for (let step = 0; step < steps; step += 1) {
          const [task] = run.running;
          if (step > 0 && task === undefined) return;
          run.step(task === undefined ? [] : [{ task, status: outcomes[task] ?? 'successful' }]);
        }
        if (run.last?.unfinished === 0) return;
        const before = new Set(run.decided.keys());
        const entirely = decide(run.graph, countersFrom(run.graph, run.statuses, run.running), [], { cancelled: 'entirely' });
        expect([entirely.ready, entirely.skipped, entirely.unfinished]).toEqual([[], [], run.running.size]);
        const foundAgain = decide(run.graph, countersFrom(run.graph, run.statuses, run.running), [], { cancelled: 'sparing-always' });
        expect(run.step([], { cancelled: 'sparing-always' })).toEqual(foundAgain);
        while (run.running.size > 0) {
          const [task = 0] = run.running;
          run.step([{ task, status: outcomes[task] ?? 'successful' }], { cancelled: 'sparing-always' });
        }
        expect(run.last?.runStatus).toBe('cancelled');
        for (const [task, { dependsOn }] of tasks.entries()) {
          if (before.has(task)) continue;
          const parents = Object.entries(dependsOn).map(([id, required]) => {
            const status = run.statuses.get(tasks.findIndex((each) => each.id === id));
            return status !== undefined && satisfies(required, status);
          });
          const expected = always[task] !== true ? 'cancelled' : parents.every(Boolean) ? 'ready' : 'skipped';
          expect(run.decided.get(task)).toBe(expected);
        }
      }),
      { numRuns: 300 },
    );
  });

  test('with a task cancelled while it waits does not decide that task again', () => {
    fc.assert(
      fc.property(anyRun, fc.nat(19), ({ tasks, outcomes, picks }, victim) => {
        const run = new Simulation(tasks);
        run.step([]);
        const task = victim % tasks.length;
        if (run.decided.has(task)) return;
        run.step([{ task, status: 'cancelled' }]);
        while (run.running.size > 0) {
          const [next = 0] = [...run.running].slice(picks.next().value % run.running.size);
          run.step([{ task: next, status: outcomes[next] ?? 'successful' }]);
        }
        expect(run.decided.has(task)).toBe(false);
        expect(run.statuses.size).toBe(tasks.length);
        expect(run.last?.runStatus).toBe('failed');
      }),
      { numRuns: 200 },
    );
  });
});

describe('parent rules', () => {
  test.each([
    ['any', 'successful', true],
    ['any', 'failed', true],
    ['any', 'skipped', true],
    ['any', 'cancelled', true],
    ['success', 'successful', true],
    ['success', 'failed', false],
    ['success', 'skipped', false],
    ['success', 'cancelled', false],
    ['failure', 'successful', false],
    ['failure', 'failed', true],
    ['failure', 'skipped', false],
    ['failure', 'cancelled', true],
  ] as const)('%s of a parent that ended %s: %s', (required, ended, fits) => {
    expect(satisfies(required, ended)).toBe(fits);
  });
});

test('a skip cascades within one decision, which names each cause', () => {
  const graph = compileGraph([
    { id: 'build', dependsOn: {} },
    { id: 'test', dependsOn: { build: 'success' } },
    { id: 'deploy', dependsOn: { test: 'success' } },
    { id: 'report', dependsOn: { deploy: 'any' } },
    { id: 'undo', dependsOn: { deploy: 'failure' } },
  ]);
  const counters = createRunCounters(graph);
  applyDecision(graph, counters, [], decide(graph, counters, []));
  const decision = decide(graph, counters, [{ task: 0, status: 'failed' }]);
  expect(decision).toEqual({
    ready: [3],
    skipped: [
      { task: 1, because: 0 },
      { task: 2, because: 1 },
      { task: 4, because: 2 },
    ],
    cancelled: [],
    unfinished: 1,
  });
});

test('skipped tasks count as success', () => {
  const graph = compileGraph([
    { id: 'build', dependsOn: {} },
    { id: 'clean', dependsOn: { build: 'failure' } },
  ]);
  const counters = createRunCounters(graph);
  applyDecision(graph, counters, [], decide(graph, counters, []));
  expect(decide(graph, counters, [{ task: 0, status: 'successful' }])).toMatchObject({ unfinished: 0, runStatus: 'successful' });
});

test('a task that is not of the graph, or has ended, is refused by code', () => {
  const graph = compileGraph([{ id: 'only', dependsOn: {} }]);
  const counters = createRunCounters(graph);
  const end: FinishedTask = { task: 0, status: 'successful' };
  const refusal = expect.objectContaining({ code: 'INTERNAL' });
  for (const task of [-1, 1, 0.5, Number.NaN]) expect(() => decide(graph, counters, [{ ...end, task }])).toThrow(refusal);
  expect(() => decide(graph, counters, [end, end])).toThrow(refusal);
  applyDecision(graph, counters, [end], decide(graph, counters, [end]));
  expect(finalStatusOf(counters, 0)).toBe('successful');
  expect(counters.totals[COUNTER.unfinished]).toBe(0);
  expect(() => decide(graph, counters, [end])).toThrow(refusal);
  expect(() => applyDecision(graph, counters, [end], { ready: [], skipped: [], cancelled: [], unfinished: 0 })).toThrow(refusal);
});

test('a chain of 20,000 skips needs no stack', () => {
  const tasks = Array.from(
    { length: 20_000 },
    (_, n): GraphTask => ({ id: `t${n}`, dependsOn: n === 0 ? {} : { [`t${n - 1}`]: 'success' } }),
  );
  const run = new Simulation(tasks);
  run.step([]);
  expect(run.step([{ task: 0, status: 'failed' }])).toMatchObject({ ready: [], unfinished: 0, runStatus: 'failed' });
});
