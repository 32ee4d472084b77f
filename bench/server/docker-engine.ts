/** What a run costs on Docker, beside the same calls to Docker's own API. */
import { spawn } from 'node:child_process';
import Docker from 'dockerode';
import { BenchServer, IMAGE } from './bench-server.ts';
import { inParallel, median, ms, percentile, type Row, timed } from './measurement.ts';

const RUNS = 50;
const WIDTH = 4;
const LINES = 1_000_000;

async function bareRun(docker: Docker): Promise<void> {
  const container = await docker.createContainer({
    Image: IMAGE,
    Cmd: ['true'],
    HostConfig: { LogConfig: { Type: 'json-file', Config: {} } },
  });
  await container.start();
  await container.wait();
  await container.logs({ stdout: true, stderr: true, follow: false });
  await container.remove({ v: true, force: true });
}

function dockerRun(command: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('docker', ['run', '--rm', IMAGE, ...command], { stdio: ['ignore', 'pipe', 'inherit'] });
    child.stdout.resume();
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`docker run ended with ${code}`))));
  });
}

export async function dockerEngine(): Promise<Row[]> {
  const docker = new Docker();
  await docker.ping();
  const server = await BenchServer.start('docker');
  try {
    await server.register('one', [{ id: 'only', command: ['true'] }]);
    await server.register('four', [{ id: 'only', command: ['true'] }], WIDTH);
    await server.register('seq', [{ id: 'seq', command: ['seq', '1', String(LINES)] }]);
    await server.run('one');
    await bareRun(docker);
    // One of each in turn: what slows the machine for a while slows both.
    const ours: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round < 40; round += 1) {
      ours.push((await server.run('one')).ms);
      bare.push((await timed(() => bareRun(docker))).ms);
    }
    const cost = median(ours) - median(bare);
    // Docker's own outliers are on both sides.
    const cost99 = percentile(ours, 99) - percentile(bare, 99);
    const bareBurst = await timed(() => inParallel(RUNS, WIDTH, () => bareRun(docker)));
    const burst = await timed(() => inParallel(RUNS, RUNS, () => server.run('four')));
    const seq: number[] = [];
    const bareSeq: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      seq.push((await server.run('seq')).ms);
      bareSeq.push((await timed(() => dockerRun(['seq', '1', String(LINES)]))).ms);
    }
    return [
      {
        name: 'one-task run over create, start, wait, logs, remove',
        measured: `+${ms(cost)} median, +${ms(cost99)} p99 (${ms(median(ours))}, ${ms(percentile(ours, 99))})`,
        baseline: `${ms(median(bare))} bare, ${ms(percentile(bare, 99))} p99`,
        goal: '≤ 20 ms median, ≤ 75 ms p99',
        met: cost <= 20 && cost99 <= 75,
      },
      {
        name: `${RUNS} one-task runs, ${WIDTH} at once`,
        measured: `${((bareBurst.ms / burst.ms) * 100).toFixed(0)} % (${ms(burst.ms)})`,
        baseline: `${ms(bareBurst.ms)} bare`,
        goal: '≥ 90 % of its rate',
        met: bareBurst.ms / burst.ms >= 0.9,
      },
      {
        name: '1,000,000 lines printed, to the end of the run',
        measured: `×${(median(seq) / median(bareSeq)).toFixed(2)} (${ms(median(seq))})`,
        baseline: `${ms(median(bareSeq))} docker run`,
        goal: '≤ ×1.1',
        met: median(seq) / median(bareSeq) <= 1.1,
      },
    ];
  } finally {
    await server.stop();
  }
}
