/** A server that begins over a database with many unfinished runs: when it answers, and when it has taken them all up. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Run } from '@gofer/contracts/api';
import { GoferServer, pipelinePath } from '../e2e/gofer-server.ts';
import { type Figures, milliseconds } from './figures.ts';

const CLIENTS = 32;
/** So that nobody sees the end of a task. */
const RULES = [{ image: '*', steps: [{ sleep_ms: 24 * 3_600_000 }] }];
const LIMIT_MS = 300_000;
const PROBE_EVERY_MS = 50;

export async function unfinishedRuns(runs: number): Promise<Figures> {
  const directory = mkdtempSync(join(tmpdir(), 'gofer-soak-'));
  const script = join(directory, 'script.json');
  writeFileSync(script, JSON.stringify(RULES));
  // As many runs at once as the server takes by default: the others wait for their turn.
  const settings = [`scheduler.fake.script=${script}`, 'api.pipeline_run_concurrency_limit=0'];
  const server = new GoferServer('fake', { settings });
  try {
    const empty = await untilItAnswers(server);
    await server.deploy('long', [{ id: 'task', command: ['true'] }]);
    let left = runs;
    const client = async (): Promise<void> => {
      while (left-- > 0) await server.run('long');
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    await server.end('SIGKILL');
    const began = performance.now();
    const full = await untilItAnswers(server);
    const late = { most: 0 };
    await untilTakenUp(server, runs, began, late);
    const takenUp = performance.now() - began;
    const listed = await list(server);
    const faults = listed.length === runs ? [] : [`of ${runs} runs ${listed.length} are there`];
    const figures = {
      'unfinished runs': runs,
      'from the start of the process until it answers, over an empty database': milliseconds(empty),
      'the same over that of the unfinished runs': milliseconds(full),
      'from the start of the process until every run is taken up': milliseconds(takenUp),
      'the latest answer to a request meanwhile': milliseconds(late.most),
    };
    return { figures, faults };
  } finally {
    await server.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Milliseconds from the start of the process until the answer. */
async function untilItAnswers(server: GoferServer): Promise<number> {
  const began = performance.now();
  await server.begin();
  await server.ask('GET', '/api/system/metadata');
  return performance.now() - began;
}

/** Every run is over or waits for something that the server can name. */
async function untilTakenUp(server: GoferServer, runs: number, began: number, late: { most: number }): Promise<void> {
  for (;;) {
    const probed = performance.now();
    await server.ask('GET', '/api/system/metadata');
    late.most = Math.max(late.most, performance.now() - probed);
    const takenUp = (await list(server)).filter(({ state, waiting_reason: reason }) => state === 'complete' || reason !== undefined);
    if (takenUp.length >= runs) return;
    if (performance.now() - began > LIMIT_MS) throw new Error(`after ${LIMIT_MS} ms ${takenUp.length} of ${runs} runs are taken up`);
    await delay(PROBE_EVERY_MS);
  }
}

async function list(server: GoferServer): Promise<readonly Run[]> {
  return (await server.ask<{ runs: Run[] }>('GET', `${pipelinePath('long')}/runs?limit=1000000`)).runs;
}
