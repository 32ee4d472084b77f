import { GoferError } from '@gofer/contracts';
import * as fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { decide } from '../../domain/decide.ts';
import type { FinishedTask } from '../../domain/decision.ts';
import { anyGraph } from '../../domain/graph.arbitrary.ts';
import type { GraphTask } from '../../domain/graph.ts';
import { compileGraph } from '../../domain/graph.ts';
import { applyDecision, createRunCounters } from '../../domain/run-counters.ts';
import type { DagEngine } from './dag-engine.ts';
import { HybridDagEngine } from './hybrid-dag-engine.ts';
import { InlineDagEngine } from './inline-dag-engine.ts';
import { ThreadedDagEngine } from './threaded-dag-engine.ts';

const TASK = { image: 'busybox', variables: { A: 'b', __proto: 'x' }, inject_api_token: false, always_pull_newest_image: true };

function pipelineJson(tasks: readonly GraphTask[]): unknown {
  const json = tasks.map((task) => ({ ...TASK, id: task.id, depends_on: task.dependsOn }));
  return { id: 'simple', name: 'Simple', parallelism: 0, tasks: json };
}

function chain(count: number): GraphTask[] {
  return Array.from({ length: count }, (_, n) => ({ id: `t${n}`, dependsOn: n === 0 ? {} : { [`t${n - 1}`]: 'success' } }));
}

const engines: readonly (readonly [string, () => DagEngine])[] = [
  ['inline', () => new InlineDagEngine()],
  ['threaded', () => new ThreadedDagEngine()],
  ['hybrid', () => new HybridDagEngine({ inlineGraphSize: 8, inlineCompileTasks: 4 })],
];

describe.each(engines)('%s', (_, create) => {
  const engine = create();
  afterAll(() => engine.close());

  test('compiles what the domain compiles', async () => {
    await fc.assert(
      fc.asyncProperty(anyGraph, async (tasks) => {
        const { definition, graph, faults } = await engine.compile(pipelineJson(tasks));
        expect(faults).toBeUndefined();
        expect(definition?.tasks.map(({ id, dependsOn }) => ({ id, dependsOn }))).toEqual(tasks);
        expect(graph).toEqual(compileGraph(tasks));
      }),
      { numRuns: 40 },
    );
  });

  test('keeps a definition whole on its way, whatever its keys are called', async () => {
    const text = `{"id":"simple","name":"Ü\\u0000","parallelism":3,"tasks":[
      {"id":"__proto__","image":"busybox","variables":{"__proto__":"x","constructor":"y"},"command":[]},
      {"id":"b","image":"busybox","depends_on":{"__proto__":"Failure"},"registry_auth":{"user":"u","pass":"p"}}]}`;
    const { definition } = await engine.compile(JSON.parse(text));
    expect(JSON.stringify(definition)).toContain('"variables":{"__proto__":"x","constructor":"y"}');
    expect(JSON.stringify(definition)).toContain('"dependsOn":{"__proto__":"failure"}');
    expect(definition).toMatchObject({ name: 'Ü\0', parallelism: 3, tasks: [{ command: [] }, { registryAuth: { user: 'u', pass: 'p' } }] });
  });

  test('names every fault', async () => {
    const inputs = [
      undefined,
      null,
      [],
      'text',
      {},
      { tasks: [] },
      { tasks: [null, {}, 7] },
      pipelineJson([{ id: 'a', dependsOn: { a: 'any' } }]),
    ];
    const wrong = pipelineJson(chain(6).map(({ id }) => ({ id, dependsOn: { missing: 'any' } })));
    for (const input of [...inputs, wrong]) {
      const { faults, definition } = await engine.compile(input);
      expect(definition).toBeUndefined();
      expect(faults).toEqual((await new InlineDagEngine().compile(input)).faults);
      expect(faults?.length).toBeGreaterThan(0);
    }
  });

  test('compiles a pipeline of 10,000 tasks', async () => {
    const { definition, graph } = await engine.compile(pipelineJson(chain(10_000)));
    expect(definition?.tasks).toHaveLength(10_000);
    expect(graph?.taskIds.at(-1)).toBe('t9999');
    expect(graph?.edgeCount).toBe(9_999);
  });

  test('decides what the domain decides, many runs at once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyGraph, { minLength: 1, maxLength: 12 }), async (graphs) => {
        await Promise.all(
          graphs.map(async (tasks) => {
            const graph = compileGraph(tasks);
            const counters = createRunCounters(graph);
            let finished: readonly FinishedTask[] = [];
            for (let unfinished = tasks.length; unfinished > 0; ) {
              const expected = decide(graph, counters, finished);
              const decision = await engine.decide(graph, counters, finished);
              expect(decision).toEqual(expected);
              applyDecision(graph, counters, finished, decision);
              finished = decision.ready.map((task) => ({ task, status: task % 3 === 0 ? 'failed' : 'successful' }));
              unfinished = decision.unfinished;
            }
          }),
        );
      }),
      { numRuns: 25 },
    );
  });

  test('cancels', async () => {
    const graph = compileGraph(chain(12));
    const counters = createRunCounters(graph);
    const decision = await engine.decide(graph, counters, [], { cancelled: 'sparing-always' });
    expect(decision).toMatchObject({ ready: [], unfinished: 0, runStatus: 'cancelled' });
    expect(decision.cancelled).toHaveLength(12);
  });

  test('a decision at fault is refused by its code, and those asked for beside it are answered', async () => {
    const graph = compileGraph(chain(12));
    const good = engine.decide(graph, createRunCounters(graph), []);
    const bad = engine.decide(graph, createRunCounters(graph), [{ task: 12, status: 'failed' }]);
    const alsoGood = engine.decide(graph, createRunCounters(graph), []);
    await expect(bad).rejects.toBeInstanceOf(GoferError);
    await expect(bad).rejects.toMatchObject({ code: 'INTERNAL' });
    expect([await good, await alsoGood].map(({ ready }) => ready)).toEqual([[0], [0]]);
  });

  test('answers what is under way when it is closed, and refuses what comes after', async () => {
    const closing = create();
    const graph = compileGraph(chain(12));
    const pending = closing.decide(graph, createRunCounters(graph), []);
    const compiling = closing.compile(pipelineJson(chain(1_000)));
    const closed = closing.close();
    await expect(closing.decide(graph, createRunCounters(graph), [])).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(closing.compile({})).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect((await pending).ready).toEqual([0]);
    expect((await compiling).graph?.taskCount).toBe(1_000);
    await closed;
    await closing.close();
  });
});

describe('a worker that dies', () => {
  /** Its workers exit at every decision on a graph of 13 tasks. */
  const engine = new ThreadedDagEngine({ entry: new URL('./mortal-worker.fixture.ts', import.meta.url) });
  afterAll(() => engine.close());

  test('takes only what killed it: the rest is done again by another', async () => {
    const healthy = compileGraph(chain(5));
    const deadly = compileGraph(chain(13));
    const before = engine.decide(healthy, createRunCounters(healthy), []);
    const killer = engine.decide(deadly, createRunCounters(deadly), []);
    const after = engine.decide(healthy, createRunCounters(healthy), []);
    await expect(killer).rejects.toMatchObject({ code: 'INTERNAL', message: expect.stringContaining('died 3 times') });
    expect([await before, await after].map(({ ready }) => ready)).toEqual([[0], [0]]);
    expect((await engine.compile(pipelineJson(chain(20)))).graph?.taskCount).toBe(20);
  });
});

test('a worker that cannot even start rejects what was asked, and closes', async () => {
  const engine = new ThreadedDagEngine({ entry: new URL('./no-such-worker.ts', import.meta.url) });
  const graph = compileGraph(chain(2));
  await expect(engine.decide(graph, createRunCounters(graph), [])).rejects.toMatchObject({ code: 'INTERNAL' });
  await expect(engine.compile(pipelineJson(chain(2)))).rejects.toMatchObject({ code: 'INTERNAL' });
  await engine.close();
});
