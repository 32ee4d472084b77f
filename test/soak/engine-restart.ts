/**
 * The Docker engine goes away under a server that works on random pipelines: it is restarted, with and without `live-restore`, or only the
 * way to it is cut. What lived has its real end; what died with the engine has failed, and says so.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { busyboxImage } from '../backends/busybox-image.ts';
import { CuttableSocket } from '../backends/cuttable-socket.ts';
import { type PrivateDockerEngine, startDockerEngine } from '../backends/private-docker-engine.ts';
import { GoferServer } from '../e2e/gofer-server.ts';
import { gatewayOf, networkEvidence } from './evidence.ts';
import type { Figures } from './figures.ts';
import { Random } from './random.ts';
import { Trial, type TrialResult } from './trial.ts';

export interface EngineRestartOptions {
  readonly what: 'restart' | 'live-restore' | 'cut';
  readonly seed: number;
  /** Restarts or cuts until its runs are judged and other pipelines take their place. */
  readonly timesOfATrial: number;
  /** Trials go on until then (`Date.now()`); one is made in any case. */
  readonly end: number;
  /** Ends it early, with everything that it began. Then it rejects. */
  readonly signal?: AbortSignal;
}

/**
 * Of tasks that their engine took with it: where the others live on, those that it was about to start (it stops these as it shuts down) or did
 * not see end.
 */
const DIED_WORDS = {
  restart: /Docker engine/,
  'live-restore': /Docker engine (died while it started|stopped the task|was away when the task ended)/,
  cut: undefined,
};
const LAST_COMPLAINTS = 10;
const LIMITS = { tasks: 4, pauseMs: 1_000 };

export async function engineRestart({ what, seed, timesOfATrial, end, signal }: EngineRestartOptions): Promise<Figures> {
  const directory = await mkdtemp(join(tmpdir(), 'gofer-soak-engine-'));
  const cleaning: (() => Promise<void>)[] = [() => rm(directory, { recursive: true, force: true })];
  const diedWords = DIED_WORDS[what];
  const random = new Random(seed);
  const results: TrialResult[] = [];
  let times = 0;
  try {
    const engine = await startDockerEngine(directory, { liveRestore: what === 'live-restore' });
    cleaning.push(() => engine.close());
    await busyboxImage(engine.api);
    const way = await CuttableSocket.open(join(directory, 'way.sock'), engine.api.socketPath);
    cleaning.push(() => way.cut());
    const evidence = await networkEvidence(await gatewayOf(engine.api));
    cleaning.push(() => evidence.close());
    const settings = [
      `scheduler.docker.host=unix://${way.path}`,
      'scheduler.max_running_tasks=8',
      'api.task_execution_log_retention=1000000',
    ];
    const server = await GoferServer.start('docker', { settings });
    cleaning.push(() => server.close());
    const disturbOnce = what === 'cut' ? () => cutAndMend(way, random) : () => endAndBegin(engine, random);
    do {
      const engineSays = (): Promise<string> => wordsOf(engine, join(directory, 'dockerd.log'));
      const options = {
        server,
        evidence,
        random,
        limits: LIMITS,
        clients: 4,
        engineSays,
        ...(diedWords === undefined ? {} : { diedWords }),
      };
      const trial = await Trial.prepare(`engine-${results.length}`, options);
      results.push(
        await trial.run(async () => {
          for (const target = times + timesOfATrial; times < target; times += 1) {
            await delay(random.integer(500, 3_000));
            signal?.throwIfAborted();
            await disturbOnce();
          }
        }),
      );
    } while (Date.now() < end);
  } finally {
    for (const clean of cleaning.toReversed()) await clean();
  }
  return toFigures(what, seed, times, results);
}

/** What an engine says of its containers and of what runs in them, and its last complaints. */
async function wordsOf({ api }: PrivateDockerEngine, logFile: string): Promise<string> {
  const listed = (await api.call('GET', '/containers/json?all=1')) as readonly { Id: string; State: string; Names: readonly string[] }[];
  const told = listed.map(async ({ Id: id, State: state, Names: names }) => {
    const inspected = (await api.call('GET', `/containers/${id}/json`)) as { readonly State: object };
    // Of one that runs in the eyes of its engine: whether it does, and what it is at.
    const processes = state === 'running' ? await api.call('GET', `/containers/${id}/top`).catch(String) : [];
    return JSON.stringify({ names, state: inspected.State, processes });
  });
  const complaints = (await readFile(logFile, 'utf8')).split('\n').filter((line) => /level=(warning|error)/.test(line));
  return [...(await Promise.all(told)), ...complaints.slice(-LAST_COMPLAINTS)].join('\n');
}

async function endAndBegin(engine: PrivateDockerEngine, random: Random): Promise<void> {
  await engine.end(random.pick(['SIGTERM', 'SIGKILL']));
  await delay(random.integer(0, 1_000));
  await engine.begin();
}

async function cutAndMend(way: CuttableSocket, random: Random): Promise<void> {
  await way.cut();
  await delay(random.integer(0, 2_000));
  await way.mend();
}

function toFigures(what: EngineRestartOptions['what'], seed: number, times: number, results: readonly TrialResult[]): Figures {
  const sum = (key: 'runs' | 'tasks' | 'died'): number => results.reduce((total, result) => total + result[key], 0);
  return {
    figures: {
      seed,
      [what === 'cut' ? 'cuts' : 'restarts of the engine']: times,
      'runs accepted': sum('runs'),
      'tasks that ran': sum('tasks'),
      'tasks that died with the engine, and are said to have': sum('died'),
    },
    faults: results.flatMap(({ faults }) => faults),
  };
}
