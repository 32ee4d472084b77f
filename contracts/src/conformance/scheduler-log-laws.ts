/** The laws of `logs`. */
import type { LogChunk } from '../scheduler.ts';
import { assert, assertBytes, assertEqual, assertRejects, LawBroken } from './assertions.ts';
import { NEVER } from './law.ts';
import { restingMemory, settledMemory } from './memory.ts';
import { DEFAULT_TICK_MS } from './scheduler-harness.ts';
import type { SchedulerLaw } from './scheduler-law.ts';
import type { Output, SchedulerStage, Started } from './scheduler-stage.ts';
import { concat, toOutput } from './scheduler-stage.ts';
import { print, sleepLong, utf8 } from './task-program.ts';

const MIB = 1024 * 1024;
const LONG_LINE = 10 * MIB;
const FLOOD = 64 * MIB;
/** What may be held for a reader that does not read, the port's and the runner's own noise included. */
const HELD_AT_MOST = 24 * MIB;

/** Every byte value, invalid UTF-8, NUL, lone carriage returns and broken escape sequences among them. */
const EVERY_BYTE = Uint8Array.from({ length: 1024 }, (_, index) => (index * 7 + (index >> 8)) & 0xff);

const lines = (count: number): Uint8Array => utf8(Array.from({ length: count }, (_, index) => `line ${index + 1}\n`).join(''));

function assertOutput(stage: SchedulerStage, output: Output, stdout: Uint8Array, stderr: Uint8Array): void {
  if (stage.harness.capabilities.streams) {
    assertBytes(output.stdout, stdout, 'standard output');
    assertBytes(output.stderr, stderr, 'standard error');
  } else {
    assertEqual(output.stderr.byteLength, 0, 'bytes said to be of standard error without the capability streams');
    assertEqual(output.stdout.byteLength, stdout.byteLength + stderr.byteLength, 'the length of the output');
  }
}

/** The output read one chunk at a time, each by a reader of its own that continues behind the last chunk; given up at `most` bytes. */
async function readByResuming(stage: SchedulerStage, task: Started, most: number): Promise<readonly LogChunk[]> {
  const chunks: LogChunk[] = [];
  let read = 0;
  while (read <= most) {
    const before = chunks.length;
    const last = chunks.at(-1);
    const request = last === undefined ? { follow: true } : { follow: true, after: last.cursor };
    for await (const chunk of stage.scheduler.logs(task.handle, request, NEVER)) {
      chunks.push(chunk);
      read += chunk.bytes.byteLength;
      break;
    }
    if (chunks.length === before) return chunks;
  }
  throw new LawBroken(`more than the ${most} bytes that were written were read`);
}

export const logLaws: readonly SchedulerLaw[] = [
  {
    name: 'logs: gives every byte of both streams as it was written',
    async check(stage) {
      const task = await stage.start([
        { do: 'print', stream: 'stdout', bytes: EVERY_BYTE },
        { do: 'lines', stream: 'stderr', count: 2000 },
        { do: 'lines', stream: 'stdout', count: 3000 },
        print('no newline at the end', 'stderr'),
        print('none here either'),
      ]);
      const output = await stage.logs(task);
      const stdout = concat([EVERY_BYTE, lines(3000), utf8('none here either')]);
      assertOutput(stage, output, stdout, concat([lines(2000), utf8('no newline at the end')]));
      assertEqual(await stage.exitCode(task), 0, 'the exit code');
    },
  },
  {
    name: 'logs: gives the two streams in the order of their arrival',
    async check(stage) {
      const pause = { do: 'sleep', seconds: (stage.harness.tickMs ?? DEFAULT_TICK_MS) / 1000 } as const;
      const task = await stage.start([print('a'), pause, print('b', 'stderr'), pause, print('c')]);
      const text = new TextDecoder().decode(concat((await stage.logs(task)).chunks.map((chunk) => chunk.bytes)));
      assertEqual(text, 'abc', 'the output');
    },
  },
  {
    name: 'logs: ends at once for a task without output',
    async check(stage) {
      const task = await stage.start([]);
      assertEqual((await stage.logs(task)).chunks.length, 0, 'the number of chunks with follow');
      await stage.wait(task);
      assertEqual((await stage.logs(task, { follow: false })).chunks.length, 0, 'the number of chunks');
    },
  },
  {
    name: 'logs: gives 10 MiB on one line whole',
    async check(stage) {
      const task = await stage.start([{ do: 'fill', bytes: LONG_LINE }]);
      const { stdout } = await stage.logs(task);
      assertBytes(stdout, new Uint8Array(LONG_LINE).fill(0x78), 'the output');
    },
  },
  {
    name: 'logs: gives the whole output to one who comes after the end',
    async check(stage) {
      const task = await stage.start([{ do: 'lines', stream: 'stdout', count: 500 }, print('oops', 'stderr')]);
      await stage.wait(task);
      assertOutput(stage, await stage.logs(task, { follow: false }), lines(500), utf8('oops'));
    },
  },
  {
    name: 'logs: with replay gives the same again, however often it is read',
    when: (capabilities) => capabilities.replay,
    async check(stage) {
      const task = await stage.start([{ do: 'lines', stream: 'stdout', count: 500 }, print('oops', 'stderr')]);
      await stage.wait(task);
      for (const follow of [true, false, true]) assertOutput(stage, await stage.logs(task, { follow }), lines(500), utf8('oops'));
    },
  },
  {
    name: 'logs: with replay, what follows each cursor is what follows its chunk',
    when: (capabilities) => capabilities.replay,
    async check(stage) {
      const task = await stage.start([
        print('first\n'),
        print('second', 'stderr'),
        { do: 'lines', stream: 'stdout', count: 5000 },
        { do: 'lines', stream: 'stderr', count: 5000 },
        print('last'),
      ]);
      const whole = await stage.logs(task);
      await stage.wait(task);
      const cursors = new Set(whole.chunks.map((chunk) => chunk.cursor));
      assertEqual(cursors.size, whole.chunks.length, 'the number of different cursors');
      // The first, the last and an even choice of the others.
      const step = Math.max(1, Math.floor(whole.chunks.length / 20));
      for (const [index, chunk] of whole.chunks.entries()) {
        if (index % step !== 0 && index !== whole.chunks.length - 1) continue;
        const rest = await stage.logs(task, {
          after: chunk.cursor,
          follow: index % 2 === 0,
        });
        const expected = toOutput(whole.chunks.slice(index + 1));
        assertBytes(rest.stdout, expected.stdout, `standard output after the cursor of chunk ${index}`);
        assertBytes(rest.stderr, expected.stderr, `standard error after the cursor of chunk ${index}`);
      }
    },
  },
  {
    name: 'logs: a reader that leaves and continues after each chunk misses nothing and reads nothing twice',
    async check(stage) {
      const task = await stage.start([
        { do: 'lines', stream: 'stdout', count: 300 },
        print('in between', 'stderr'),
        { do: 'lines', stream: 'stdout', count: 300 },
        print('end'),
      ]);
      const stdout = concat([lines(300), lines(300), utf8('end')]);
      const stderr = utf8('in between');
      assertOutput(stage, toOutput(await readByResuming(stage, task, stdout.byteLength + stderr.byteLength)), stdout, stderr);
    },
  },
  {
    name: 'logs: a chunk is still there for a reader that left without asking for the next',
    async check(stage) {
      const task = await stage.start([print('kept\n')]);
      await stage.wait(task);
      for (let round = 0; round < 3; round++) {
        for await (const chunk of stage.scheduler.logs(task.handle, { follow: true }, NEVER)) {
          assert(chunk.bytes.byteLength > 0, 'a chunk must hold a byte');
          break;
        }
      }
      assertBytes((await stage.logs(task)).stdout, utf8('kept\n'), 'the output');
    },
  },
  {
    name: 'logs: follow gives output while the task runs and ends with it',
    async check(stage) {
      const task = await stage.start([{ do: 'on-term', bytes: utf8('after\n'), exitCode: 0 }, print('before\n'), sleepLong]);
      const chunks: LogChunk[] = [];
      let stopping: Promise<void> | undefined;
      for await (const chunk of stage.scheduler.logs(task.handle, { follow: true }, NEVER)) {
        chunks.push(chunk);
        // Only once the next chunk has been asked for.
        stopping ??= new Promise(setImmediate).then(() => stage.stop(task));
      }
      await stopping;
      assertBytes(toOutput(chunks).stdout, utf8('before\nafter\n'), 'the output');
    },
  },
  {
    name: 'logs: without follow it ends at what exists while the task goes on',
    async check(stage) {
      const task = await stage.start([print('so far\n'), sleepLong]);
      const read = await stage.seen(task, 'so far\n');
      const { stdout } = await stage.logs(task, { follow: false });
      if (stage.harness.capabilities.replay) assertBytes(stdout, utf8('so far\n'), 'the output so far');
      const after = read.at(-1)?.cursor ?? '';
      assertEqual((await stage.logs(task, { follow: false, after })).chunks.length, 0, 'chunks after the last cursor');
      assertEqual((await stage.scheduler.inspect(task.handle)).state, 'running', 'the state');
    },
  },
  {
    name: 'logs: rejects with CANCELLED when aborted and leaves the task alone',
    async check(stage) {
      const aborted = async (signal: AbortSignal, onChunk: () => void): Promise<void> => {
        const task = await stage.start([print('ready\n'), sleepLong]);
        const read = async (): Promise<void> => {
          for await (const chunk of stage.scheduler.logs(task.handle, { follow: true }, signal)) {
            assert(chunk.bytes.byteLength > 0, 'a chunk must hold a byte');
            onChunk();
          }
        };
        await assertRejects(read, 'CANCELLED', 'logs aborted');
        assertEqual((await stage.scheduler.inspect(task.handle)).state, 'running', 'the state after logs was aborted');
      };
      await aborted(AbortSignal.abort(), () => undefined);
      const between = new AbortController();
      await aborted(between.signal, () => between.abort());
      const waiting = new AbortController();
      await aborted(waiting.signal, () => setImmediate(() => waiting.abort()));
    },
  },
  {
    name: 'logs: waits for a reader that pauses, with bounded memory',
    async check(stage) {
      const task = await stage.start([{ do: 'fill', bytes: FLOOD }]);
      const before = await restingMemory();
      let read = 0;
      let held = 0;
      for await (const chunk of stage.scheduler.logs(task.handle, { follow: true }, NEVER)) {
        if (read === 0) held = (await settledMemory()) - before;
        read += chunk.bytes.byteLength;
      }
      assert(held < HELD_AT_MOST, `${Math.round(held / MIB)} MiB were held for a reader that paused; at most ${HELD_AT_MOST / MIB} may be`);
      assertEqual(read, FLOOD, 'the bytes read after the pause');
    },
  },
];
