/** The laws of `list`, and of an instance's own life: health, close, what outlives it. */
import { assert, assertBytes, assertEqual } from './assertions.ts';
import { DEFAULT_TICK_MS } from './scheduler-harness.ts';
import type { SchedulerLaw } from './scheduler-law.ts';
import { exit, print, sleepLong, utf8 } from './task-program.ts';

export const lifeLaws: readonly SchedulerLaw[] = [
  {
    name: 'capabilities: are what was declared',
    async check(stage) {
      assertEqual({ ...stage.scheduler.capabilities }, { ...stage.harness.capabilities }, 'the capabilities');
    },
  },
  {
    name: 'health: resolves while the back end can be used',
    async check(stage) {
      await stage.scheduler.health();
    },
  },
  {
    name: 'list: gives the attempts that carry all the labels, running and ended, with their labels and handles',
    async check(stage) {
      const run = { 'gofer.run': 'r-1' };
      const ended = await stage.start([exit(0)], {
        labels: { ...run, 'gofer.task': 'a' },
      });
      const running = await stage.start([sleepLong], {
        labels: { ...run, 'gofer.task': 'b' },
      });
      const other = await stage.start([sleepLong], {
        labels: { 'gofer.run': 'r-2', 'gofer.task': 'b' },
      });
      await stage.wait(ended);
      const ids = (...tasks: (typeof ended)[]): string[] => tasks.map((task) => task.spec.attemptId).toSorted();
      assertEqual(await stage.listed(), ids(ended, running, other), 'the list by the label of all');
      assertEqual(await stage.listed({ ...stage.labels, ...run }), ids(ended, running), 'the list by the label of two');
      assertEqual(await stage.listed({ ...stage.labels, ...run, 'gofer.task': 'b' }), ids(running), 'the list by the labels of one');
      assertEqual(await stage.listed({ ...stage.labels, 'gofer.run': 'r-3' }), [], 'the list by the label of none');
      assertEqual(await stage.listed({ ...stage.labels, 'gofer.run': 'r-' }), [], 'the list by a part of a label');
      for (const task of await stage.scheduler.list({
        ...stage.labels,
        ...run,
      })) {
        const started = task.labels['gofer.attempt'] === ended.spec.attemptId ? ended : running;
        assertEqual(task.handle, started.handle, 'a listed handle');
        assertEqual(task.state, started === ended ? 'exited' : 'running', 'a listed state');
        for (const [key, value] of Object.entries(started.spec.labels)) assertEqual(task.labels[key], value, `the label ${key}`);
      }
    },
  },
  {
    name: 'list: without labels gives every attempt',
    async check(stage) {
      const task = await stage.start([exit(0)]);
      assert((await stage.listed({})).includes(task.spec.attemptId), 'an empty set of labels is carried by every attempt');
    },
  },
  {
    name: 'close: a second call does nothing',
    alone: true,
    async check(stage) {
      const { scheduler } = stage;
      await Promise.all([scheduler.close(), scheduler.close()]);
      await scheduler.close();
      await stage.reopen();
    },
  },
  {
    name: 'close: leaves tasks alone; another instance finds them, their ends and their output',
    alone: true,
    async check(stage) {
      const ended = await stage.start([print('whole\n'), exit(17)]);
      const end = await stage.wait(ended);
      const running = await stage.start([{ do: 'on-term', bytes: utf8('bye\n'), exitCode: 18 }, print('ready\n'), sleepLong]);
      const read = await stage.seen(running, 'ready\n');
      await stage.reopen();

      assertEqual(await stage.listed(), [ended, running].map((task) => task.spec.attemptId).toSorted(), 'the list');
      assertEqual(await stage.wait(ended), end, 'the end of the ended task');
      assertBytes((await stage.logs(ended)).stdout, utf8('whole\n'), 'the output of the ended task');
      assertEqual((await stage.scheduler.inspect(running.handle)).state, 'running', 'the state of the running task');
      assertEqual((await stage.startSpec(running.spec)).handle, running.handle, 'the handle of a repeated start');
      const waiting = stage.exitCode(running);
      await stage.stop(running);
      assertEqual(await waiting, 18, 'the exit code of the running task');
      assertBytes((await stage.restOf(running, read)).stdout, utf8('ready\nbye\n'), 'the output of the running task');
      await stage.sweep();
      assertEqual(await stage.listed(), [], 'the list after remove');
    },
  },
  {
    name: 'close: a task that ends while no instance is open has its exit code and its whole output afterwards',
    alone: true,
    async check(stage) {
      const pause = { do: 'sleep', seconds: (stage.harness.tickMs ?? DEFAULT_TICK_MS) / 1000 } as const;
      const task = await stage.start([print('one\n'), pause, print('two\n'), print('three', 'stderr'), exit(23)]);
      await stage.reopen();
      const code = stage.exitCode(task);
      const output = await stage.logs(task);
      assertEqual(await code, 23, 'the exit code');
      if (stage.harness.capabilities.streams) {
        assertBytes(output.stdout, utf8('one\ntwo\n'), 'standard output');
        assertBytes(output.stderr, utf8('three'), 'standard error');
      } else {
        assertEqual(output.stdout.byteLength, 'one\ntwo\nthree'.length, 'the length of the output');
      }
    },
  },
  {
    name: 'logs: a cursor is good in another instance',
    alone: true,
    async check(stage) {
      const task = await stage.start([{ do: 'on-term', bytes: utf8('late'), exitCode: 0 }, print('early\n'), sleepLong]);
      let cursor: string | undefined;
      for await (const chunk of stage.scheduler.logs(task.handle, { follow: true }, new AbortController().signal)) {
        assertBytes(chunk.bytes, utf8('early\n'), 'the first chunk');
        cursor = chunk.cursor;
        break;
      }
      assert(cursor !== undefined, 'logs with follow must give output while the task runs');
      await stage.reopen();
      await stage.stop(task);
      assertBytes((await stage.logs(task, { follow: true, after: cursor })).stdout, utf8('late'), 'the output after the cursor');
    },
  },
];
