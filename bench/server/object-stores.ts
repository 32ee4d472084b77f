/** An object of 1 GiB into the server and out of it again, by another process (curl), beside a copy of the same file on the same disk. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BenchServer } from './bench-server.ts';
import { median, ms, percentile, type Row, timed } from './measurement.ts';
import { latenessDuring, peakMemory, residentMemory } from './server-load.ts';

const GIB = 1024 ** 3;
const ROUNDS = 3;
/** What a server may take in memory for an object of whatever size. */
const MOST_MEMORY = 150e6;
const run = promisify(execFile);

export async function objectStores(): Promise<Row[]> {
  return [...(await objectStore('filesystem')), ...(await objectStore('sqlite'))];
}

async function objectStore(engine: 'filesystem' | 'sqlite'): Promise<Row[]> {
  const server = await BenchServer.start('fake', [`object_store.engine=${engine}`]);
  try {
    await server.register('objects', [{ id: 'one', command: ['true'] }]);
    const file = join(server.directory, 'gibibyte');
    const copy = join(server.directory, 'copy');
    await writeRandom(file);
    const target = `${server.url.origin}/api/namespaces/default/pipelines/objects/objects/gibibyte`;
    const version = ['-H', 'gofer-api-version: v0', '-sS', '--fail'];
    const upload = () => run('curl', [...version, '-X', 'POST', '-H', 'expect:', '-T', file, `${target}?force=true`]);
    const download = () => run('sh', ['-c', 'curl "$@" && sync "$0"', copy, ...version, '-o', copy, target]);
    const idle = residentMemory(server.pid);
    const times = { cp: [] as number[], in: [] as number[], out: [] as number[] };
    const late: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      times.cp.push((await timed(() => run('sh', ['-c', 'cp "$0" "$1" && sync "$1"', file, copy]))).ms);
      rmSync(copy);
      times.in.push((await timed(upload)).ms);
      times.out.push((await timed(download)).ms);
      if ((await hashOf(copy)) !== (await hashOf(file))) throw new Error(`${engine}: the object is not the file`);
      rmSync(copy);
    }
    // Asking takes processor time from the transfers: these ones are not timed.
    late.push(...(await latenessDuring(server, upload)), ...(await latenessDuring(server, download)));
    return rowsOf(engine, times, late, peakMemory(server.pid) - idle);
  } finally {
    await server.stop();
  }
}

function rowsOf(
  engine: 'filesystem' | 'sqlite',
  times: { readonly cp: readonly number[]; readonly in: readonly number[]; readonly out: readonly number[] },
  late: readonly number[],
  memory: number,
): Row[] {
  const baseline = `cp and sync ${ms(median(times.cp))}`;
  const row = (name: string, measured: readonly number[]): Row => {
    const part = median(times.cp) / median(measured);
    const isMeant = engine === 'filesystem';
    return {
      name: `${engine}: 1 GiB ${name}`,
      measured: `${ms(median(measured))}, ${Math.round(part * 100)} % of the speed`,
      baseline,
      goal: isMeant ? '≥ 70 %' : 'its own limit',
      met: !isMeant || part >= 0.7,
    };
  };
  const p99 = percentile(late, 99);
  return [
    row('in', times.in),
    row('out, into a synced file', times.out),
    { name: `${engine}: answers of the server meanwhile, p99`, measured: ms(p99), baseline: '', goal: '< 50 ms', met: p99 < 50 },
    {
      name: `${engine}: memory that the transfers took at most`,
      measured: `${Math.round(memory / 1e6)} MB`,
      baseline: '',
      goal: `< ${MOST_MEMORY / 1e6} MB`,
      met: memory < MOST_MEMORY,
    },
  ];
}

/** Bytes that no store can make smaller. */
async function writeRandom(path: string): Promise<void> {
  await run('sh', ['-c', `head -c ${GIB} /dev/urandom > "$0" && sync "$0"`, path]);
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
