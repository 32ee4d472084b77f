/**
 * An object of 1 GiB into a store and out of it again, beside a copy of the same file on the same disk: the store by itself, and a
 * whole server with another process (curl) at the other end of the connection. The fastest of several rounds each.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ObjectStore, PluginHost, PluginInstance } from '@gofer/contracts';
import { plugin as filesystem } from '../../plugins/object-store-filesystem/src/index.ts';
import { plugin as sqlite } from '../../plugins/object-store-sqlite/src/index.ts';
import { BenchServer } from './bench-server.ts';
import { ms, percentile, type Row, timed } from './measurement.ts';
import { latenessDuring, peakMemory, residentMemory } from './server-load.ts';

const GIB = 1024 ** 3;
const READ_BYTES = 1024 * 1024;
const ROUNDS = 4;
/** What a server may take in memory for objects, of whatever size and however many after each other. */
const MOST_MEMORY = 200e6;
const run = promisify(execFile);
const never = new AbortController().signal;

type Engine = 'filesystem' | 'sqlite';
const WAYS = ['copy', 'put', 'get', 'receive', 'upload', 'download'] as const;
type Times = Record<(typeof WAYS)[number], number[]>;

export async function objectStores(): Promise<Row[]> {
  return [...(await objectStore('filesystem')), ...(await objectStore('sqlite'))];
}

async function objectStore(engine: Engine): Promise<Row[]> {
  const server = await BenchServer.start('fake', [`object_store.engine=${engine}`]);
  const receiver = await startReceiver();
  const alone = await openAlone(engine, join(server.directory, 'alone'));
  try {
    await server.register('objects', [{ id: 'one', command: ['true'] }]);
    const file = join(server.directory, 'gibibyte');
    const copy = join(server.directory, 'copy');
    await run('sh', ['-c', `head -c ${GIB} /dev/urandom > "$0" && sync "$0"`, file]);
    const target = `${server.url.origin}/api/namespaces/default/pipelines/objects/objects/gibibyte`;
    const curl = (...args: string[]) => run('curl', ['-sS', '--fail', '-H', 'gofer-api-version: v0', ...args]);
    const send = (to: string) => curl('-X', 'POST', '-H', 'expect:', '-T', file, to);
    const ways: Record<keyof Times, () => Promise<unknown>> = {
      copy: () => run('sh', ['-c', 'cp "$0" "$1" && sync "$1"', file, copy]),
      put: () => alone.put('gibibyte', never, createReadStream(file, { highWaterMark: READ_BYTES })),
      get: () => readAll(alone.get('gibibyte', undefined, never)),
      receive: () => send(receiver.url),
      upload: () => send(`${target}?force=true`),
      download: () => curl('-o', '/dev/null', target),
    };
    const idle = residentMemory(server.pid);
    const times: Times = { copy: [], put: [], get: [], receive: [], upload: [], download: [] };
    for (const way of WAYS) {
      for (let round = 0; round < ROUNDS; round += 1) {
        if (way === 'put') await alone.delete('gibibyte');
        // What was done before leaves work to the disk: it is not this one's.
        await run('sync');
        times[way].push((await timed(ways[way])).ms);
      }
    }
    rmSync(copy);
    await curl('-o', copy, target);
    if ((await hashOf(copy)) !== (await hashOf(file))) throw new Error(`${engine}: the object is not the file`);
    // Asking takes processor time from the transfers: these ones are not timed.
    const late = [...(await latenessDuring(server, ways.upload)), ...(await latenessDuring(server, ways.download))];
    return rowsOf(engine, times, percentile(late, 99), peakMemory(server.pid) - idle);
  } finally {
    await alone.close();
    await receiver.stop();
    await server.stop();
  }
}

function rowsOf(engine: Engine, times: Times, lateP99: number, memory: number): Row[] {
  const copy = fastest(times.copy);
  const cp = `cp and sync ${ms(copy)}`;
  const row = (name: string, way: keyof Times, beside = cp): Row => {
    const part = copy / fastest(times[way]);
    const isMeant = engine === 'filesystem';
    return {
      name: `${engine}: 1 GiB ${name}`,
      measured: `${ms(fastest(times[way]))}, ${Math.round(part * 100)} % of a copy's speed`,
      baseline: beside,
      goal: isMeant ? '≥ 70 %' : 'its own limit',
      met: !isMeant || part >= 0.7,
    };
  };
  return [
    row('from a file into the store', 'put'),
    row('out of the store', 'get'),
    row('by HTTP into the server', 'upload', `${cp}; a bare HTTP server that keeps nothing ${ms(fastest(times.receive))}`),
    row('by HTTP out of the server', 'download'),
    { name: `${engine}: answers of the server meanwhile, p99`, measured: ms(lateP99), baseline: '', goal: '< 50 ms', met: lateP99 < 50 },
    {
      name: `${engine}: memory that ${2 * (ROUNDS + 1)} transfers took at most`,
      measured: `${Math.round(memory / 1e6)} MB`,
      baseline: '',
      goal: `< ${MOST_MEMORY / 1e6} MB`,
      met: memory < MOST_MEMORY,
    },
  ];
}

async function openAlone(engine: Engine, directory: string): Promise<ObjectStore & PluginInstance> {
  mkdirSync(directory);
  const host: PluginHost = { instanceId: 'bench', dataDirectory: directory, log: (...line) => console.error(...line) };
  if (engine === 'filesystem') return filesystem.create({ path: join(directory, 'objects') }, host);
  return sqlite.create({ path: join(directory, 'objects.db') }, host);
}

/** Of a disk and of memory that others use too: what they do only ever adds. */
function fastest(times: readonly number[]): number {
  return Math.min(...times);
}

/** An HTTP server that reads a body and forgets it. */
async function startReceiver(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    request.resume();
    request.once('end', () => response.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function readAll(pieces: AsyncIterable<Uint8Array>): Promise<void> {
  let size = 0;
  for await (const piece of pieces) size += piece.byteLength;
  if (size !== GIB) throw new Error(`${size} bytes came out of the store`);
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
