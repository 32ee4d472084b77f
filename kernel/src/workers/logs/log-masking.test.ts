import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createInlineLogStore, createThreadedLogStore } from './create-log-store.ts';
import { logPaths } from './log-files.ts';
import type { LogMasking, LogStore } from './log-store.ts';
import { forgettingSource, MASKING, maskedLines, maskedPieces, TRACES } from './masked-source.fixture.ts';
import { LiveSource, never, piece, readLines, readRaw, rejection, testSource } from './test-source.ts';

const stores = {
  inline: (directory: string): LogStore => createInlineLogStore({ directory }),
  threaded: (directory: string): LogStore => createThreadedLogStore({ directory, threads: 2 }),
};
const key = Buffer.alloc(32, 7);
const TOKEN = 'Kronos-Zephyr-Quartz-1742';
const masking: LogMasking = { values: [TOKEN], key };

describe.each(Object.entries(stores))('masking in the log store, %s', (_name, create) => {
  let directory: string;
  let store: LogStore;
  let made = 0;
  const attempt = (): string => `attempt-${made++}`;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'gofer-masking-'));
    store = create(directory);
  });
  afterAll(async () => {
    await store.close();
    rmSync(directory, { recursive: true });
  });

  test.each([
    ['chunk by chunk', false],
    ['replayed', true],
  ])('both streams, however they are cut, %s', async (_how, replay) => {
    const [out, err] = [maskedLines(30, 'stdout'), maskedLines(30, 'stderr')];
    for (const size of [1, 2, 7, 64, 1000, 100_000]) {
      const id = attempt();
      const seal = await store.collect(id, testSource(maskedPieces(30, size)), never, { replay, masking: MASKING });
      const lines = await readLines(store, id);
      const of = (stream: string): string => lines.map((line) => (line.stream === stream ? line.text : '')).join('');
      expect(of('stdout')).toBe(out.kept);
      expect(of('stderr')).toBe(err.kept);
      const raw = await readRaw(store, id);
      expect(seal).toEqual({
        lines: (out.kept + err.kept).split('\n').length - 1,
        bytes: Buffer.byteLength(out.kept + err.kept),
        sha256: createHash('sha256').update(raw).digest('hex'),
        complete: true,
      });
    }
    expect(tracesIn(directory, TRACES)).toEqual([]);
  });

  test('keeps bytes that are not UTF-8 around a secret', async () => {
    const id = attempt();
    const broken = Buffer.from([0xff, 0xe2, 0x82, 0x0a, 0xc3, 0x00]);
    const output = Buffer.concat([broken, Buffer.from(TOKEN), broken, Buffer.from(TOKEN.slice(0, 9)), broken]);
    await store.collect(id, testSource([...output].map((byte) => piece(Uint8Array.of(byte)))), never, { replay: true, masking });
    expect(await readRaw(store, id)).toEqual(
      Buffer.concat([broken, Buffer.from('[redacted]'), broken, Buffer.from(TOKEN.slice(0, 9)), broken]),
    );
  });

  test('gives out at the end what was held back, as a line where it is one', async () => {
    const id = attempt();
    const seal = await store.collect(id, testSource([piece(`one\n${TOKEN.slice(0, 12)}`)]), never, { replay: false, masking });
    expect(seal).toMatchObject({ lines: 2, complete: true });
    expect((await readRaw(store, id)).toString()).toBe(`one\n${TOKEN.slice(0, 12)}`);
  });

  test('shows a follower a line at once that can be no secret, and a secret when it is whole', async () => {
    const id = attempt();
    const source = new LiveSource();
    const collected = store.collect(id, source.open, never, { replay: false, masking });
    const batches = store.read(id, { follow: true, format: 'json', signal: never })[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => {
      const { value } = await batches.next();
      if (value?.format !== 'json') return undefined;
      return (JSON.parse(Buffer.from(value.json).toString()) as { lines: { text: string }[] }).lines.map(({ text }) => text);
    };
    source.push('hello\n');
    expect(await next()).toEqual(['hello']);
    source.push(`see ${TOKEN.slice(0, 10)}`);
    source.push(`${TOKEN.slice(10)}\n`);
    expect(await next()).toEqual(['see [redacted]']);
    source.end();
    expect(await batches.next()).toMatchObject({ done: true });
    expect(await collected).toMatchObject({ lines: 2 });
  });

  test('a value of 1 MiB', async () => {
    const id = attempt();
    const value = Array.from({ length: 40_000 }, (_, index) => `${index}:${(index * 7919).toString(36).padStart(20, '.')}`).join('\n');
    const output = Buffer.from(`begin\n${value}\n${encodeURIComponent(value)}\nend\n`);
    const pieces = Array.from({ length: Math.ceil(output.length / 65_536) }, (_, index) =>
      piece(output.subarray(index * 65_536, (index + 1) * 65_536)),
    );
    await store.collect(id, testSource(pieces), never, { replay: true, masking: { values: [value], key } });
    expect((await readRaw(store, id)).toString()).toBe(`begin\n${'[redacted]\n'.repeat(40_001)}end\n`);
  });

  test('goes on in the middle of a secret with what a source does not give again', async () => {
    const id = attempt();
    const pieces = `a ${TOKEN} b ${TOKEN}${TOKEN}\n`.split('').map((one) => piece(one));
    const controllers = [5, 9, 20, 40, 55, 56, 70].map((at) => ({ at, controller: new AbortController() }));
    const stops = new Map(controllers.map(({ at, controller }) => [at, () => Promise.resolve(controller.abort())]));
    const open = forgettingSource(pieces, stops);
    for (const { controller } of controllers) {
      expect(await rejection(store.collect(id, open, controller.signal, { replay: false, masking }))).toBe('CANCELLED');
      expect(tracesIn(directory, ['Kron', 'os-Z'], id)).toEqual([]);
    }
    expect(await store.collect(id, open, never, { replay: false, masking })).toMatchObject({ lines: 1, complete: true });
    expect((await readRaw(store, id)).toString()).toBe('a [redacted] b [redacted]\n');
  });

  test('takes other values for what is held back', async () => {
    const id = attempt();
    await interrupt(id, [piece(TOKEN.slice(0, 10))]);
    const options = { replay: false, masking: { values: ['other-value'], key } };
    await store.collect(id, testSource([piece('never again'), piece(' other-value\n')]), never, options);
    expect((await readRaw(store, id)).toString()).toBe(`${TOKEN.slice(0, 10)} [redacted]\n`);
  });

  test('refuses to go on without masking, or without the key of what is held back', async () => {
    const id = attempt();
    await interrupt(id, [piece('one\n'), piece(`a ${TOKEN.slice(0, 10)}`)]);
    const rest = testSource([piece('never again'), piece('never again'), piece(`${TOKEN.slice(10)}\n`)]);
    expect(await rejection(store.collect(id, rest, never, { replay: false }))).toBe('FAILED_PRECONDITION');
    const other = { values: masking.values, key: Buffer.alloc(32, 8) };
    expect(await rejection(store.collect(id, rest, never, { replay: false, masking: other }))).toBe('FAILED_PRECONDITION');
    expect(await store.stat(id)).toMatchObject({ lines: 1, bytes: 4, live: false });
    // Nothing has been lost by it.
    expect(await store.collect(id, rest, never, { replay: false, masking })).toMatchObject({ lines: 2, complete: true });
    expect((await readRaw(store, id)).toString()).toBe('one\na [redacted]\n');
  });

  test('refuses to go on without masking where nothing is held back', async () => {
    const id = attempt();
    await interrupt(id, [piece('one\n')]);
    const rest = testSource([piece('never again'), piece(`${TOKEN}\n`)]);
    expect(await rejection(store.collect(id, rest, never, { replay: true }))).toBe('FAILED_PRECONDITION');
    const other = { values: masking.values, key: Buffer.alloc(32, 8) };
    expect(await store.collect(id, rest, never, { replay: true, masking: other })).toMatchObject({ lines: 2, complete: true });
    expect((await readRaw(store, id)).toString()).toBe('one\n[redacted]\n');
  });

  test('begins to mask a log that was begun without', async () => {
    const id = attempt();
    const controller = new AbortController();
    const open = forgettingSource([piece('one\n'), piece(`${TOKEN}\n`)], new Map([[1, () => Promise.resolve(controller.abort())]]));
    expect(await rejection(store.collect(id, open, controller.signal, { replay: false }))).toBe('CANCELLED');
    expect(await store.collect(id, open, never, { replay: false, masking })).toMatchObject({ lines: 2, complete: true });
    expect((await readRaw(store, id)).toString()).toBe('one\n[redacted]\n');
  });

  test('says in the seal that what was held back is missing', async () => {
    const id = attempt();
    await interrupt(id, [piece(`a ${TOKEN.slice(0, 10)}`)]);
    const seal = await store.seal(id, 'the source is lost');
    expect(seal).toMatchObject({ lines: 1, bytes: 2, complete: false });
    expect(seal.problem).toMatch(/the source is lost; .*stdout.*key/);
    const other = attempt();
    await interrupt(other, [piece(`a ${TOKEN} b\n`)]);
    expect(await store.seal(other)).toMatchObject({ lines: 1, complete: true });
  });

  test('refuses a key of another length, and does not repeat it', async () => {
    const wrong = { values: masking.values, key: Buffer.from('too-short-a-key') };
    await expect(store.collect(attempt(), testSource([]), never, { replay: true, masking: wrong })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.not.stringMatching(/too-short|Kronos/),
    });
  });

  test('does not mask the words of Gofer, and leaves them where they are', async () => {
    const id = attempt();
    await store.note(id, `about ${TOKEN}`);
    await store.collect(id, testSource([piece(`about ${TOKEN}\n`)]), never, { replay: true, masking });
    expect((await readRaw(store, id)).toString()).toBe(`about ${TOKEN}\nabout [redacted]\n`);
  });

  test('masking for nothing keeps the output as it is', async () => {
    const id = attempt();
    await store.collect(id, testSource(maskedPieces(3, 5)), never, { replay: true, masking: { values: ['', 'short'], key } });
    const { printed } = maskedLines(3, 'stdout');
    expect((await readLines(store, id)).filter(({ stream }) => stream === 'stdout').map(({ text }) => text)).toEqual(
      printed.split(/(?<=\n)/),
    );
  });

  test('counts who reads a log', async () => {
    const id = attempt();
    await store.collect(id, testSource([piece('one\ntwo\n')]), never, { replay: true });
    expect(store.readers(id)).toBe(0);
    const lines = store.read(id, { follow: true, format: 'lines', signal: never })[Symbol.asyncIterator]();
    const { stream } = await store.raw(id);
    const { stream: destroyed } = await store.raw(id);
    await lines.next();
    expect(store.readers(id)).toBe(3);
    expect(store.readers('another')).toBe(0);
    await lines.return?.();
    expect(store.readers(id)).toBe(2);
    for await (const part of stream) expect(part).toBeDefined();
    destroyed.destroy();
    await closed(stream);
    await closed(destroyed);
    expect(store.readers(id)).toBe(0);
    expect(await rejection(store.raw(id, { start: 99 }))).toBe('INVALID_ARGUMENT');
    expect(await rejection(readLines(store, 'none-there'))).toBe('NOT_FOUND');
    expect([store.readers(id), store.readers('none-there')]).toEqual([0, 0]);
  });

  /** Collects these pieces and is cancelled when the next one is asked for. */
  async function interrupt(id: string, pieces: Parameters<typeof testSource>[0]): Promise<void> {
    const controller = new AbortController();
    const stops = new Map([[pieces.length, () => Promise.resolve(controller.abort())]]);
    const open = forgettingSource([...pieces, piece('never given')], stops);
    expect(await rejection(store.collect(id, open, controller.signal, { replay: false, masking }))).toBe('CANCELLED');
  }
});

async function closed(stream: { readonly closed: boolean; once(event: 'close', listener: () => void): unknown }): Promise<void> {
  if (!stream.closed) await new Promise<void>((resolve) => stream.once('close', resolve));
}

/** Which files (of one attempt) contain what must not be in any. */
function tracesIn(directory: string, traces: readonly string[], attemptId?: string): string[] {
  const one = attemptId === undefined ? undefined : Object.values(logPaths(directory, attemptId));
  const files = readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return files.filter((path) => (one?.includes(path) ?? true) && traces.some((trace) => readFileSync(path).includes(trace)));
}
