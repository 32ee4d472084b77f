/** Many runs of one task, one after the other on a few connections: what the server holds and how fast it answers, at first and at last. */
import { readdirSync } from 'node:fs';
import type { Run } from '@gofer/contracts/api';
import { GoferServer, pipelinePath } from '../e2e/gofer-server.ts';
import { type Held, INSPECTED, ServerHeap } from '../e2e/server-heap.ts';
import { type Figures, megabytes, milliseconds, percentile } from './figures.ts';

export interface DayLoad extends Figures {
  /** After the first tenth of the runs, and after all. */
  readonly held: readonly [Held & { readonly files: number }, Held & { readonly files: number }];
  /** Median of the starts in the last part over that in the first part after the warm-up. */
  readonly ratio: number;
}

const CLIENTS = 16;

export async function dayLoad(runs: number): Promise<DayLoad> {
  const server = await GoferServer.start('fake', { env: INSPECTED });
  try {
    const heap = await ServerHeap.of(server);
    const measure = async (): Promise<Held & { files: number }> => ({
      ...(await heap.measure()),
      files: readdirSync(`/proc/${server.pid}/fd`).length,
    });
    await server.deploy('one', [{ id: 'task', command: ['true'] }]);
    const faults: string[] = [];
    const warmUp = Math.floor(runs / 10);
    await startAndWait(server, warmUp, faults);
    const first = await measure();
    const began = performance.now();
    const startMs = await startAndWait(server, runs - warmUp, faults);
    const rate = (runs - warmUp) / ((performance.now() - began) / 1000);
    const last = await measure();
    heap.close();
    const { run_id: next } = await server.run('one', 60);
    if (next !== runs + 1) faults.push(`after ${runs} runs the next has the number ${next}`);
    const size = Math.min(1_000, Math.floor(startMs.length / 2));
    const [early, late] = [startMs.slice(0, size), startMs.slice(-size)];
    const latency = (values: readonly number[]): string =>
      `p50 ${milliseconds(percentile(values, 50))}, p99 ${milliseconds(percentile(values, 99))}`;
    const ratio = percentile(late, 50) / percentile(early, 50);
    const figures = {
      runs,
      'runs a second, each waited for': rate.toFixed(0),
      'heap after a tenth → at the end': `${megabytes(first.heap)} → ${megabytes(last.heap)}`,
      'resident after a tenth → at the end': `${megabytes(first.resident)} → ${megabytes(last.resident)}`,
      'open files after a tenth → at the end': `${first.files} → ${last.files}`,
      [`start, the first ${size} after that`]: latency(early),
      [`start, the last ${size}`]: latency(late),
      'last over first (p50)': ratio.toFixed(2),
    };
    return { figures, faults, held: [first, last], ratio };
  } finally {
    await server.close();
  }
}

/** Resolves with how long each start took, in the order in which they were asked for. */
async function startAndWait(server: GoferServer, runs: number, faults: string[]): Promise<readonly number[]> {
  const startMs: number[] = [];
  let next = 0;
  const client = async (): Promise<void> => {
    for (let index = next++; index < runs; index = next++) {
      const began = performance.now();
      const { run_id: id } = await server.run('one');
      startMs[index] = performance.now() - began;
      const { run } = await server.ask<{ run: Run }>('GET', `${pipelinePath('one')}/runs/${id}?wait=60`);
      if (run.status !== 'successful') faults.push(`run ${id} is ${run.state}, ${run.status}`);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return startMs;
}
