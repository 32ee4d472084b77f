/** The server is killed at random moments, and begun again, while it works on random pipelines. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DockerApi } from '../backends/docker-api.ts';
import { dockerAvailable } from '../backends/docker-engine.ts';
import { GoferServer } from '../e2e/gofer-server.ts';
import { until } from '../e2e/leftovers.ts';
import { type Evidence, fileEvidence, gatewayOf, networkEvidence } from './evidence.ts';
import { type Figures, milliseconds, percentile } from './figures.ts';
import { Random } from './random.ts';
import { Trial, type TrialResult } from './trial.ts';

export interface KillOptions {
  readonly engine: 'process' | 'docker';
  readonly seed: number;
  /** Kills until its runs are judged and other pipelines take their place. */
  readonly killsOfATrial: number;
  /** Trials go on until then (`Date.now()`); one is made in any case. */
  readonly end: number;
  /** Ends it early, with everything that it began. Then it rejects. */
  readonly signal?: AbortSignal;
}

interface Kills {
  count: number;
  /** From the start of the process until it says that it is ready. */
  readonly readyMs: number[];
  /** From the start of the process until every run that was not over goes on. */
  readonly takenUpMs: number[];
}

const SHAPES = {
  process: { limits: { tasks: 8, pauseMs: 300 }, clients: 8, longestLifeMs: 1_500 },
  docker: { limits: { tasks: 4, pauseMs: 500 }, clients: 4, longestLifeMs: 4_000 },
} as const;

export async function killProcess({ engine, seed, killsOfATrial, end, signal }: KillOptions): Promise<Figures> {
  const random = new Random(seed);
  const settings = ['scheduler.max_running_tasks=8', 'api.task_execution_log_retention=1000000'];
  const server = await GoferServer.start(engine, { settings });
  let evidence: Evidence | undefined;
  const results: TrialResult[] = [];
  const kills: Kills = { count: 0, readyMs: [], takenUpMs: [] };
  try {
    evidence =
      engine === 'process' ? fileEvidence(join(server.directory, 'record')) : await networkEvidence(await gatewayOf(await dockerEngine()));
    const { limits, clients, longestLifeMs } = SHAPES[engine];
    do {
      const trial = await Trial.prepare(`kill-${results.length}`, { server, evidence, random, limits, clients });
      results.push(
        await trial.run(async () => {
          for (const target = kills.count + killsOfATrial; kills.count < target; ) {
            await delay(random.integer(0, longestLifeMs));
            signal?.throwIfAborted();
            await killAndBegin(server, trial, random, kills);
          }
        }),
      );
    } while (Date.now() < end);
  } finally {
    await server.close();
    await evidence?.close();
  }
  return toFigures(seed, kills, results);
}

async function killAndBegin(server: GoferServer, trial: Trial, random: Random, kills: Kills): Promise<void> {
  await server.end('SIGKILL');
  kills.count += 1;
  while (random.chance(0.2)) {
    // Killed while it begins, or just after it.
    const begun = server.begin().catch(() => undefined);
    await delay(random.integer(0, 1_500));
    await server.end('SIGKILL');
    await begun;
    kills.count += 1;
  }
  const { unfinished } = trial;
  const began = performance.now();
  await server.begin();
  kills.readyMs.push(performance.now() - began);
  for (const { pipeline, run } of unfinished) {
    await until(`the taking up of run ${run} of ${pipeline}`, () => isTakenUp(server, pipeline, run));
  }
  kills.takenUpMs.push(performance.now() - began);
}

/** It is over, or somebody knows what it waits for and no task of it is still looked for. */
async function isTakenUp(server: GoferServer, pipeline: string, run: number): Promise<boolean> {
  const [told, tasks] = await Promise.all([server.getRun(pipeline, run), server.tasks(pipeline, run)]);
  if (told.state === 'complete') return true;
  return told.waiting_reason !== undefined && !tasks.some((task) => task.waiting_reason?.startsWith('looking for it') === true);
}

async function dockerEngine(): Promise<DockerApi> {
  const { docker, missing } = await dockerAvailable();
  if (docker === undefined) throw new Error(missing);
  return docker;
}

function toFigures(seed: number, { count, readyMs, takenUpMs }: Kills, results: readonly TrialResult[]): Figures {
  const sum = (key: 'runs' | 'tasks' | 'cutOff'): number => results.reduce((total, result) => total + result[key], 0);
  const spread = (values: readonly number[]): string =>
    `median ${milliseconds(percentile(values, 50))}, most ${milliseconds(percentile(values, 100))}`;
  return {
    figures: {
      seed,
      kills: count,
      'starts that were measured': readyMs.length,
      'runs accepted': sum('runs'),
      'tasks that ran': sum('tasks'),
      'requests cut off': sum('cutOff'),
      'from the start of the process until it is ready': spread(readyMs),
      'from the start of the process until every unfinished run goes on': spread(takenUpMs),
    },
    faults: results.flatMap(({ faults }) => faults),
  };
}
