import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createInlineLogStore, createThreadedLogStore } from './create-log-store.ts';
import type { LogStore } from './log-store.ts';
import { LiveSource, never, piece, readLines, readRaw, rejection, testSource } from './test-source.ts';

const MIB = 1024 * 1024;
const stores = {
  inline: (directory: string): LogStore => createInlineLogStore({ directory }),
  threaded: (directory: string): LogStore => createThreadedLogStore({ directory, threads: 2 }),
};

describe.each(Object.entries(stores))('the log store, %s', (_name, create) => {
  let directory: string;
  let store: LogStore;
  let made = 0;
  const attempt = (): string => `attempt-${made++}`;
  const collect = (id: string, pieces: Parameters<typeof testSource>[0], replay = true): ReturnType<LogStore['collect']> =>
    store.collect(id, testSource(pieces), never, { replay });

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'gofer-logs-'));
    store = create(directory);
  });
  afterAll(async () => {
    await store.close();
    rmSync(directory, { recursive: true });
  });

  test.each([true, false])('keeps a line and seals it (replay %s)', async (replay) => {
    const id = attempt();
    const seal = await collect(id, [piece('hello\n')], replay);
    expect(seal).toEqual({ lines: 1, bytes: 6, sha256: createHash('sha256').update('hello\n').digest('hex'), complete: true });
    expect(await readLines(store, id)).toEqual([{ stream: 'stdout', time: 1, text: 'hello\n' }]);
    expect(await store.stat(id)).toEqual({ bytes: 6, lines: 1, seal, live: false });
  });

  test('keeps the output of a task that prints nothing', async () => {
    const id = attempt();
    expect(await collect(id, [])).toMatchObject({ lines: 0, bytes: 0, complete: true });
    expect(await readLines(store, id, true)).toEqual([]);
    expect(await readRaw(store, id)).toHaveLength(0);
  });

  test('delivers a last line without a newline, of each stream', async () => {
    const id = attempt();
    expect(await collect(id, [piece('out'), piece('err', 'stderr')])).toMatchObject({ lines: 2, bytes: 6 });
    expect((await readLines(store, id)).map(({ stream, text }) => [stream, text])).toEqual([
      ['stdout', 'out'],
      ['stderr', 'err'],
    ]);
  });

  test('does not glue the unfinished lines of two streams together', async () => {
    const id = attempt();
    await collect(id, [piece('a'), piece('x', 'stderr'), piece('b\nc'), piece('y\n', 'stderr'), piece('d\n')]);
    expect((await readRaw(store, id)).toString()).toBe('ab\nxy\ncd\n');
    expect((await readLines(store, id)).map(({ stream }) => stream)).toEqual(['stdout', 'stderr', 'stdout']);
  });

  test('replaces what is not UTF-8 for readers and keeps the bytes', async () => {
    const id = attempt();
    const bytes = Buffer.from([0x61, 0xff, 0x0a, 0xe2, 0x82, 0x0a, 0xe2, 0x82, 0xac, 0x0a]);
    await collect(id, [piece(bytes)]);
    expect((await readLines(store, id)).map(({ text }) => text)).toEqual(['a\uFFFD\n', '\uFFFD\n', '€\n']);
    expect(await readRaw(store, id)).toEqual(bytes);
    expect(await readJson(id)).toEqual(['a\uFFFD', '\uFFFD', '€']);
  });

  test('keeps 10 MB on one line, in pieces', async () => {
    const id = attempt();
    const line = Buffer.alloc(10_000_000, 'abcdefg€');
    line.write('xy\n', line.length - 3);
    const pieces = [];
    for (let at = 0; at < line.length; at += 100_000) pieces.push(piece(line.subarray(at, at + 100_000)));
    const seal = await collect(id, pieces);
    expect(seal).toMatchObject({ lines: 10, bytes: line.length, sha256: createHash('sha256').update(line).digest('hex') });
    const lines = await readLines(store, id);
    expect(lines.map(({ text }) => text.endsWith('\n'))).toEqual([...Array(9).fill(false), true]);
    expect(Buffer.from(lines.map(({ text }) => text).join('')).equals(line)).toBe(true);
    expect((await readJson(id)).join('')).toBe(line.toString().slice(0, -1));
  });

  test('keeps a line over 1 MiB apart from the other stream', async () => {
    const id = attempt();
    const half = 'x'.repeat(MIB * 0.75);
    await collect(id, [piece(half), piece('one\n', 'stderr'), piece(half), piece('two\n', 'stderr'), piece('end\n')]);
    const lines = await readLines(store, id);
    expect(lines.map(({ stream, text }) => [stream, text.length])).toEqual([
      ['stderr', 4],
      ['stdout', MIB],
      ['stderr', 4],
      ['stdout', MIB / 2 + 4],
    ]);
  });

  test('keeps 100 MB', { timeout: 60_000 }, async () => {
    const id = attempt();
    const block = Buffer.alloc(MIB, `${'0123456789'.repeat(6)}abc\n`);
    const seal = await collect(id, Array(100).fill(piece(block)), false);
    expect(seal).toMatchObject({ bytes: 100 * MIB, lines: (100 * MIB) / 64, complete: true });
    expect((await readLines(store, id, false, { line: seal.lines - 1 })).length).toBe(1);
    await store.delete(id);
  });

  test('keeps the words of Gofer beside those of the task', async () => {
    const id = attempt();
    await store.note(id, 'pulling the image');
    await collect(id, [piece('hello\n')]);
    expect((await readLines(store, id)).map(({ stream, text }) => [stream, text])).toEqual([
      ['gofer', 'pulling the image\n'],
      ['stdout', 'hello\n'],
    ]);
    expect(await rejection(store.note(id, 'late'))).toBe('FAILED_PRECONDITION');
  });

  test('seals without a source, once', async () => {
    const id = attempt();
    await store.note(id, 'no such image');
    const seal = await store.seal(id, 'the task was lost');
    expect(seal).toMatchObject({ lines: 1, complete: false, problem: 'the task was lost' });
    expect(await store.seal(id)).toEqual(seal);
    expect(await collect(id, [piece('never read\n')])).toEqual(seal);
  });

  test('shows a follower each line when it comes, and the end', async () => {
    const id = attempt();
    const source = new LiveSource();
    const collected = store.collect(id, source.open, never, { replay: true });
    const batches = store.read(id, { follow: true, format: 'json', signal: never })[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => {
      const { value } = await batches.next();
      return value?.format === 'json' ? linesOfJson(value.json) : undefined;
    };
    const first = next();
    source.push('one\ntw');
    expect(await first).toEqual(['one']);
    expect(await store.stat(id)).toEqual({ bytes: 4, lines: 1, live: true });
    const second = next();
    source.push('o\n');
    expect(await second).toEqual(['two']);
    source.push('three');
    source.end();
    expect(await next()).toEqual(['three']);
    expect(await batches.next()).toMatchObject({ done: true });
    await collected;
  });

  test('gives a follower that joins late everything', async () => {
    const id = attempt();
    const source = new LiveSource();
    const collected = store.collect(id, source.open, never, { replay: false });
    source.push('one\n');
    await until(async () => (await store.stat(id)).lines === 1);
    const lines = readLines(store, id, true);
    source.push('two\n', 'stderr');
    source.end();
    expect((await lines).map(({ text }) => text)).toEqual(['one\n', 'two\n']);
    await collected;
    expect((await readLines(store, id, true)).map(({ text }) => text)).toEqual(['one\n', 'two\n']);
  });

  test('lets a follower that stops reading hold nobody but itself', async () => {
    const id = attempt();
    const source = new LiveSource();
    const collected = store.collect(id, source.open, never, { replay: true });
    const stalled = store.read(id, { follow: true, format: 'lines', signal: never })[Symbol.asyncIterator]();
    source.push('first\n');
    expect((await stalled.next()).value).toMatchObject({ count: 1 });
    const other = readLines(store, id, true);
    const before = process.memoryUsage().rss;
    const block = `${'x'.repeat(99)}\n`.repeat(10_000);
    for (let count = 0; count < 30; count++) source.push(block);
    source.end();
    const seal = await collected;
    expect(await other).toHaveLength(seal.lines);
    expect(process.memoryUsage().rss - before).toBeLessThan(300 * MIB);
    // It goes on where it was.
    expect((await stalled.next()).value).toMatchObject({ firstLine: 1 });
    await stalled.return?.();
  });

  test('reads from a line and from a cursor', async () => {
    const id = attempt();
    const text = Array.from({ length: 50_000 }, (_, line) => `line ${line}\n`);
    const pieces = [];
    for (let at = 0; at < text.length; at += 7_000)
      pieces.push(piece(text.slice(at, at + 7_000).join(''), at % 2 === 0 ? 'stdout' : 'stderr', at));
    await collect(id, pieces);
    for (const line of [0, 1, 6_999, 7_000, 20_001, 49_999]) {
      expect((await readLines(store, id, false, { line }))[0]?.text).toBe(`line ${line}\n`);
    }
    expect(await readLines(store, id, true, { line: 50_000 })).toEqual([]);
    for await (const { firstLine, count, cursor } of store.read(id, { follow: false, format: 'json', signal: never })) {
      expect((await readLines(store, id, false, { cursor }))[0]?.text ?? 'end').toBe(text[firstLine + count] ?? 'end');
    }
  });

  test('refuses what it does not know', async () => {
    const id = attempt();
    await collect(id, [piece('hello\n')]);
    expect(await rejection(store.stat('unknown'))).toBe('NOT_FOUND');
    expect(await rejection(readLines(store, 'unknown'))).toBe('NOT_FOUND');
    expect(await rejection(store.raw('unknown'))).toBe('NOT_FOUND');
    expect(await rejection(store.stat('../etc'))).toBe('INVALID_ARGUMENT');
    expect(await rejection(store.raw(id, { start: 6 }))).toBe('INVALID_ARGUMENT');
    for (const cursor of ['', 'x', '1.2.3', '0.0.0.0', 'e9.0.0.0', 'e8.0.7.0', 'zzzzzz.0.0.0'])
      expect(await rejection(readLines(store, id, false, { cursor }))).toBe('INVALID_ARGUMENT');
  });

  test('gives ranges of the bytes', async () => {
    const id = attempt();
    await collect(id, [piece('hello\nworld\n')]);
    expect((await store.raw(id)).size).toBe(12);
    expect((await readRaw(store, id, { start: 3, end: 7 })).toString()).toBe('lo\nwo');
    expect((await readRaw(store, id, { start: 6 })).toString()).toBe('world\n');
    expect((await readRaw(store, id, { start: 6, end: 99 })).toString()).toBe('world\n');
  });

  test('deletes a log, and tells those who read it', async () => {
    const id = attempt();
    await store.note(id, 'one');
    const reading = store.read(id, { follow: true, format: 'lines', signal: never })[Symbol.asyncIterator]();
    await reading.next();
    const waiting = rejection(reading.next());
    await store.delete(id);
    expect(await waiting).toBe('GONE');
    await store.delete(id);
    expect(await rejection(store.stat(id))).toBe('NOT_FOUND');
    expect(filesOf(id)).toEqual([]);
  });

  test('goes on without a gap or a repetition after a cancelled collect', async () => {
    const id = attempt();
    const source = new LiveSource();
    const controller = new AbortController();
    const first = store.collect(id, source.open, controller.signal, { replay: true });
    source.push('one\ntw');
    source.push('e', 'stderr');
    await until(async () => (await store.stat(id)).lines === 1);
    const follower = readLines(store, id, true);
    expect(await rejection(store.collect(id, source.open, never, { replay: true }))).toBe('FAILED_PRECONDITION');
    controller.abort();
    expect(await rejection(first)).toBe('CANCELLED');
    expect(await store.stat(id)).toEqual({ bytes: 4, lines: 1, live: false });
    source.push('o\n');
    source.end();
    const seal = await store.collect(id, source.open, never, { replay: true });
    expect((await readRaw(store, id)).toString()).toBe('one\ntwo\ne');
    expect(seal.sha256).toBe(createHash('sha256').update('one\ntwo\ne').digest('hex'));
    expect((await follower).map(({ text }) => text)).toEqual(['one\n', 'two\n', 'e']);
  });

  test('passes on the error of a source and leaves the log open', async () => {
    const id = attempt();
    const failing = async function* (): AsyncGenerator<never> {
      yield* [];
      throw new Error('the engine went away');
    };
    await expect(store.collect(id, failing, never, { replay: true })).rejects.toThrow('the engine went away');
    expect(await collect(id, [piece('hello\n')])).toMatchObject({ lines: 1, complete: true });
  });

  test('does not ask a source that forgets for more before the chunk is kept', async () => {
    const id = attempt();
    const kept: number[] = [];
    await store.collect(
      id,
      async function* () {
        for (let index = 0; index < 20; index++) {
          yield { stream: 'stdout', bytes: Buffer.from(`${index}\n`), cursor: String(index) };
          kept.push((await store.stat(id)).lines);
        }
      },
      never,
      { replay: false },
    );
    expect(kept).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  test('cancels a reader', async () => {
    const id = attempt();
    await store.note(id, 'one');
    const controller = new AbortController();
    const reading = store.read(id, { follow: true, format: 'lines', signal: controller.signal })[Symbol.asyncIterator]();
    await reading.next();
    const waiting = rejection(reading.next());
    controller.abort();
    expect(await waiting).toBe('CANCELLED');
    await store.seal(id);
  });

  test('keeps many small logs at once and leaves no file open', async () => {
    const before = readdirSync('/proc/self/fd').length;
    const ids = Array.from({ length: 500 }, attempt);
    const seals = await Promise.all(ids.map((id) => collect(id, [piece(`${id}\n`)], false)));
    expect(seals.every(({ complete, lines }) => complete && lines === 1)).toBe(true);
    expect(readdirSync('/proc/self/fd').length).toBeLessThan(before + 20);
    expect(await readLines(store, ids[321] ?? '')).toMatchObject([{ text: `${ids[321]}\n` }]);
  });

  async function readJson(id: string): Promise<string[]> {
    const texts: string[] = [];
    for await (const batch of store.read(id, { follow: false, format: 'json', signal: never })) {
      if (batch.format === 'json') texts.push(...linesOfJson(batch.json));
    }
    return texts;
  }

  function filesOf(id: string): string[] {
    return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes(`${id}.`));
  }
});

function linesOfJson(json: Uint8Array): string[] {
  const { lines } = JSON.parse(Buffer.from(json).toString()) as { lines: { text: string }[] };
  return lines.map(({ text }) => text);
}

/** Asks once a turn of the event loop until it is so. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let asked = 0; asked < 100_000; asked++) {
    if (await condition()) return;
    await setImmediate();
  }
  throw new Error('it did not come to pass');
}
