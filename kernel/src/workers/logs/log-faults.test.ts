import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createInlineLogStore, createThreadedLogStore } from './create-log-store.ts';
import { LiveSource, never, numberedSource, numberedText, piece, readLines, readRaw, rejection, testSource } from './test-source.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'gofer-logs-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

describe('a thread that dies', () => {
  test.each([true, false])('is replaced, and what it was doing goes on (replay %s)', { timeout: 60_000 }, async (replay) => {
    const deaths: Error[] = [];
    const store = createThreadedLogStore({ directory, threads: 1, onThreadDeath: (error) => deaths.push(error) });
    const id = `death-${replay}`;
    const lines = replay ? 400_000 : 100_000;
    const collected = store.collect(id, numberedSource(lines), never, { replay });
    const ends = [0, 0.1, 0.2, 0.4, 0.6].map((part) => part * lines);
    let followed = 0;
    // Each batch may be answered by another thread: they must follow each other all the same.
    for await (const { firstLine, count } of store.read(id, { follow: true, format: 'json', signal: never })) {
      expect(firstLine).toBe(followed);
      followed += count;
      if (followed <= (ends[0] ?? lines)) continue;
      ends.shift();
      await store.threads[0]?.terminate();
    }
    expect(await collected).toMatchObject({ lines, complete: true });
    expect(followed).toBe(lines);
    expect((await readRaw(store, id)).toString() === numberedText(lines)).toBe(true);
    await store.close();
    expect(ends).toEqual([]);
    expect(deaths.length).toBeLessThanOrEqual(5);
  });

  test('while nothing is said is noticed by nobody', async () => {
    const store = createThreadedLogStore({ directory, threads: 1 });
    const source = new LiveSource();
    const collected = store.collect('quiet', source.open, never, { replay: true });
    source.push('one\n');
    const followed = readLines(store, 'quiet', true);
    for (let seen = 0; seen < 1; seen = (await store.stat('quiet')).lines) await setImmediate();
    await store.threads[0]?.terminate();
    source.push('two\n');
    source.end();
    expect(await collected).toMatchObject({ lines: 2, complete: true });
    expect((await followed).map(({ text }) => text)).toEqual(['one\n', 'two\n']);
    await store.close();
  });

  test('leaves nothing running when the store is closed', async () => {
    const store = createThreadedLogStore({ directory, threads: 2 });
    const source = new LiveSource();
    const collected = rejection(store.collect('open', source.open, never, { replay: true }));
    source.push('one\n');
    for (let seen = 0; seen < 1; seen = (await store.stat('open')).lines) await setImmediate();
    const followed = rejection(readLines(store, 'open', true));
    await setImmediate();
    await store.close();
    await store.close();
    expect(await collected).toBe('CANCELLED');
    expect(await followed).toBe('CANCELLED');
    expect(await rejection(store.stat('open'))).toBe('UNAVAILABLE');
    expect(store.threads).toHaveLength(0);
  });
});

describe('a process that is killed', () => {
  test('leaves logs that are read on from the last byte kept', { timeout: 60_000 }, async () => {
    const lines = 300_000;
    const entry = fileURLToPath(new URL('./test-writer.ts', import.meta.url));
    const id = 'killed';
    for (const [replay, marks] of [
      ['', 4],
      ['', 9],
      ['replay', 12],
    ] as const) {
      const child = spawn(process.execPath, [entry, directory, id, String(lines), replay], { stdio: ['ignore', 'pipe', 'ignore'] });
      const exited = once(child, 'exit');
      let seen = 0;
      for await (const output of child.stdout) {
        seen += (output as Buffer).length;
        if (seen >= marks) child.kill('SIGKILL');
      }
      await exited;
      expect(child.signalCode).toBe('SIGKILL');
    }
    const store = createInlineLogStore({ directory });
    expect(await store.collect(id, numberedSource(lines), never, { replay: true })).toMatchObject({ lines, complete: true });
    expect((await readRaw(store, id)).toString() === numberedText(lines)).toBe(true);
    await store.close();
  });
});

describe('a disk without room', () => {
  let small: string;
  let mounted = false;
  beforeAll(() => {
    small = join(directory, 'small');
    mkdirSync(small);
    mounted = mount(small);
  });
  afterAll(() => {
    if (mounted) execFileSync('umount', [small]);
  });

  test.for(['inline', 'threaded'])('ends the log with its cause and does not hold up the task (%s)', async (kind, context) => {
    if (!mounted) context.skip('no file system can be mounted here (it takes root)');
    const store = kind === 'inline' ? createInlineLogStore({ directory: small }) : createThreadedLogStore({ directory: small, threads: 1 });
    const id = `full-${kind}`;
    let drained = 0;
    const seal = await store.collect(
      id,
      async function* () {
        for (let index = 0; index < 200; index++) {
          yield { stream: 'stdout', bytes: Buffer.alloc(1000, `${'y'.repeat(99)}\n`), cursor: String(index) };
          drained++;
        }
      },
      never,
      { replay: false },
    );
    expect(drained).toBe(200);
    expect(seal).toMatchObject({ complete: false, problem: expect.stringContaining('full') });
    expect(seal.lines).toBeGreaterThan(100);
    expect((await store.stat(id)).seal).toEqual(seal);
    expect(await readLines(store, id, true)).toHaveLength(seal.lines);
    // Others fare no better, and hear of it; what is there stays readable.
    const other = await store.collect(`${id}-2`, testSource([piece(Buffer.alloc(50_000, 'z'))]), never, { replay: true });
    expect(other).toMatchObject({ complete: false, lines: 0 });
    await store.delete(id);
    await store.delete(`${id}-2`);
    expect(await store.collect(`${id}-3`, testSource([piece('room again\n')]), never, { replay: true })).toMatchObject({ complete: true });
    await store.delete(`${id}-3`);
    await store.close();
    expect(readdirSync(small, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())).toEqual([]);
  });
});

function mount(path: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'gofer-test', path], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
