/** The laws of how a task ends: `wait`, `stop`, `remove`, `inspect`. */
import { assert, assertBytes, assertEqual, assertRejects, begun } from './assertions.ts';
import { NEVER } from './law.ts';
import { DEFAULT_TICK_MS } from './scheduler-harness.ts';
import type { SchedulerLaw } from './scheduler-law.ts';
import type { SchedulerStage, Started } from './scheduler-stage.ts';
import { exit, print, sleepLong, utf8 } from './task-program.ts';

const EXIT_CODES = [0, 1, 2, 125, 126, 127, 137, 143, 255];
/** A grace that no law waits out. */
const LONG_GRACE_MS = 300_000;
const KILLED = 128 + 9;

async function running(stage: SchedulerStage, task: Started, what: string): Promise<void> {
  assertEqual((await stage.scheduler.inspect(task.handle)).state, 'running', `the state after ${what}`);
}

export const endLaws: readonly SchedulerLaw[] = [
  {
    name: 'wait: reports each exit code as it is',
    async check(stage) {
      await Promise.all(
        EXIT_CODES.map(async (code) => {
          const task = await stage.start([exit(code)]);
          const end = await stage.wait(task);
          assert(end.kind === 'exited', `expected an exit with ${code}, got ${end.kind}`);
          assertEqual(end.exitCode, code, 'the exit code');
          assert(Number.isInteger(end.endedAt), 'endedAt must be whole epoch milliseconds');
        }),
      );
    },
  },
  {
    name: 'wait: a task that ends at once still has its exit code and its whole output',
    async check(stage) {
      for (let round = 0; round < 4; round++) {
        const task = await stage.start([print(`out ${round}\n`), print(`err ${round}`, 'stderr'), exit(40 + round)]);
        const [code, output] = await Promise.all([stage.exitCode(task), stage.logs(task)]);
        assertEqual(code, 40 + round, 'the exit code');
        const bytes = output.stdout.byteLength + output.stderr.byteLength;
        assertEqual(bytes, `out ${round}\nerr ${round}`.length, 'the length of the output');
      }
    },
  },
  {
    name: 'wait: answers the same as often as it is asked, before and after the end',
    async check(stage) {
      const task = await stage.start([{ do: 'on-term', bytes: utf8('bye'), exitCode: 9 }, print('ready\n'), sleepLong]);
      await stage.seen(task, 'ready\n');
      const early = [stage.wait(task), stage.wait(task), stage.wait(task)];
      await stage.stop(task, LONG_GRACE_MS);
      const late = await stage.wait(task);
      for (const end of [...(await Promise.all(early)), await stage.wait(task)]) assertEqual(end, late, 'the end');
      assert(late.kind === 'exited' && late.exitCode === 9, `expected the exit code 9, got ${JSON.stringify(late)}`);
    },
  },
  {
    name: 'wait: rejects with CANCELLED when aborted and leaves the task alone',
    async check(stage) {
      const task = await stage.start([sleepLong]);
      await assertRejects(() => stage.scheduler.wait(task.handle, AbortSignal.abort()), 'CANCELLED', 'wait under an aborted signal');
      const controller = new AbortController();
      const pending = begun(assertRejects(() => stage.scheduler.wait(task.handle, controller.signal), 'CANCELLED', 'wait aborted'));
      const other = stage.wait(task);
      controller.abort();
      await pending;
      await running(stage, task, 'wait was aborted');
      await stage.stop(task, 0);
      assertEqual((await other).kind, 'exited', 'another wait');
    },
  },
  {
    name: 'stop: asks with SIGTERM and waits for the end',
    async check(stage) {
      const task = await stage.start([{ do: 'on-term', bytes: utf8('bye\n'), exitCode: 7 }, print('ready\n'), sleepLong]);
      const read = await stage.seen(task, 'ready\n');
      await stage.scheduler.stop(task.handle, LONG_GRACE_MS);
      assertEqual((await stage.scheduler.inspect(task.handle)).state, 'exited', 'the state after stop');
      assertEqual(await stage.exitCode(task), 7, 'the exit code');
      assertBytes((await stage.restOf(task, read)).stdout, utf8('ready\nbye\n'), 'the output');
    },
  },
  {
    name: 'stop: ends by force what ignores SIGTERM, once the grace is over; the exit code is 128 + 9',
    async check(stage) {
      const task = await stage.start([{ do: 'ignore-term' }, print('ready\n'), sleepLong]);
      await stage.seen(task, 'ready\n');
      const before = performance.now();
      const graceMs = stage.harness.tickMs ?? DEFAULT_TICK_MS;
      await stage.scheduler.stop(task.handle, graceMs);
      assert(performance.now() - before > graceMs * 0.9, 'stop must not end by force before the grace is over');
      assertEqual((await stage.scheduler.inspect(task.handle)).state, 'exited', 'the state after stop');
      assertEqual(await stage.exitCode(task), KILLED, 'the exit code');
    },
  },
  {
    name: 'stop: a grace of 0 ends by force at once, and SIGTERM is not heard',
    async check(stage) {
      const task = await stage.start([{ do: 'on-term', bytes: utf8('heard'), exitCode: 7 }, print('ready\n'), sleepLong]);
      const read = await stage.seen(task, 'ready\n');
      await stage.scheduler.stop(task.handle, 0);
      assertEqual(await stage.exitCode(task), KILLED, 'the exit code');
      assertBytes((await stage.restOf(task, read)).stdout, utf8('ready\n'), 'the output');
    },
  },
  {
    name: 'stop: a shorter grace given later ends a task that is being stopped',
    async check(stage) {
      const task = await stage.start([{ do: 'ignore-term' }, print('ready\n'), sleepLong]);
      await stage.seen(task, 'ready\n');
      const patient = stage.stop(task, LONG_GRACE_MS);
      await stage.scheduler.stop(task.handle, 0);
      await patient;
      assertEqual(await stage.exitCode(task), KILLED, 'the exit code');
    },
  },
  {
    name: 'stop: succeeds for what has ended and for what is gone, and changes nothing',
    async check(stage) {
      const task = await stage.start([exit(5)]);
      const end = await stage.wait(task);
      await stage.scheduler.stop(task.handle, 1000);
      await stage.scheduler.stop(task.handle, 0);
      assertEqual(await stage.wait(task), end, 'the end after stop');
      await stage.scheduler.remove(task.handle);
      await stage.scheduler.stop(task.handle, 1000);
    },
  },
  {
    name: 'remove: forgets an ended attempt: gone, not listed, NOT_FOUND; again it succeeds',
    async check(stage) {
      const task = await stage.start([print('kept\n')]);
      await stage.wait(task);
      await stage.scheduler.remove(task.handle);
      await stage.scheduler.remove(task.handle);
      assertEqual(await stage.scheduler.inspect(task.handle), { state: 'gone', endpoints: [] }, 'inspect after remove');
      assertEqual(await stage.listed({ 'gofer.attempt': task.spec.attemptId }), [], 'the list after remove');
      await assertRejects(() => stage.scheduler.wait(task.handle, NEVER), 'NOT_FOUND', 'wait after remove');
      await assertRejects(() => stage.logs(task), 'NOT_FOUND', 'logs after remove');
    },
  },
  {
    name: 'remove: ends an attempt that runs',
    async check(stage) {
      const task = await stage.start([{ do: 'ignore-term' }, sleepLong]);
      await stage.scheduler.remove(task.handle);
      assertEqual((await stage.scheduler.inspect(task.handle)).state, 'gone', 'the state after remove');
      assertEqual(await stage.listed({ 'gofer.attempt': task.spec.attemptId }), [], 'the list after remove');
    },
  },
  {
    name: 'inspect: says running, then exited with the exit that wait reports',
    async check(stage) {
      const task = await stage.start([{ do: 'on-term', bytes: utf8('.'), exitCode: 4 }, print('ready\n'), sleepLong]);
      await stage.seen(task, 'ready\n');
      assertEqual(await stage.scheduler.inspect(task.handle), { state: 'running', endpoints: [] }, 'inspect while running');
      await stage.stop(task, LONG_GRACE_MS);
      const end = await stage.wait(task);
      assertEqual(await stage.scheduler.inspect(task.handle), { state: 'exited', exit: end, endpoints: [] }, 'inspect after the end');
    },
  },
];
