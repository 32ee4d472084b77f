/** What can be wrong with `wait`, `stop`, `remove` and `inspect`. */
import { GoferError } from '@gofer/contracts';
import type { BrokenScheduler } from './broken-scheduler.ts';
import { inEnds, NEVER, withoutCode } from './broken-scheduler.ts';

class Opaque {
  readonly state = 'running';
  readonly endpoints = [];
}

export const BROKEN_ENDS: readonly BrokenScheduler[] = [
  {
    fault: 'calls every end a success',
    fails: ['wait: reports each exit code', 'start: many attempts', 'wait: a task that ends at once', 'stop: ends by force'],
    breaks: (sound) => ({
      async wait(...args) {
        const end = await sound.wait(...args);
        return end.kind === 'exited' ? { ...end, exitCode: 0 } : end;
      },
    }),
  },
  {
    fault: 'tells another end each time',
    fails: ['wait: answers the same', 'inspect: says running'],
    breaks(sound) {
      let asked = 0;
      return { wait: async (...args) => ({ ...(await sound.wait(...args)), endedAt: asked++ }) };
    },
  },
  {
    fault: 'does not hear an abort of wait',
    fails: ['wait: rejects with CANCELLED'],
    breaks: (sound) => ({ wait: (handle) => sound.wait(handle, NEVER) }),
  },
  {
    fault: 'ends the task when a wait is aborted',
    fails: ['wait: rejects with CANCELLED'],
    breaks: (sound) => ({
      wait(handle, signal) {
        signal.addEventListener('abort', () => void sound.stop(handle, 0));
        return sound.wait(handle, signal);
      },
    }),
  },
  {
    fault: 'does not stop',
    fails: ['stop: asks with SIGTERM', 'stop: ends by force', 'stop: a grace of 0', 'stop: a shorter grace'],
    breaks: () => ({ stop: async () => undefined }),
  },
  {
    fault: 'stops by force whatever the grace',
    fails: ['stop: asks with SIGTERM', 'stop: ends by force'],
    breaks: (sound) => ({ stop: (handle) => sound.stop(handle, 0) }),
  },
  {
    fault: 'sends SIGTERM before SIGKILL though there is no grace',
    fails: ['stop: a grace of 0'],
    breaks: (sound) => ({ stop: (handle, graceMs) => sound.stop(handle, Math.max(1, graceMs)) }),
  },
  {
    fault: 'joins a later stop to the first',
    fails: ['stop: a shorter grace'],
    breaks(sound) {
      const stops = new Map<string, Promise<void>>();
      return {
        stop(handle, graceMs) {
          const key = JSON.stringify(handle);
          const stopping = stops.get(key) ?? sound.stop(handle, graceMs);
          stops.set(key, stopping);
          return stopping;
        },
      };
    },
  },
  {
    fault: 'rejects a stop of what has ended',
    fails: ['stop: succeeds for what has ended'],
    breaks: (sound) => ({
      async stop(handle, graceMs) {
        if (await inEnds(sound, handle)) throw new GoferError('FAILED_PRECONDITION', 'it has ended');
        await sound.stop(handle, graceMs);
      },
    }),
  },
  {
    fault: 'forgets nothing when it removes',
    fails: ['remove: forgets', 'remove: ends'],
    breaks: (sound) => ({ remove: (handle) => sound.stop(handle, 0) }),
  },
  {
    fault: 'refuses to remove what runs',
    fails: ['remove: ends'],
    breaks: (sound) => ({
      async remove(handle) {
        if ((await sound.inspect(handle)).state === 'running') throw new GoferError('FAILED_PRECONDITION', 'it runs');
        await sound.remove(handle);
      },
    }),
  },
  {
    fault: 'fails without a code where something was removed',
    fails: ['remove: forgets'],
    breaks: (sound) => ({
      wait: (...args) =>
        sound.wait(...args).catch((error: unknown) => {
          throw withoutCode(error);
        }),
    }),
  },
  {
    fault: 'returns an object of a class',
    fails: ['inspect: says running', 'wait: rejects with CANCELLED'],
    breaks: () => ({ inspect: async () => new Opaque() }),
  },
];
