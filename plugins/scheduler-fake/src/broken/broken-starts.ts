/** What can be wrong with `start`. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StartUpdate } from '@gofer/contracts';
import { GoferError } from '@gofer/contracts';
import { INLINE_STEPS } from '../fake-script.ts';
import type { BrokenScheduler } from './broken-scheduler.ts';
import { NEVER, withoutCode } from './broken-scheduler.ts';

export const BROKEN_STARTS: readonly BrokenScheduler[] = [
  {
    fault: 'starts another task for an attempt that was started',
    fails: ['start: a second call while', 'start: a second call after', 'start: calls at once'],
    breaks(sound) {
      let calls = 0;
      return { start: (spec, signal) => sound.start({ ...spec, attemptId: `${spec.attemptId}-${calls++}` }, signal) };
    },
  },
  {
    fault: 'runs a task twice behind one handle',
    fails: ['start: runs the command', 'wait: a task that ends at once'],
    breaks: (sound) => ({
      async *logs(...args) {
        yield* sound.logs(...args);
        yield* sound.logs(...args);
      },
    }),
  },
  {
    fault: 'goes on after "started"',
    fails: ['start: runs the command'],
    breaks: (sound) => ({
      async *start(spec, signal): AsyncGenerator<StartUpdate> {
        yield* sound.start(spec, signal);
        yield { kind: 'progress', message: 'done' };
      },
    }),
  },
  {
    fault: 'does not hear an abort of start',
    fails: ['start: rejects with CANCELLED'],
    breaks: (sound) => ({ start: (spec) => sound.start(spec, NEVER) }),
  },
  {
    fault: 'leaves the task behind when start is aborted',
    fails: ['start: aborted on its way'],
    script: [{ command: `${INLINE_STEPS} *`, progress: ['pulling'], start_delay_ms: 20 }],
    breaks: (sound) => ({
      async *start(spec, signal) {
        for await (const update of sound.start(spec, NEVER)) {
          if (signal.aborted) throw new GoferError('CANCELLED', 'given up');
          yield update;
        }
      },
    }),
  },
  {
    fault: 'ends a task when the signal of its start aborts later',
    fails: ['start: an abort after'],
    breaks: (sound) => ({
      async *start(spec, signal) {
        for await (const update of sound.start(spec, signal)) {
          if (update.kind === 'started') signal.addEventListener('abort', () => void sound.stop(update.handle, 0));
          yield update;
        }
      },
    }),
  },
  {
    fault: "passes the host's environment",
    fails: ['start: the task gets exactly'],
    breaks: (sound) => ({
      start: (spec, signal) => sound.start({ ...spec, env: { ...(process.env as Record<string, string>), ...spec.env } }, signal),
    }),
  },
  {
    fault: 'logs what it starts',
    fails: ["start: neither a task's environment", 'start: nothing of a sensitive'],
    breaks: (sound, host) => ({
      start(spec, signal) {
        host.log('debug', 'starting', { spec });
        return sound.start(spec, signal);
      },
    }),
  },
  {
    fault: 'writes down what it starts, secrets included',
    fails: ['start: nothing of a sensitive'],
    breaks: (sound, host) => ({
      async *start(spec, signal) {
        await writeFile(join(host.dataDirectory, spec.attemptId), JSON.stringify(spec));
        yield* sound.start(spec, signal);
      },
    }),
  },
  {
    fault: 'writes unread output down when it closes, whatever it may hold',
    fails: ['start: nothing of a sensitive'],
    breaks: (sound, host) => ({
      async close() {
        for (const { handle } of await sound.list({})) {
          for await (const { bytes, cursor } of sound.logs(handle, { follow: false }, NEVER)) {
            await writeFile(join(host.dataDirectory, cursor), bytes);
          }
        }
        await sound.close();
      },
    }),
  },
  {
    fault: 'fails to start without a code',
    fails: ['start: refuses a command', 'start: refuses an image', 'start: rejects with CANCELLED'],
    breaks: (sound) => ({
      async *start(spec, signal) {
        try {
          yield* sound.start(spec, signal);
        } catch (error) {
          throw withoutCode(error);
        }
      },
    }),
  },
  {
    fault: 'fails for an image though it has none',
    fails: ['start: takes any image'],
    lacks: { images: false },
    breaks: (sound) => ({
      async *start(spec, signal) {
        if (spec.pullPolicy === 'never') throw new GoferError('IMAGE_NOT_FOUND', 'not pulled');
        yield* sound.start(spec, signal);
      },
    }),
  },
  {
    fault: 'starts a task with ports that it does not have',
    fails: ['start: refuses ports'],
    lacks: { endpoints: false },
    breaks: (sound) => ({ start: (spec, signal) => sound.start({ ...spec, ports: [] }, signal) }),
  },
  {
    fault: 'names no endpoints',
    fails: ['inspect: names one endpoint'],
    breaks: (sound) => ({ inspect: async (handle) => ({ ...(await sound.inspect(handle)), endpoints: [] }) }),
  },
];
