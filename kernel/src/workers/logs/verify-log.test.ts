import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createThreadedLogStore } from './create-log-store.ts';
import { SEAL_SLOT_BYTES } from './index-format.ts';
import { logPaths } from './log-files.ts';
import type { LogStore } from './log-store.ts';
import { LiveSource, never, numberedSource, piece, readLines, readRaw, rejection, testSource } from './test-source.ts';

let directory: string;
let store: LogStore;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'gofer-verify-'));
  store = createThreadedLogStore({ directory, threads: 1 });
});
afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

const LINES = 20_000;
const collect = () => store.collect('log', numberedSource(LINES), never, { replay: true });

function overwrite(path: string, at: number, text: string): void {
  const fd = openSync(path, 'r+');
  writeSync(fd, Buffer.from(text), 0, text.length, at);
  closeSync(fd);
}

describe('the check of a log', () => {
  it('says that it is complete, and what the seal says', async () => {
    const seal = await collect();
    const { bytes, lines, sha256 } = seal;
    expect(await store.verify('log')).toEqual({ state: 'complete', bytes, lines, sha256, seal, damages: [] });
    expect(await rejection(store.verify('nothing'))).toBe('NOT_FOUND');
    await store.collect('empty', testSource([]), never, { replay: true });
    expect(await store.verify('empty')).toMatchObject({ state: 'complete', bytes: 0, lines: 0 });
  });

  it('says what never came', async () => {
    await store.note('log', 'something');
    const seal = await store.seal('log', 'the scheduler lost it');
    expect(await store.verify('log')).toMatchObject({ state: 'incomplete', seal, damages: [] });
  });

  it('does not take what is still written for damage', async () => {
    const source = new LiveSource();
    const collected = store.collect('log', source.open, never, { replay: true });
    source.push('one\ntwo\nthr');
    for (let seen = 0; seen < 2; seen = (await store.stat('log')).lines) await new Promise(setImmediate);
    expect(await store.verify('log')).toMatchObject({ state: 'unsealed', bytes: 8, lines: 2, damages: [] });
    source.end();
    await collected;
    expect(await store.verify('log')).toMatchObject({ state: 'complete', bytes: 11, lines: 3 });
  });

  it('names the bytes that were cut off, and readers do not take the rest for the whole', async () => {
    const { bytes } = await collect();
    truncateSync(logPaths(directory, 'log').data, 1000);
    expect(await store.verify('log')).toMatchObject({
      state: 'damaged',
      bytes: 1000,
      damages: [{ kind: 'data_missing', start: 1000, end: bytes }],
    });
    expect((await store.stat('log')).bytes).toBe(1000);
    expect(await readRaw(store, 'log')).toHaveLength(1000);
    expect(await rejection(readLines(store, 'log'))).toBe('DATA_LOSS');
    rmSync(logPaths(directory, 'log').data);
    expect(await store.verify('log')).toMatchObject({ damages: [{ kind: 'data_missing', start: 0, end: bytes }] });
  });

  it('names bytes that were added, and those that were altered as far as the index tells', async () => {
    const { bytes } = await store.collect(
      'log',
      testSource([piece('first\n', 'stdout', 1), piece('second\n', 'stdout', 2), piece('third\n', 'stdout', 3)]),
      never,
      { replay: false },
    );
    const { data } = logPaths(directory, 'log');
    overwrite(data, 7, 'E');
    expect(await store.verify('log')).toMatchObject({ state: 'damaged', damages: [{ kind: 'data_altered', start: 0, end: bytes }] });
    overwrite(data, 7, '\n');
    expect(await store.verify('log')).toMatchObject({ state: 'damaged', damages: [{ kind: 'data_altered', start: 6, end: 13 }] });
    overwrite(data, 7, 'e');
    expect(await store.verify('log')).toMatchObject({ state: 'complete' });
    appendFileSync(data, 'more');
    expect(await store.verify('log')).toMatchObject({ damages: [{ kind: 'data_added', start: bytes, end: bytes + 4 }] });
  });

  it('names the record of the index that cannot be read first', async () => {
    const { bytes } = await collect();
    const { index } = logPaths(directory, 'log');
    const whole = readFileSync(index);
    const size = statSync(index).size;
    overwrite(index, SEAL_SLOT_BYTES + 8, 'XX');
    const damage = { kind: 'index_damaged', start: SEAL_SLOT_BYTES, end: size };
    expect(await store.verify('log')).toMatchObject({ state: 'damaged', bytes, lines: 0, damages: [damage] });
    expect(await rejection(readLines(store, 'log'))).toBe('DATA_LOSS');
    writeFileSync(index, whole.subarray(0, SEAL_SLOT_BYTES));
    expect(await store.verify('log')).toMatchObject({ damages: [{ kind: 'index_damaged', start: SEAL_SLOT_BYTES }] });
    writeFileSync(index, 'no index');
    expect(await store.verify('log')).toMatchObject({ state: 'damaged', damages: [{ kind: 'index_damaged', start: 0 }] });
    rmSync(index);
    expect(await store.verify('log')).toMatchObject({ state: 'damaged', bytes, damages: [{ kind: 'index_damaged' }] });
  });
});
