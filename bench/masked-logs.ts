/** What masking the values of secrets costs while a log is collected: the same output with 20 secrets and with none, in turn. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogChunk } from '@gofer/contracts';
import type { LogMasking, LogStore } from '../kernel/src/workers/logs/index.ts';
import { createThreadedLogStore, MASK } from '../kernel/src/workers/logs/index.ts';
import { inParallel, median, ms, type Row, timed } from './server/measurement.ts';

const LINES = 1_000_000;
const CHUNK_BYTES = 64 * 1024;
const SMALL_LOGS = 1000;
const never = new AbortController().signal;

/** Tokens, keys in hex, pass phrases with what has to be encoded, and keys of several lines. */
function mixedSecrets(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const kind = index % 4;
    if (kind === 0) return `ghp_${randomBytes(27).toString('base64url')}`;
    if (kind === 1) return randomBytes(20).toString('hex');
    if (kind === 2) return `p@ss wörd/${index} "${randomBytes(6).toString('base64')}"`;
    return Array.from({ length: 26 }, () => randomBytes(48).toString('base64')).join('\n');
  });
}

async function* source(all: Buffer): AsyncGenerator<LogChunk> {
  for (let at = 0; at < all.length; at += CHUNK_BYTES) {
    const end = Math.min(at + CHUNK_BYTES, all.length);
    yield { stream: 'stdout', time: 1, bytes: all.subarray(at, end), cursor: String(end) };
  }
}

class Bench {
  readonly #store: LogStore;
  #made = 0;

  constructor(store: LogStore) {
    this.#store = store;
  }

  async collect(all: Buffer, replay: boolean, masking?: LogMasking): Promise<string> {
    const id = `masked-${this.#made++}`;
    const { sha256 } = await this.#store.collect(id, () => source(all), never, masking ? { replay, masking } : { replay });
    await this.#store.delete(id);
    return sha256;
  }

  /** Both in turn, so that what else the machine does meets both; the median of each, after one that warms up. */
  async compare(plain: () => Promise<unknown>, masked: () => Promise<unknown>, rounds: number): Promise<{ plain: number; masked: number }> {
    const times = { plain: [] as number[], masked: [] as number[] };
    for (let round = 0; round <= rounds; round++) {
      const [one, other] = [await timed(plain), await timed(masked)];
      if (round === 0) continue;
      times.plain.push(one.ms);
      times.masked.push(other.ms);
    }
    return { plain: median(times.plain), masked: median(times.masked) };
  }
}

export async function maskedLogs(): Promise<Row[]> {
  const directory = mkdtempSync(join(tmpdir(), 'gofer-bench-masking-'));
  const store = createThreadedLogStore({ directory, threads: 1 });
  const bench = new Bench(store);
  const masking = { values: mixedSecrets(20), key: randomBytes(32) };
  const short = Buffer.from(Array.from({ length: LINES }, (_, line) => `${line + 1}\n`).join(''));
  const usual = Buffer.from(
    Array.from({ length: LINES }, (_, line) => `2026-01-01T00:00:00.${line} INFO request ${line * 7919} took ${line % 97} ms\n`).join(''),
  );
  const tokens = masking.values.filter((value) => !value.includes('\n'));
  const secret = Buffer.from(Array.from({ length: LINES }, (_, line) => `line ${line} token=${tokens[line % tokens.length]}\n`).join(''));
  const rows: Row[] = [];
  const row = (name: string, { plain, masked }: { plain: number; masked: number }, goal: number | undefined, right = true): void => {
    const speed = plain / masked;
    rows.push({
      name,
      measured: `${ms(masked)}, ${(100 * speed).toFixed(0)} % of the speed${right ? '' : ' NOT MASKED'}`,
      baseline: `${ms(plain)} without secrets`,
      goal: goal === undefined ? '' : `≥ ${100 * goal} %`,
      met: right && (goal === undefined || speed >= goal),
    });
  };
  const measure = async (name: string, all: Buffer, replay: boolean, goal: number | undefined, expected = all): Promise<void> => {
    let right = true;
    const sha256 = createHash('sha256').update(expected).digest('hex');
    const masked = async (): Promise<void> => {
      if ((await bench.collect(all, replay, masking)) !== sha256) right = false;
    };
    row(name, await bench.compare(() => bench.collect(all, replay), masked, 5), goal, right);
  };
  try {
    await measure('1,000,000 short lines (6.9 MB), 20 secrets, replayed source', short, true, 0.5);
    await measure('the same, chunk by chunk', short, false, 0.5);
    await measure('1,000,000 usual lines (57 MB), 20 secrets, replayed source', usual, true, 0.5);
    const hidden = Buffer.from(Array.from({ length: LINES }, (_, line) => `line ${line} token=${MASK}\n`).join(''));
    await measure('1,000,000 lines with a secret in each (50 MB), replayed source', secret, true, undefined, hidden);
    const small = Buffer.from('hello from a small task\n');
    const many = (options?: LogMasking) => () => inParallel(SMALL_LOGS, 64, () => bench.collect(small, false, options));
    row(`${SMALL_LOGS} logs of one line that share 20 secrets, 64 at a time`, await bench.compare(many(), many(masking), 3), undefined);
    // Each time another, as what is made ready for one is kept while it is in use.
    const large = Array.from({ length: 4 }, () => Array.from({ length: 16_000 }, () => randomBytes(48).toString('base64')).join('\n'));
    const one = await bench.compare(
      () => bench.collect(small, false),
      () => bench.collect(small, false, { values: large.splice(0, 1), key: masking.key }),
      3,
    );
    const name = 'a log of one line with a new secret of 1 MiB in 16,000 lines';
    rows.push({ name, measured: ms(one.masked), baseline: `${ms(one.plain)} without secrets`, goal: '', met: true });
    return rows;
  } finally {
    await store.close();
    rmSync(directory, { recursive: true });
  }
}
