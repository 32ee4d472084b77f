/** What a server takes while it works, seen from outside. */
import { readFileSync } from 'node:fs';
import type { BenchServer } from './bench-server.ts';
import { timed } from './measurement.ts';

/** In bytes; the most the process has had in memory (Linux, proc(5)). */
export function peakMemory(pid: number): number {
  return statusOf(pid, 'VmHWM');
}

/** In bytes; what it has in memory now. */
export function residentMemory(pid: number): number {
  return statusOf(pid, 'VmRSS');
}

function statusOf(pid: number, field: 'VmHWM' | 'VmRSS'): number {
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
}

/** How late answers to a request that does nothing come while `work` goes on: the server's event loop, seen from outside. */
export async function latenessDuring(server: BenchServer, work: () => Promise<unknown>): Promise<number[]> {
  const late: number[] = [];
  const done = new AbortController();
  const probe = (async () => {
    while (!done.signal.aborted) {
      const answer = await timed(() => server.call('GET', '/api/system/metadata'));
      late.push(answer.ms);
    }
  })();
  try {
    await work();
  } finally {
    done.abort();
    await probe;
  }
  return late;
}
