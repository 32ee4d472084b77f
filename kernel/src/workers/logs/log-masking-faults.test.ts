import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createInlineLogStore, createThreadedLogStore } from './create-log-store.ts';
import { logPaths } from './log-files.ts';
import { LogKeeper } from './log-keeper.ts';
import type { LogStore } from './log-store.ts';
import { forgettingSource, MASKING, maskedLines, maskedPieces, TRACES } from './masked-source.fixture.ts';
import { never, piece, readLines, testSource } from './test-source.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'gofer-masking-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const options = { replay: false, masking: MASKING };

test('a thread that dies in the middle of a secret takes nothing with it', { timeout: 60_000 }, async () => {
  const store = createThreadedLogStore({ directory, threads: 1 });
  const pieces = maskedPieces(20, 5);
  // In turn after each piece of a few: before, in the middle of and behind secrets.
  const ends = Array.from({ length: 10 }, (_, index) => index * 41 + 3);
  const stops = new Map<number, () => Promise<void>>(
    ends.map((at) => [
      at,
      async () => {
        stops.delete(at);
        expectNoTraces();
        await store.threads[0]?.terminate();
      },
    ]),
  );
  const seal = await store.collect('dying', forgettingSource(pieces, stops), never, options);
  expect(stops.size).toBe(0);
  await expectKept(store, 'dying', 20, seal.lines);
  await store.close();
});

describe('a process that is killed in the middle of a secret', () => {
  test('leaves nothing of it in a file, and loses nothing', { timeout: 60_000 }, async () => {
    const entry = fileURLToPath(new URL('./test-masked-writer.ts', import.meta.url));
    const pieces = maskedPieces(10, 3);
    const held: number[] = [];
    for (const stop of [19, 26, 33, 150]) {
      const child = spawn(process.execPath, [entry, directory, 'killed', '10', '3', String(stop)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const exited = once(child, 'exit');
      child.stdout.once('data', () => child.kill('SIGKILL'));
      await exited;
      expect(child.signalCode).toBe('SIGKILL');
      expectNoTraces();
      held.push(streamsWithin(pieces, stop));
    }
    const store = createInlineLogStore({ directory });
    // What was given to those that were killed is not there any more.
    const left = [...pieces.slice(0, 150).fill(piece('forgotten')), ...pieces.slice(150)];
    const seal = await store.collect('killed', forgettingSource(left, new Map()), never, options);
    await expectKept(store, 'killed', 10, seal.lines);
    expect(seal.complete).toBe(true);
    await store.close();
    // At one of these places at least both streams stood within a secret.
    expect(Math.max(...held)).toBe(2);
  });
});

test('a log torn anywhere is resumed to what its source gave, masked', async () => {
  const store = createInlineLogStore({ directory });
  let made = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 6 }),
      fc.nat({ max: 400 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (size, packed, kept, dataCut, indexCut) => {
        const attemptId = `torn-${made++}`;
        const pieces = maskedPieces(2, size);
        const keeper = new LogKeeper(directory, () => 1);
        await keeper.handle({ kind: 'open', attemptId, masking: MASKING });
        for (let at = 0; at < Math.min(kept, pieces.length); at += packed) {
          const pack = pieces.slice(at, at + packed);
          const marks = pack.map(({ stream, bytes }, index) => ({ stream, time: 1, length: bytes.length, cursor: String(at + index) }));
          await keeper.handle({ kind: 'append', attemptId, bytes: Buffer.concat(pack.map(({ bytes }) => bytes)), marks });
        }
        keeper.close();
        if (kept > 0) {
          const { data, index } = logPaths(directory, attemptId);
          truncateSync(data, Math.floor(statSync(data).size * dataCut));
          truncateSync(index, Math.floor(statSync(index).size * indexCut));
        }
        const seal = await store.collect(attemptId, testSource(pieces), never, { replay: true, masking: MASKING });
        expect(seal.complete).toBe(true);
        await expectKept(store, attemptId, 2, seal.lines);
        await store.delete(attemptId);
      },
    ),
    { numRuns: 150 },
  );
  await store.close();
});

async function expectKept(store: LogStore, id: string, count: number, sealed: number): Promise<void> {
  const lines = await readLines(store, id);
  expect(sealed).toBe(lines.length);
  for (const stream of ['stdout', 'stderr'] as const) {
    expect(lines.map((line) => (line.stream === stream ? line.text : '')).join('')).toBe(maskedLines(count, stream).kept);
  }
  expectNoTraces();
}

/** On how many streams the output before this piece ends within a secret. */
function streamsWithin(pieces: ReturnType<typeof maskedPieces>, stop: number): number {
  let within = 0;
  for (const stream of ['stdout', 'stderr'] as const) {
    const printed = Buffer.concat(pieces.slice(0, stop).map((one) => (one.stream === stream ? one.bytes : Buffer.alloc(0)))).toString();
    if (/=(?!Kronos-Zephyr-Quartz-1742)\S+$|overlap-[a-z-]*$/.test(printed)) within++;
  }
  return within;
}

function expectNoTraces(): void {
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const bytes = readFileSync(join(entry.parentPath, entry.name));
    expect(TRACES.filter((trace) => bytes.includes(trace))).toEqual([]);
  }
}
