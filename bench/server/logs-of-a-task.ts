/** A task that prints a million lines: kept while it runs, and read back in each of the three ways. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { WebSocket } from 'ws';
import { bareProcess } from './bare-process.ts';
import { BenchServer } from './bench-server.ts';
import { median, ms, percentile, type Row, timed } from './measurement.ts';
import { latenessDuring, peakMemory } from './server-load.ts';

const LINES = 1_000_000;
const COMMAND = ['seq', '1', String(LINES)];
const EXPECTED = createHash('sha256');
for (let line = 1; line <= LINES; line += 1) EXPECTED.update(`${line}\n`);
const SHA256 = EXPECTED.digest('hex');

function readBySocket(server: BenchServer, path: string, protocol: string | undefined): Promise<{ frames: number; bytes: number }> {
  return new Promise((resolve, reject) => {
    const url = `ws://${server.url.host}${path}`;
    const socket = new WebSocket(url, protocol === undefined ? [] : [protocol], {
      headers: { 'gofer-api-version': 'v0' },
      perMessageDeflate: false,
    });
    let frames = 0;
    let bytes = 0;
    socket.on('message', (data: Buffer) => {
      frames += 1;
      bytes += data.length;
    });
    socket.on('close', () => resolve({ frames, bytes }));
    socket.on('error', reject);
  });
}

export async function logsOfATask(): Promise<Row[]> {
  const server = await BenchServer.start('process');
  try {
    await server.register('seq', [{ id: 'seq', command: COMMAND }]);
    const base = (runId: number) => `/api/namespaces/default/pipelines/seq/runs/${runId}/tasks/seq`;
    await server.run('seq');
    const bare = median(
      [await timed(() => bareProcess(COMMAND)), await timed(() => bareProcess(COMMAND)), await timed(() => bareProcess(COMMAND))].map(
        (run) => run.ms,
      ),
    );
    const runs = [
      await server.run('seq'),
      await server.run('seq'),
      await server.run('seq'),
      await server.run('seq'),
      await server.run('seq'),
    ];
    const late = await latenessDuring(server, () => server.run('seq'));
    const memory = peakMemory(server.pid);
    const { runId } = runs[0] ?? { runId: 1 };
    const task = JSON.parse((await server.call('GET', base(runId))).body.toString()) as {
      task_execution: { log: { lines: number; sha256: string; complete: boolean } };
    };
    const { log } = task.task_execution;
    const kept = log.lines === LINES && log.complete && log.sha256 === SHA256;
    const raw = await timed(() => server.call('GET', `${base(runId)}/logs/raw`));
    const rawKept = createHash('sha256').update(raw.value.body).digest('hex') === SHA256;
    const batches = await timed(() => readBySocket(server, `${base(runId)}/logs`, 'gofer.logs.v1'));
    const lines = await timed(() => readBySocket(server, `${base(runId)}/logs`, undefined));
    const total = median(runs.map((run) => run.ms));
    return [
      {
        name: '1,000,000 lines printed, to the end of the run, all kept, in order, hash stored',
        measured: `${ms(total)}${kept ? '' : ' NOT ALL KEPT'}`,
        baseline: `${ms(bare)} bare`,
        goal: '≤ 0.5 s',
        met: kept && total <= 500,
      },
      {
        name: 'an answer of the server meanwhile (its event loop’s delay and more)',
        measured: `p99 ${ms(percentile(late, 99))} of ${late.length}`,
        baseline: '',
        goal: '< 50 ms',
        met: percentile(late, 99) < 50,
      },
      {
        name: 'the server’s memory, at most',
        measured: `${(memory / 1e6).toFixed(0)} MB`,
        baseline: '',
        goal: '< 300 MB',
        met: memory < 300e6,
      },
      {
        name: 'reading them back raw over HTTP',
        measured: `${ms(raw.ms)}${rawKept ? '' : ' NOT THE SAME'}`,
        baseline: '',
        goal: '< 0.5 s',
        met: rawKept && raw.ms < 500,
      },
      {
        name: 'reading them back in batches over WebSocket',
        measured: `${ms(batches.ms)} (${batches.value.frames} frames)`,
        baseline: '',
        goal: '< 2 s',
        met: batches.ms < 2_000,
      },
      {
        name: 'reading them back with v0’s line a frame',
        measured: `${ms(lines.ms)} (${lines.value.frames} frames)`,
        baseline: '',
        goal: '< 10 s',
        met: lines.ms < 10_000 && lines.value.frames === LINES,
      },
      await followerLatency(server),
    ];
  } finally {
    await server.stop();
  }
}

/** The task prints the time (nanoseconds since the epoch) every 20 ms; the follower compares with its own clock. */
async function followerLatency(server: BenchServer): Promise<Row> {
  await server.register('clock', [
    { id: 'clock', command: ['sh', '-c', 'i=0; while [ $i -lt 150 ]; do date +%s%N; sleep 0.02; i=$((i+1)); done'] },
  ]);
  const started = await server.call('POST', '/api/namespaces/default/pipelines/clock/runs', { variables: {} });
  if (started.status !== 201) throw new Error(started.body.toString());
  const late: number[] = [];
  await new Promise<void>((resolve, reject) => {
    const socket = new WebSocket(`ws://${server.url.host}/api/namespaces/default/pipelines/clock/runs/1/tasks/clock/logs`, {
      headers: { 'gofer-api-version': 'v0' },
    });
    socket.on('message', (data: Buffer) => {
      const now = performance.timeOrigin + performance.now();
      late.push(now - Number(BigInt(data.toString().trim())) / 1e6);
    });
    socket.on('close', () => resolve());
    socket.on('error', reject);
  });
  const pipe = await pipeLatency();
  return {
    name: 'from a task’s write to a WebSocket follower',
    measured: `${ms(median(late))} median, ${ms(percentile(late, 99))} p99 of ${late.length}`,
    baseline: `${ms(pipe)} through a bare pipe`,
    goal: '< 20 ms median',
    met: median(late) < 20,
  };
}

function pipeLatency(): Promise<number> {
  return new Promise((resolve) => {
    const late: number[] = [];
    const child = spawn('sh', ['-c', 'i=0; while [ $i -lt 50 ]; do date +%s%N; sleep 0.02; i=$((i+1)); done']);
    child.stdout.on('data', (data: Buffer) => {
      const now = performance.timeOrigin + performance.now();
      late.push(now - Number(BigInt(data.toString().trim().split('\n')[0] ?? '0')) / 1e6);
    });
    child.on('close', () => resolve(median(late)));
  });
}
