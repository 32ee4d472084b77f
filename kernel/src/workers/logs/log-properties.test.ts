import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createInlineLogStore } from './create-log-store.ts';
import { logPaths } from './log-files.ts';
import { LogKeeper } from './log-keeper.ts';
import type { LogStore } from './log-store.ts';
import type { TestPiece } from './test-source.ts';
import { chunk, never, readLines, readRaw, testSource } from './test-source.ts';

let directory: string;
let store: LogStore;
let made = 0;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'gofer-logs-'));
  store = createInlineLogStore({ directory });
});
afterAll(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

/** Bytes in which newlines and broken UTF-8 are common. */
const bytes = fc
  .array(fc.constantFrom(10, 10, 65, 66, 0xe2, 0x82, 0xac, 0xff, 0), { minLength: 1, maxLength: 40 })
  .map((all) => Uint8Array.from(all));
const pieces = fc.array(
  fc.record({ stream: fc.constantFrom<'stdout' | 'stderr'>('stdout', 'stderr'), bytes, time: fc.integer({ min: 1, max: 3 }) }),
  { maxLength: 30 },
);

/** The lines of each stream, as they must be read back. */
function expectedLines(all: readonly TestPiece[], stream: 'stdout' | 'stderr'): string[] {
  const whole = Buffer.concat(all.filter((one) => one.stream === stream).map((one) => one.bytes));
  const lines: string[] = [];
  for (let at = 0; at < whole.length; ) {
    const newline = whole.indexOf(10, at);
    const end = newline < 0 ? whole.length : newline + 1;
    lines.push(whole.toString('utf8', at, end));
    at = end;
  }
  return lines;
}

test('whatever the pieces, both streams come back line by line', async () => {
  await fc.assert(
    fc.asyncProperty(pieces, fc.boolean(), async (all, replay) => {
      const id = `property-${made++}`;
      const seal = await store.collect(id, testSource(all), never, { replay });
      const lines = await readLines(store, id);
      for (const stream of ['stdout', 'stderr'] as const) {
        expect(lines.filter((line) => line.stream === stream).map(({ text }) => text)).toEqual(expectedLines(all, stream));
      }
      expect(seal).toMatchObject({ lines: lines.length, complete: true, bytes: all.reduce((sum, one) => sum + one.bytes.length, 0) });
      expect((await readRaw(store, id)).length).toBe(seal.bytes);
      // Any line is found by its number.
      for (let line = 0; line <= lines.length; line++) expect(await readLines(store, id, false, { line })).toEqual(lines.slice(line));
      await store.delete(id);
    }),
    { numRuns: 150 },
  );
});

test('a log torn anywhere is resumed to what its source gave', async () => {
  await fc.assert(
    fc.asyncProperty(
      pieces,
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (all, dataCut, indexCut) => {
        const id = `torn-${made++}`;
        const keeper = new LogKeeper(directory, () => 1);
        for (const [index, one] of all.entries()) {
          const { bytes: output, stream, cursor } = chunk(index, one.stream, one.bytes);
          await keeper.handle({
            kind: 'append',
            attemptId: id,
            bytes: output,
            marks: [{ stream, time: one.time ?? 1, length: output.length, cursor }],
          });
        }
        keeper.close();
        if (all.length > 0) {
          const { data, index } = logPaths(directory, id);
          truncateSync(data, Math.floor(statSync(data).size * dataCut));
          truncateSync(index, Math.floor(statSync(index).size * indexCut));
        }
        await store.collect(id, testSource(all), never, { replay: true });
        const lines = await readLines(store, id);
        for (const stream of ['stdout', 'stderr'] as const) {
          expect(lines.filter((line) => line.stream === stream).map(({ text }) => text)).toEqual(expectedLines(all, stream));
        }
        await store.delete(id);
      },
    ),
    { numRuns: 150 },
  );
});

test('a reader that goes on from every batch misses nothing and repeats nothing', async () => {
  const id = 'cursors';
  const all: TestPiece[] = Array.from({ length: 3000 }, (_, index) => ({
    stream: index % 3 === 0 ? 'stderr' : 'stdout',
    time: index,
    bytes: Buffer.from(`${'x'.repeat((index * 37) % 400)}${index % 5 === 0 ? '' : '\n'}`.repeat((index % 4) + 1) || '\n'),
  }));
  await store.collect(id, testSource(all), never, { replay: true });
  const lines = await readLines(store, id);
  const again: string[] = [];
  for (let cursor: string | undefined; ; ) {
    const start = cursor === undefined ? {} : { from: { cursor } };
    const batches = store.read(id, { follow: false, format: 'json', signal: never, ...start })[Symbol.asyncIterator]();
    const { value } = await batches.next();
    await batches.return?.();
    if (value?.format !== 'json') break;
    expect(value.firstLine).toBe(again.length);
    const json = JSON.parse(Buffer.from(value.json).toString()) as { cursor: string; lines: { text: string }[] };
    expect(json.cursor).toBe(value.cursor);
    again.push(...json.lines.map(({ text }) => text));
    cursor = value.cursor;
  }
  expect(again).toEqual(lines.map(({ text }) => text.replace(/\n$/, '')));
});
