/**
 * What the log pool costs and gives: `node bench/logs.bench.ts [DIRECTORY]`. Every number stands beside a baseline of the same run: the
 * same bytes written to plain files with the same hash, and the same engine in the caller's own thread.
 */
import { createHash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { LogChunk } from '@gofer/contracts';
import type { LogStore } from '../kernel/src/workers/logs/index.ts';
import { createInlineLogStore, createThreadedLogStore } from '../kernel/src/workers/logs/index.ts';
import { maskedLogs } from './masked-logs.ts';

const CHUNK_BYTES = 64 * 1024;
const directory = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'gofer-bench-logs-'));
const never = new AbortController().signal;
let made = 0;

const sequence = Buffer.from(Array.from({ length: 1_000_000 }, (_, line) => `${line + 1}\n`).join(''));
const large = Buffer.alloc(100 * 1024 * 1024, `${'0123456789'.repeat(9)}abcdefghi\n`);

async function* source(all: Buffer): AsyncGenerator<LogChunk> {
  for (let at = 0; at < all.length; at += CHUNK_BYTES) {
    const end = Math.min(at + CHUNK_BYTES, all.length);
    yield { stream: 'stdout', time: 1, bytes: all.subarray(at, end), cursor: String(end) };
  }
}

interface Measured {
  readonly ms: number;
  /** The longest that 99 % of the event loop's turns were late, in milliseconds. */
  readonly delay: number;
}

async function measure(work: () => Promise<unknown> | void): Promise<Measured> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const started = performance.now();
  await work();
  const ms = performance.now() - started;
  delay.disable();
  return { ms, delay: delay.percentile(99) / 1e6 };
}

/** The median of several, after one that warms up. */
async function median(work: () => Promise<unknown> | void, rounds = 5): Promise<Measured> {
  await work();
  const all: Measured[] = [];
  for (let round = 0; round < rounds; round++) all.push(await measure(work));
  all.sort((a, b) => a.ms - b.ms);
  return all[Math.floor(rounds / 2)] ?? { ms: Number.NaN, delay: Number.NaN };
}

function report(name: string, measured: Measured, baseline: Measured, extra = ''): void {
  const ratio = (measured.ms / baseline.ms).toFixed(2);
  console.log(
    `  ${name.padEnd(34)} ${measured.ms.toFixed(1).padStart(8)} ms  ×${ratio}  loop p99 ${measured.delay.toFixed(1)} ms ${extra}`,
  );
}

function plainWrite(all: Buffer): void {
  const path = join(directory, `plain-${made++}`);
  const fd = openSync(path, 'w');
  const hash = createHash('sha256');
  for (let at = 0; at < all.length; at += CHUNK_BYTES) {
    const part = all.subarray(at, at + CHUNK_BYTES);
    writeSync(fd, part);
    hash.update(part);
  }
  hash.digest();
  closeSync(fd);
  rmSync(path);
}

async function collect(store: LogStore, all: Buffer, replay: boolean): Promise<void> {
  const id = `bench-${made++}`;
  await store.collect(id, () => source(all), never, { replay });
  await store.delete(id);
}

async function writing(stores: ReadonlyMap<string, LogStore>, title: string, all: Buffer, rounds: number): Promise<void> {
  console.log(`${title}, chunks of 64 KiB`);
  const baseline = await median(() => plainWrite(all), rounds);
  const speed = (measured: Measured): string => `${(all.length / 1e3 / measured.ms).toFixed(0)} MB/s`;
  report('plain file and hash', baseline, baseline, speed(baseline));
  for (const [name, store] of stores) {
    for (const replay of [false, true]) {
      const measured = await median(() => collect(store, all, replay), rounds);
      report(`${name}, ${replay ? 'replayed source' : 'chunk by chunk'}`, measured, baseline, speed(measured));
    }
  }
}

async function tiny(stores: ReadonlyMap<string, LogStore>): Promise<void> {
  const count = 1000;
  const line = Buffer.from('hello from a small task\n');
  console.log(`${count} logs of one line, 64 at a time`);
  const baseline = await median(() => {
    for (let index = 0; index < count; index++) {
      const paths = [join(directory, `tiny-${index}.a`), join(directory, `tiny-${index}.b`)];
      for (const path of paths) {
        const fd = openSync(path, 'w');
        writeSync(fd, line);
        closeSync(fd);
      }
    }
    for (let index = 0; index < count; index++) for (const end of ['a', 'b']) rmSync(join(directory, `tiny-${index}.${end}`));
  }, 3);
  report('two plain files each', baseline, baseline);
  for (const [name, store] of stores) {
    for (const replay of [false, true]) {
      const measured = await median(async () => {
        let left = count;
        const lane = async (): Promise<void> => {
          while (left-- > 0) await collect(store, line, replay);
        };
        await Promise.all(Array.from({ length: 64 }, lane));
      }, 3);
      report(`${name}, ${replay ? 'replayed source' : 'chunk by chunk'}`, measured, baseline, `${(count / measured.ms).toFixed(1)} a ms`);
    }
  }
}

async function reading(stores: ReadonlyMap<string, LogStore>): Promise<void> {
  console.log('1,000,000 lines read back');
  let text = 0;
  const baseline = await median(() => {
    text = sequence.toString().split('\n').length;
  });
  report('split in memory', baseline, baseline, `${text - 1} lines`);
  for (const [name, store] of stores) {
    const id = `bench-${made++}`;
    await store.collect(id, () => source(sequence), never, { replay: true });
    for (const format of ['json', 'lines'] as const) {
      const measured = await median(async () => {
        for await (const batch of store.read(id, { follow: false, format, signal: never })) {
          if (batch.format === 'json') continue;
          let start = 0;
          for (const end of batch.ends) {
            text += batch.text.subarray(start, end).length;
            start = end;
          }
        }
      });
      report(`${name}, ${format}`, measured, baseline);
    }
    report(
      `${name}, raw`,
      await median(async () => {
        for await (const part of (await store.raw(id)).stream) text += (part as Uint8Array).length;
      }),
      baseline,
    );
    await store.delete(id);
  }
}

async function following(stores: ReadonlyMap<string, LogStore>): Promise<void> {
  console.log('from the source to a follower, one line at a time');
  for (const [name, store] of stores) {
    const id = `bench-${made++}`;
    const times: number[] = [];
    let next = Promise.withResolvers<void>();
    let sent = 0;
    const lines = async function* (): AsyncGenerator<LogChunk> {
      for (let line = 0; line < 1000; line++) {
        sent = performance.now();
        yield { stream: 'stdout', time: line, bytes: Buffer.from(`line ${line}\n`), cursor: String(line) };
        await next.promise;
        next = Promise.withResolvers();
      }
    };
    const collected = store.collect(id, lines, never, { replay: false });
    for await (const batch of store.read(id, { follow: true, format: 'json', signal: never })) {
      times.push(performance.now() - sent);
      if (batch.count > 0) next.resolve();
    }
    await collected;
    await store.delete(id);
    times.sort((a, b) => a - b);
    const at = (part: number): string => (times[Math.floor(times.length * part)] ?? Number.NaN).toFixed(3);
    console.log(`  ${name.padEnd(34)} median ${at(0.5)} ms, p99 ${at(0.99)} ms`);
  }
}

const stores = new Map<string, LogStore>([
  ['inline', createInlineLogStore({ directory: join(directory, 'inline') })],
  ['threaded', createThreadedLogStore({ directory: join(directory, 'threaded'), threads: 1 })],
]);
try {
  await writing(stores, '1,000,000 lines (6.9 MB)', sequence, 5);
  await writing(stores, '100 MB of 100-byte lines', large, 3);
  await tiny(stores);
  await reading(stores);
  await following(stores);
  console.log('masking 20 secrets of mixed kinds, threaded');
  for (const { name, measured, baseline } of await maskedLogs()) console.log(`  ${name}: ${measured} (${baseline})`);
  console.log(
    `memory ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB, of which the output itself ${((sequence.length + large.length) / 1e6).toFixed(0)} MB`,
  );
} finally {
  for (const store of stores.values()) await store.close();
  rmSync(directory, { recursive: true });
}
