import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import type { PluginInstance, Scheduler } from '@gofer/contracts';
import { fakeScheduler } from '@gofer/scheduler-fake';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { VirtualClock } from '../clock/virtual-clock.ts';
import { createInlineLogStore, type LogStore } from '../workers/logs/index.ts';
import { type AttemptEnd, watchAttempt } from './attempt-watch.ts';

const SPEC = {
  attemptId: 'one',
  image: 'any',
  entrypoint: ['gofer-fake-steps'],
  command: [JSON.stringify([{ print: 'all there is\n' }, { exit: 0 }])],
  env: {},
  pullPolicy: 'missing',
  limits: {},
  ports: [],
  labels: {},
} as const;

let directory: string;
let scheduler: Scheduler & PluginInstance;
let logs: LogStore;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gofer-watch-'));
  scheduler = await fakeScheduler.create({}, { instanceId: 'watch', dataDirectory: join(directory, 'fake'), log: () => undefined });
  logs = createInlineLogStore({ directory: join(directory, 'logs') });
});
afterEach(async () => {
  await logs.close();
  await scheduler.close();
  await rm(directory, { recursive: true });
});

/** The scheduler, but that no output of it ends before it is aborted, as that of an engine that has lost its end. */
function endless(): Scheduler {
  return new Proxy(scheduler, {
    get(target, property) {
      if (property === 'logs')
        return async function* logsWithoutEnd(...call: Parameters<Scheduler['logs']>) {
          yield* target.logs(...call);
          const [, , signal] = call;
          await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
        };
      const value: unknown = Reflect.get(target, property, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

it('an output that does not end is given up once its task has ended, and the log says so', { timeout: 20_000 }, async () => {
  const clock = new VirtualClock(0);
  const never = new AbortController().signal;
  const ends: AttemptEnd[] = [];
  const begin = { prepare: () => ({ spec: SPEC, masking: undefined }), resumed: false };
  const listener = { progress: () => undefined, started: () => undefined, ended: (end: AttemptEnd) => void ends.push(end) };
  const context = { scheduler: endless(), logs, clock };
  const watching = watchAttempt('one', begin, context, { cancelStart: never, leave: never }, listener);
  while (clock.waiting === 0) await turn();
  expect(clock.nextAt).toBe(10 * 60_000);
  expect(ends).toEqual([]);
  clock.advance();
  await watching;
  expect(ends).toMatchObject([
    {
      kind: 'ended',
      exit: { kind: 'exited', exitCode: 0 },
      log: { complete: false, bytes: 13, problem: expect.stringContaining('10 minutes') },
    },
  ]);
});
