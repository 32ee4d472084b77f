/**
 * What the hop into the graph pool costs against deciding on the calling thread, and what large graphs cost either way. Printed as
 * times and as ratios of the pool to the calling thread, both measured in this run. Run with `node bench/dag.bench.ts`.
 */

import { toPipelineJson } from '@gofer/contracts/pipeline';
import { decide } from '../kernel/src/domain/decide.ts';
import type { FinishedTask } from '../kernel/src/domain/decision.ts';
import type { CompiledGraph, GraphTask } from '../kernel/src/domain/graph.ts';
import { compileGraph } from '../kernel/src/domain/graph.ts';
import { applyDecision, createRunCounters } from '../kernel/src/domain/run-counters.ts';
import type { DagEngine } from '../kernel/src/workers/dag/dag-engine.ts';
import { InlineDagEngine } from '../kernel/src/workers/dag/inline-dag-engine.ts';
import { ThreadedDagEngine } from '../kernel/src/workers/dag/threaded-dag-engine.ts';

const inline = new InlineDagEngine();
const threaded = new ThreadedDagEngine();

/** `count` tasks in layers of 100, each waiting for up to two of the layer before. */
function layered(count: number): GraphTask[] {
  return Array.from({ length: count }, (_, index) => {
    const above = [index - 100, index - 101].filter((parent) => parent >= 0);
    return { id: `task-${index}`, dependsOn: Object.fromEntries(above.map((parent) => [`task-${parent}`, 'any' as const])) };
  });
}

function pipelineJson(count: number): unknown {
  const tasks = layered(count).map(({ id, dependsOn }) => ({
    id,
    dependsOn,
    description: '',
    image: 'ghcr.io/example/tools:1.2.3',
    variables: { REGION: 'eu-west-1', LEVEL: 'info' },
    command: ['sh', '-c', 'true'],
    injectApiToken: false,
    alwaysPullNewestImage: false,
  }));
  return toPipelineJson({ id: 'benchmark', name: 'benchmark', description: '', parallelism: 0, tasks });
}

async function medianMilliseconds(rounds: number, work: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const begin = performance.now();
    await work();
    times.push(performance.now() - begin);
  }
  return times.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? Number.NaN;
}

async function compare(name: string, rounds: number, work: (engine: DagEngine) => Promise<unknown>): Promise<void> {
  await medianMilliseconds(Math.min(rounds, 20), () => work(inline));
  await medianMilliseconds(Math.min(rounds, 20), () => work(threaded));
  const here = await medianMilliseconds(rounds, () => work(inline));
  const there = await medianMilliseconds(rounds, () => work(threaded));
  const row = [
    name.padEnd(44),
    `inline ${here.toFixed(4)} ms`.padEnd(22),
    `pool ${there.toFixed(4)} ms`.padEnd(22),
    `×${(there / here).toFixed(1)}`,
  ];
  process.stdout.write(`${row.join(' ')}\n`);
}

/** The longest the calling thread did not get to anything else while `work` was under way. */
async function longestStall(work: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  let running = true;
  const beat = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (running) setImmediate(beat);
  };
  setImmediate(beat);
  await work();
  await new Promise((resolve) => setImmediate(resolve));
  running = false;
  return longest;
}

function batchOf(engine: DagEngine, graph: CompiledGraph, size: number): Promise<unknown> {
  return Promise.all(Array.from({ length: size }, () => engine.decide(graph, createRunCounters(graph), [])));
}

const one = compileGraph(layered(1));
await compare('1 decision, 1 task', 2_000, (engine) => batchOf(engine, one, 1));
await compare('100 decisions in one turn, 1 task each', 300, (engine) => batchOf(engine, one, 100));

for (const count of [100, 1_000, 10_000, 100_000]) {
  const rounds = Math.max(3, Math.min(50, Math.round(100_000 / count)));
  const label = count.toLocaleString('en');
  const graph = compileGraph(layered(count));
  await compare(`first decision, ${label} tasks`, rounds, (engine) => batchOf(engine, graph, 1));
  const counters = createRunCounters(graph);
  applyDecision(graph, counters, [], decide(graph, counters, []));
  const oneFinished: FinishedTask[] = [{ task: 0, status: 'successful' }];
  await compare(`one task finished, ${label} tasks`, 500, (engine) => engine.decide(graph, counters, oneFinished));
  await compare(`whole run cancelled, ${label} tasks`, rounds, (engine) =>
    engine.decide(graph, counters, [], { cancelled: 'sparing-always' }),
  );
  const json = pipelineJson(count);
  await compare(`validate and compile, ${label} tasks`, rounds, (engine) => engine.compile(json));
  const here = await longestStall(() => inline.compile(json));
  const there = await longestStall(() => threaded.compile(json));
  process.stdout.write(`  calling thread stalled meanwhile: inline ${here.toFixed(1)} ms, pool ${there.toFixed(1)} ms\n`);
}

await threaded.close();
await inline.close();
