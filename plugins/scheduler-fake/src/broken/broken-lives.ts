/** What can be wrong with `exec` and `list`, and with an instance as a whole. */
import { GoferError } from '@gofer/contracts';
import type { BrokenScheduler } from './broken-scheduler.ts';
import { execItems, inEnds, NEVER } from './broken-scheduler.ts';

export const BROKEN_LIVES: readonly BrokenScheduler[] = [
  {
    fault: 'runs commands though it says that it cannot',
    fails: ['exec: rejects with UNSUPPORTED'],
    declares: { exec: false },
    breaks: () => ({}),
  },
  {
    fault: 'calls the end of every command a success',
    fails: ['exec: runs one more', 'exec: gives every byte', 'exec: with a terminal', 'exec: a reader may'],
    breaks: execItems((item) => (item.kind === 'exit' ? { ...item, exitCode: 0 } : item)),
  },
  {
    fault: 'forgets the exit of a command',
    fails: ['exec: runs one more'],
    breaks: execItems((item) => (item.kind === 'exit' ? undefined : item)),
  },
  {
    fault: 'does not pass the input on',
    fails: ['exec: the input'],
    breaks: (sound) => ({ exec: (handle, request, signal) => sound.exec(handle, request, signal) }),
  },
  {
    fault: 'runs commands in a task that has ended',
    fails: ['exec: rejects with FAILED_PRECONDITION'],
    breaks: (sound) => ({
      async *exec(handle, ...rest) {
        if (await inEnds(sound, handle)) yield { kind: 'exit', exitCode: 0 };
        else yield* sound.exec(handle, ...rest);
      },
    }),
  },
  {
    fault: 'does not hear an abort of exec',
    fails: ['exec: rejects with CANCELLED'],
    breaks: (sound) => ({ exec: (handle, request, _signal, input) => sound.exec(handle, request, NEVER, input) }),
  },
  {
    fault: 'declares what it is not',
    fails: ['capabilities: are'],
    declares: { streams: false },
    breaks: () => ({}),
  },
  {
    fault: 'is never healthy',
    fails: ['health: resolves'],
    breaks: () => ({ health: () => Promise.reject(new GoferError('UNAVAILABLE', 'no')) }),
  },
  {
    fault: 'lists the attempts of others',
    fails: ['list: gives the attempts'],
    breaks: (sound) => ({ list: () => sound.list({}) }),
  },
  {
    fault: 'lists nothing where no labels are given',
    fails: ['list: without labels'],
    breaks: (sound) => ({ list: async (labels) => (Object.keys(labels).length === 0 ? [] : sound.list(labels)) }),
  },
  {
    fault: 'rejects a second close',
    fails: ['close: a second call'],
    breaks(sound) {
      let closed = false;
      return {
        async close() {
          if (closed) throw new GoferError('FAILED_PRECONDITION', 'closed already');
          closed = true;
          await sound.close();
        },
      };
    },
  },
  {
    fault: 'ends and forgets its tasks when it closes',
    fails: ['close: leaves tasks alone', 'close: a task that ends'],
    breaks: (sound) => ({
      async close() {
        for (const task of await sound.list({})) await sound.remove(task.handle);
        await sound.close();
      },
    }),
  },
];
