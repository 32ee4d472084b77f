/** What the engine itself costs: the `fake` scheduler does nothing, so all that is measured is ours. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SQLite from 'better-sqlite3';
import { BenchServer, type BenchTask } from './bench-server.ts';
import { inParallel, median, ms, percentile, type Row, timed } from './measurement.ts';
import { fanOut } from './process-engine.ts';

const CONNECTIONS = 32;
const RUNS = 6_000;

/** Commits a second of one small row each, with the durability that the server has. */
function bareCommits(): number {
  const directory = mkdtempSync(join(process.env['GOFER_BENCH_DIR'] ?? tmpdir(), 'gofer-bench-'));
  try {
    const database = new SQLite(join(directory, 'bare.db'));
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.exec('CREATE TABLE rows (text TEXT)');
    const insert = database.prepare('INSERT INTO rows VALUES (?)');
    const started = performance.now();
    for (let index = 0; index < 2_000; index += 1) insert.run('x'.repeat(200));
    const rate = 2_000 / ((performance.now() - started) / 1000);
    database.close();
    return rate;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Layers of ten tasks, each after the whole layer before it. */
function layered(tasks: number): BenchTask[] {
  return Array.from({ length: tasks }, (_, index) => {
    const layer = Math.floor(index / 10);
    const after = layer === 0 ? [] : Array.from({ length: 10 }, (_, parent) => `t${(layer - 1) * 10 + parent}`);
    return { id: `t${index}`, command: ['true'], after };
  });
}

export async function fakeEngine(): Promise<Row[]> {
  const server = await BenchServer.start('fake', ['api.global_run_concurrency_limit=0', 'api.pipeline_run_concurrency_limit=0']);
  try {
    await server.register('one', [{ id: 'only', command: ['true'] }]);
    await server.register('fan-100', fanOut(100));
    await server.register('fan-1000', fanOut(1_000));
    await inParallel(1_000, CONNECTIONS, () => server.run('one'));
    const commits = bareCommits();
    const closed = await timed(() => inParallel(RUNS, CONNECTIONS, () => server.run('one')));
    const rate = (RUNS / closed.ms) * 1000;
    const p99 = percentile(
      closed.value.map((run) => run.ms),
      99,
    );
    const small: number[] = [];
    for (let round = 0; round < 7; round += 1) small.push((await server.run('fan-100')).ms);
    const large: number[] = [];
    for (let round = 0; round < 3; round += 1) large.push((await server.run('fan-1000')).ms);
    const registered = await timed(() => server.register('ten-thousand', layered(10_000)));
    const tenThousand = await server.run('ten-thousand');
    return [
      {
        name: `durable one-task runs, ${CONNECTIONS} connections in a closed loop`,
        measured: `${rate.toFixed(0)} a second, p99 ${ms(p99)}`,
        baseline: `${commits.toFixed(0)} bare commits a second`,
        goal: '≥ 1,000 a second, p99 < 250 ms',
        met: rate >= 1_000 && p99 < 250,
      },
      { name: 'fan-out of 100 tasks and a join', measured: ms(median(small)), baseline: '', goal: '< 200 ms', met: median(small) < 200 },
      { name: 'fan-out of 1,000 tasks and a join', measured: ms(median(large)), baseline: '', goal: '< 1.5 s', met: median(large) < 1_500 },
      {
        name: 'a pipeline of 10,000 tasks and 99,900 dependencies registers and deploys',
        measured: ms(registered.ms),
        baseline: '',
        goal: '< 1 s',
        met: registered.ms < 1_000,
      },
      {
        name: 'a run of these 10,000 tasks, a task',
        measured: `${ms(tenThousand.ms / 10_000)} (${ms(tenThousand.ms)} in all)`,
        baseline: `${ms(median(large) / 1_001)} a task of 1,001`,
        goal: 'a decision costs its edges: ≤ ×3 of a task among 1,001',
        met: tenThousand.ms / 10_000 <= (3 * median(large)) / 1_001,
      },
    ];
  } finally {
    await server.stop();
  }
}
