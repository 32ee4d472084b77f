import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BoundedLogs, type BoundedReadRequest } from './bounded-logs.ts';
import { createInlineLogStore, createThreadedLogStore } from './create-log-store.ts';
import { logPaths } from './log-files.ts';
import type { LogBatch, LogStore } from './log-store.ts';
import { MASKING, maskedLines, maskedPieces, TRACES } from './masked-source.fixture.ts';
import { LiveSource, never, piece, type TestPiece, testSource } from './test-source.ts';

const KIB = 1024;
const REPLAY = { replay: true };
const stores = {
  inline: (directory: string): LogStore => createInlineLogStore({ directory }),
  threaded: (directory: string): LogStore => createThreadedLogStore({ directory, threads: 2 }),
};

const numbered = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`);
const pieces = (lines: readonly string[]): TestPiece[] => lines.map((line) => piece(line));
const textOf = (batch: LogBatch): string =>
  batch.format === 'lines'
    ? Buffer.from(batch.text).toString()
    : (JSON.parse(Buffer.from(batch.json).toString()) as { lines: { text: string }[] }).lines.map(({ text }) => `${text}\n`).join('');

describe.each(Object.entries(stores))('bounded logs, %s', (_name, create) => {
  let directory: string;
  let store: LogStore;
  let made = 0;
  const bounded = (maxBytes: number): BoundedLogs => new BoundedLogs({ logs: store, directory, maxBytes, setting: 'a.setting' });
  // Of so many characters, as those of starts are.
  const log = (): string => `01900000-0000-7000-8000-${String(made++).padStart(12, '0')}`;
  async function* batches(logs: BoundedLogs, uid: string, request: Partial<BoundedReadRequest> = {}): AsyncGenerator<LogBatch> {
    yield* logs.read(uid, { follow: false, format: 'lines', signal: never, ...request });
  }
  async function read(...given: Parameters<typeof batches>): Promise<string> {
    let text = '';
    for await (const batch of batches(...given)) text += textOf(batch);
    return text;
  }
  const filesOf = (uid: string): string[] => {
    const folder = join(directory, uid.slice(-2));
    return existsSync(folder)
      ? readdirSync(folder)
          .filter((file) => file.includes(uid))
          .map((file) => join(folder, file))
      : [];
  };
  const sizeOf = (uid: string): number => filesOf(uid).reduce((sum, file) => sum + statSync(file).size, 0);

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'gofer-logs-'));
    store = create(directory);
  });
  afterAll(async () => {
    await store.close();
    rmSync(directory, { recursive: true });
  });

  test('keep all of a log that is small enough, in one piece', async () => {
    const uid = log();
    const logs = bounded(64 * KIB);
    await logs.note(uid, 'begun');
    await logs.collect(uid, testSource(pieces(numbered(0, 20))), never, REPLAY);
    expect(await read(logs, uid)).toBe(['begun\n', ...numbered(0, 20)].join(''));
    expect(await logs.stat(uid)).toMatchObject({ lines: 21, dropped: 0, live: false, seal: { complete: true } });
    expect(filesOf(uid)).toHaveLength(2);
    await logs.delete(uid);
    expect(filesOf(uid)).toEqual([]);
    await expect(logs.stat(uid)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('say exactly how much was dropped, and have what came last', async () => {
    const uid = log();
    const logs = bounded(64 * KIB);
    await logs.collect(uid, testSource(pieces(numbered(0, 30_000))), never, { replay: false });
    expect(sizeOf(uid)).toBeLessThan(80 * KIB);
    const { dropped, lines } = await logs.stat(uid);
    expect(dropped + lines).toBe(30_000);
    expect(lines).toBeGreaterThan(500);
    const notice = `${dropped} lines were dropped here: this log is kept to the last 65536 bytes (a.setting)\n`;
    const kept = [notice, ...numbered(dropped, 30_000)];
    for (const format of ['lines', 'json'] as const) expect(await read(logs, uid, { format })).toBe(kept.join(''));
    // Across several segments, and without the notice where it is not asked for that far.
    for (const tail of [0, 1, 300, lines]) expect(await read(logs, uid, { tail })).toBe(numbered(30_000 - tail, 30_000).join(''));
    expect(await read(logs, uid, { tail: lines + 1 })).toBe(kept.join(''));
    await logs.delete(uid);
    expect(filesOf(uid)).toEqual([]);
  });

  test('go on behind any cursor, and tell of what was dropped since', async () => {
    const uid = log();
    const logs = bounded(256 * KIB);
    const source = new LiveSource();
    const collected = logs.collect(uid, source.open, never, { replay: false });
    source.push(numbered(0, 10).join(''));
    const live = batches(logs, uid, { follow: true, format: 'json', cursorPrefix: 'mine-' });
    const first = (await live.next()).value as LogBatch;
    await live.return(undefined);
    expect(first.format === 'json' && JSON.parse(Buffer.from(first.json).toString())).toMatchObject({ cursor: `mine-${first.cursor}` });
    for (let from = 10; from < 50_010; from += 1000) source.push(numbered(from, from + 1000).join(''));
    source.end();
    await collected;
    const { dropped } = await logs.stat(uid);
    expect(dropped).toBeGreaterThan(10);
    const rest = await read(logs, uid, { after: first.cursor });
    expect(rest).toMatch(new RegExp(`^${dropped - first.count} lines were dropped here`, 'u'));
    let last = '';
    let told = '';
    const all: LogBatch[] = [];
    for await (const batch of batches(logs, uid)) all.push(batch);
    for (const batch of all.slice(0, 3)) [last, told] = [batch.cursor, told + textOf(batch)];
    const everything = all.map(textOf).join('');
    expect(told + (await read(logs, uid, { after: last }))).toBe(everything);
    expect(await read(logs, uid, { after: all[0]?.cursor ?? '' })).toBe(numbered(dropped, 50_010).join(''));
    for (const after of ['', 'x', '5', '999999999.', `${dropped}.1.1.1.1`]) {
      await expect(read(logs, uid, { after })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
  });

  test('are followed while they are cut, by a fast reader without a gap and by a slow one that is told of it', async () => {
    const uid = log();
    const logs = bounded(64 * KIB);
    const source = new LiveSource();
    const collected = logs.collect(uid, source.open, never, { replay: false });
    source.push('line 0\n');
    const slow = batches(logs, uid, { follow: true });
    let seen = textOf((await slow.next()).value as LogBatch);
    const fast = read(logs, uid, { follow: true });
    for (let from = 1; from < 20_001; from += 1000) source.push(numbered(from, from + 1000).join(''));
    source.end();
    await collected;
    for await (const batch of slow) seen += textOf(batch);
    for (const text of [seen, await fast]) {
      let next = 0;
      for (const line of text.trimEnd().split('\n')) {
        const gap = /^(\d+) lines? w(?:as|ere) dropped here/.exec(line);
        if (gap === null) expect(line).toBe(`line ${next}`);
        next += gap === null ? 1 : Number(gap[1]);
      }
      expect(next).toBe(20_001);
    }
    expect(seen).toContain('dropped here');
  });

  test('are not looked for in their folder, which is that of many, while they are collected', async () => {
    const uid = log();
    const logs = bounded(64 * KIB);
    const source = new LiveSource();
    const collected = logs.collect(uid, source.open, never, { replay: false });
    for (let from = 0; from < 5000; from += 1000) source.push(numbered(from, from + 1000).join(''));
    source.push('the last line\n');
    for await (const batch of batches(logs, uid, { follow: true })) if (textOf(batch).endsWith('the last line\n')) break;
    const told = await logs.stat(uid);
    expect(told.dropped + told.lines).toBe(5001);
    const folder = join(directory, uid.slice(-2));
    renameSync(folder, `${folder}-elsewhere`);
    const withoutFolder = await logs.stat(uid);
    renameSync(`${folder}-elsewhere`, folder);
    expect(withoutFolder).toMatchObject({ dropped: told.dropped, lines: told.lines });
    source.end();
    await collected;
  });

  test('cut neither lines nor secrets, and nothing of these is on the disk', async () => {
    const uid = log();
    const maxBytes = 720 * KIB;
    await bounded(maxBytes).collect(uid, testSource(maskedPieces(120, 7)), never, { replay: false, masking: MASKING });
    expect(filesOf(uid).length).toBeGreaterThan(4);
    const text = await read(bounded(maxBytes), uid);
    for (const stream of ['stdout', 'stderr']) {
      const { kept } = maskedLines(120, stream);
      // The lines of secrets are the same on both, so only where the others stand is compared.
      const own = (lines: string): string[] => lines.split('\n').filter((line) => line.startsWith(stream));
      expect(own(text)).toEqual(own(kept));
    }
    expect(text.split('[redacted]').length - 1).toBe(2 * (maskedLines(120, 'stdout').kept.split('[redacted]').length - 1));
    for (const file of filesOf(uid))
      for (const trace of TRACES) expect([trace, readFileSync(file).includes(trace)]).toEqual([trace, false]);
  });

  test('a line that never ends is cut too', async () => {
    const uid = log();
    const logs = bounded(8 * 1024 * KIB);
    const endless = Array.from({ length: 40 }, () => piece('x'.repeat(1024 * KIB)));
    await logs.collect(uid, testSource(endless), never, { replay: false });
    expect(sizeOf(uid)).toBeLessThan(12 * 1024 * KIB);
    expect((await logs.stat(uid)).dropped).toBeGreaterThan(20);
  });

  test.each([
    ['64 KiB', 64 * KIB, 5, 1024 * KIB],
    ['one byte', 1, 20_000, 2048 * KIB],
  ])('a line that comes in pieces of %s stays whole', { timeout: 30_000 }, async (_size, bytes, count, maxBytes) => {
    const uid = log();
    const logs = bounded(maxBytes);
    const long = Array.from({ length: count }, (_, index) => String(index % 10).repeat(bytes));
    const source = [...long, '\n', ...numbered(0, 10)];
    expect(await logs.collect(uid, testSource(pieces(source)), never, { replay: false })).toMatchObject({ complete: true });
    expect(await logs.stat(uid)).toMatchObject({ lines: 11, dropped: 0 });
    expect(await read(logs, uid)).toBe(source.join(''));
  });

  test('a line that is longer than the log may be goes with its like, and the rest is there', async () => {
    const uid = log();
    const logs = bounded(1024 * KIB);
    const long = Array.from({ length: 40 }, () => 'x'.repeat(64 * KIB));
    const source = pieces([...long, '\n', ...numbered(0, 10)]);
    expect(await logs.collect(uid, testSource(source), never, { replay: false })).toMatchObject({ complete: true });
    // In pieces of 1 MiB, each of them a line.
    expect(await logs.stat(uid)).toMatchObject({ lines: 10, dropped: 3 });
    expect(await read(logs, uid, { tail: 10 })).toBe(numbered(0, 10).join(''));
  });

  test('a long line that is not complete does not have the other stream cut at each of its lines', async () => {
    const uid = log();
    const logs = bounded(1024 * KIB);
    const half = Array.from({ length: 8 }, () => piece('x'.repeat(64 * KIB)));
    await logs.collect(uid, testSource([...half, ...numbered(0, 1000).map((line) => piece(line, 'stderr'))]), never, { replay: false });
    expect(await read(logs, uid, { tail: 1001 })).toBe([...numbered(0, 1000), 'x'.repeat(512 * KIB)].join(''));
  });

  test('count the words of ours among the lines, whenever they come', async () => {
    const uid = log();
    const logs = bounded(64 * KIB);
    const notes: Promise<void>[] = [];
    await logs.note(uid, 'begun');
    const source = testSource(pieces(numbered(0, 6000)));
    await logs.collect(
      uid,
      async function* (after, signal) {
        for await (const each of source(after, signal)) {
          notes.push(logs.note(uid, 'a word'));
          yield each;
        }
      },
      never,
      { replay: false },
    );
    const written = (await Promise.allSettled(notes)).filter(({ status }) => status === 'fulfilled').length;
    const { lines, dropped } = await logs.stat(uid);
    expect(lines + dropped).toBe(6001 + written);
    let next = dropped;
    for await (const { firstLine, count } of batches(logs, uid)) {
      expect(firstLine).toBe(next);
      next += count;
    }
    expect(next).toBe(6001 + written);
  });

  test('go on with a log that was sealed, where its source goes on', async () => {
    const uid = log();
    const logs = bounded(64 * KIB);
    // Also behind one that has no line at all.
    await logs.seal(uid, 'nothing could be read');
    for (const lines of [0, 100, 2000, 2000, 2500, 2500]) {
      await logs.collect(uid, testSource(pieces(numbered(0, lines))), never, { replay: false });
      const { dropped, lines: kept } = await logs.stat(uid);
      expect(dropped + kept).toBe(lines);
      if (kept > 0) expect(await read(logs, uid, { tail: kept })).toBe(numbered(dropped, lines).join(''));
    }
  });

  test('go on with a log of which only what was sealed is left, without a gap and with no secret on the disk', async () => {
    const uid = log();
    const logs = bounded(1440 * KIB);
    const all = maskedPieces(120, 7);
    const options = { replay: false, masking: MASKING };
    const stop = new AbortController();
    const begun = logs.collect(
      uid,
      async function* (after, signal) {
        yield* testSource(all.slice(0, all.length * 0.6))(after, signal);
        stop.abort();
      },
      stop.signal,
      options,
    );
    await expect(begun).rejects.toMatchObject({ code: 'CANCELLED' });
    const { dropped } = await logs.stat(uid);
    const firsts = filesOf(uid).map((file) => Number(file.slice(file.lastIndexOf('/') + 1, -uid.length - '-.idx'.length)));
    expect([dropped, new Set(firsts).size > 1]).toEqual([0, true]);
    for (const file of filesOf(uid)) if (file.includes(`/${Math.max(...firsts)}-`)) rmSync(file);
    await logs.collect(uid, testSource(all), never, options);
    const text = await read(logs, uid);
    const own = (lines: string, stream: string): string[] => lines.split('\n').filter((line) => line.startsWith(stream));
    for (const stream of ['stdout', 'stderr']) expect(own(text, stream)).toEqual(own(maskedLines(120, stream).kept, stream));
    for (const file of filesOf(uid))
      for (const trace of TRACES) expect([trace, readFileSync(file).includes(trace)]).toEqual([trace, false]);
  });

  test('go on where an earlier server has left them, also between two segments', async () => {
    const uid = log();
    const logs = bounded(256 * KIB);
    const source = new LiveSource();
    const stop = new AbortController();
    const lines = pieces(numbered(0, 2500));
    for (const { bytes } of lines) source.push(Buffer.from(bytes).toString());
    source.push('half a ');
    const collected = logs.collect(uid, source.open, stop.signal, { replay: false });
    while (source.opened === 0) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await expect(collected).rejects.toMatchObject({ code: 'CANCELLED' });
    // It died when the next one was written, and before this one was sealed.
    const before = await logs.stat(uid);
    const newest =
      filesOf(uid)
        .toSorted((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs)
        .at(-1) ?? '';
    const id = newest.slice(newest.lastIndexOf('/') + 1, -4);
    const [from, to] = [logPaths(directory, id), logPaths(directory, `${before.dropped + before.lines}-${uid}`)];
    copyFileSync(from.index, to.index);
    copyFileSync(from.data, to.data);
    const whole = [...lines, piece('half a '), piece('line\n')];
    await bounded(256 * KIB).collect(uid, testSource(whole), never, { replay: false });
    expect(await read(logs, uid)).toBe([...numbered(0, 2500), 'half a line\n'].join(''));
  });
});
