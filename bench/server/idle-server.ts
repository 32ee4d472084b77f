/** What a server costs that does nothing, and how soon it is there. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { BenchServer } from './bench-server.ts';
import { median, ms, type Row, timed } from './measurement.ts';
import { residentMemory } from './server-load.ts';

const GOFER = join(import.meta.dirname, '../../cli/bin/gofer.mjs');
const WATCH_MS = 10_000;
const TICKS_PER_SECOND = 100;

/** Seconds of processor time that a process has used (Linux, proc(5)). */
function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

export async function idleServer(): Promise<Row[]> {
  const ready: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const server = await BenchServer.start('process');
    ready.push(server.readyMs);
    await server.stop();
  }
  const server = await BenchServer.start('process');
  try {
    await delay(2_000);
    const before = processorSeconds(server.pid);
    await delay(WATCH_MS);
    const load = (processorSeconds(server.pid) - before) / (WATCH_MS / 1000);
    const resident = residentMemory(server.pid);
    const node = median(
      await Promise.all([1, 2, 3, 4, 5].map(async () => (await timed(async () => spawnSync(process.execPath, ['-e', '0']))).ms)),
    );
    const version: number[] = [];
    for (let round = 0; round < 9; round += 1)
      version.push((await timed(async () => spawnSync(process.execPath, [GOFER, '--version']))).ms);
    return [
      {
        name: 'ready after its start',
        measured: ms(median(ready)),
        baseline: `${ms(node)} an empty Node`,
        goal: '< 0.6 s',
        met: median(ready) < 600,
      },
      { name: 'memory, idle', measured: `${(resident / 1e6).toFixed(0)} MB`, baseline: '', goal: '< 150 MB', met: resident < 150e6 },
      {
        name: `processor, idle for ${WATCH_MS / 1000} s`,
        measured: `${(load * 100).toFixed(2)} %`,
        baseline: '',
        goal: '0 %',
        met: load < 0.005,
      },
      {
        name: 'gofer --version',
        measured: ms(median(version)),
        baseline: `${ms(node)} an empty Node`,
        goal: '< 150 ms',
        met: median(version) < 150,
      },
    ];
  } finally {
    await server.stop();
  }
}
