/** Parts of a log of 100 MB: its first and last lines, and a search through all of it, each beside `grep -c`, `head` or `tail` on the same file. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogChunk } from '@gofer/contracts';
import type { LineSelection, LogStore } from '../kernel/src/workers/logs/index.ts';
import { createThreadedLogStore } from '../kernel/src/workers/logs/index.ts';
import { median, ms, type Row, timed } from './server/measurement.ts';

const LINES = 1_600_000;
const CHUNK_LINES = 1000;
const ROUNDS = 5;
const never = new AbortController().signal;
const ID = 'searched';

const lineOf = (line: number): string =>
  `2026-01-01T00:00:00.${line} INFO request ${line * 7919} took ${line % 97} ms${line % 100_000 === 7 ? ' and FAILED' : ''}\n`;

/** `CHUNK_LINES` of them, or one, at a time: an index of few records, and one of as many as there can be. */
async function* source(perChunk: number): AsyncGenerator<LogChunk> {
  for (let line = 0; line < LINES; line += perChunk) {
    const text = Array.from({ length: perChunk }, (_, offset) => lineOf(line + offset)).join('');
    yield { stream: 'stdout', time: 1 + Math.floor(line / perChunk), bytes: Buffer.from(text), cursor: String(line) };
  }
}

async function countLines(store: LogStore, select?: LineSelection, onlyFirst = false): Promise<number> {
  let lines = 0;
  for await (const { count } of store.read(ID, {
    follow: false,
    format: 'json',
    signal: never,
    ...(select === undefined ? {} : { select }),
  })) {
    lines += count;
    if (onlyFirst) break;
  }
  return lines;
}

async function medianOf(work: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) times.push((await timed(async () => await work())).ms);
  return median(times);
}

export async function logSearches(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const perChunk of [CHUNK_LINES, 1]) {
    const directory = mkdtempSync(join(tmpdir(), 'gofer-bench-searches-'));
    const store = createThreadedLogStore({ directory, threads: 1 });
    try {
      const { bytes } = await store.collect(ID, () => source(perChunk), never, { replay: true });
      const file = join(directory, ID.slice(-2), `${ID}.log`);
      const about = `${(bytes / 1e6).toFixed(0)} MB, ${perChunk === 1 ? 'each line with a time of its own' : `${perChunk} lines a piece`}`;
      const tool = (name: string, ...argv: string[]) =>
        medianOf(() => execFileSync(name, [...argv, file], { env: { ...process.env, LC_ALL: 'C' }, maxBuffer: 256e6 }));
      const row = async (
        name: string,
        select: LineSelection | undefined,
        expected: number,
        limit: number | undefined,
        baseline: string,
      ) => {
        let found = 0;
        const took = await medianOf(async () => (found = await countLines(store, select, select === undefined)));
        const right = select === undefined ? found > 0 : found === expected;
        rows.push({
          name: `${name} (${about})`,
          measured: `${ms(took)}${right ? '' : ` NOT ${expected} LINES BUT ${found}`}`,
          baseline,
          goal: limit === undefined ? '' : `< ${ms(limit)}`,
          met: right && (limit === undefined || took < limit),
        });
      };
      await row('the first lines', undefined, 0, 100, `${ms(await tool('head', '-n', '100'))} head`);
      await row('the last 100 lines', { tail: 100 }, 100, 100, `${ms(await tool('tail', '-n', '100'))} tail`);
      await row('100 lines in the middle', { lines: { first: 800_000, end: 800_100 } }, 100, 100, '');
      await row('a word', { grep: 'FAILED' }, 16, 1000, `${ms(await tool('grep', '-c', 'FAILED'))} grep -c`);
      await row(
        'an expression with a word in it',
        { grep: 'took \\d+ ms and F' },
        16,
        1000,
        `${ms(await tool('grep', '-cE', 'took [0-9]+ ms and F'))} grep -c`,
      );
      await row('its last 5', { grep: 'FAILED', tail: 5 }, 5, 1000, '');
      await row(
        'an expression without a word',
        { grep: '[A-L]{5}[D]' },
        16,
        undefined,
        `${ms(await tool('grep', '-cE', '[A-L]{5}D'))} grep -c`,
      );
    } finally {
      await store.close();
      rmSync(directory, { recursive: true });
    }
  }
  return rows;
}
