/** What can be wrong with `rotate`. */
import type { RotationProgress } from '@gofer/contracts';
import { GoferError } from '@gofer/contracts';
import type { BrokenSecretStore } from './broken-secret-store.ts';
import { everyKey, NEVER } from './broken-secret-store.ts';

export const BROKEN_ROTATIONS: readonly BrokenSecretStore[] = [
  {
    fault: 'rotates though it says that it cannot',
    fails: ['rotate: rejects with UNSUPPORTED'],
    declares: { rotation: false },
    breaks: () => ({}),
  },
  {
    fault: 'says that it rotates and cannot',
    fails: ['rotate: tells its progress', 'rotate: afterwards', 'rotate: succeeds where', 'rotate: rejects with CANCELLED'],
    breaks: () => ({
      // oxlint-disable-next-line require-yield
      async *rotate(): AsyncGenerator<RotationProgress> {
        throw new GoferError('UNSUPPORTED', 'there is no other key');
      },
    }),
  },
  {
    fault: 'never says that all is done',
    fails: ['rotate: tells its progress', 'rotate: succeeds where'],
    breaks: (sound) => ({
      async *rotate(signal) {
        for await (const progress of sound.rotate(signal)) yield { ...progress, total: progress.total + 1 };
      },
    }),
  },
  {
    fault: 'tells its progress as text',
    fails: ['rotate: tells its progress'],
    breaks: (sound) => ({
      async *rotate(signal) {
        for await (const { done, total } of sound.rotate(signal))
          yield { done: `${done}`, total: `${total}` } as unknown as RotationProgress;
      },
    }),
  },
  {
    fault: 'counts nothing',
    fails: ['rotate: tells its progress'],
    breaks: (sound) => ({
      async *rotate(signal) {
        for await (const progress of sound.rotate(signal)) if (progress.done === progress.total) yield { done: 0, total: 0 };
      },
    }),
  },
  {
    fault: 'changes a value on the way',
    fails: ['rotate: tells its progress', 'rotate: succeeds where', 'rotate: may be ended', 'rotate: rejects with CANCELLED'],
    breaks: (sound) => ({
      async *rotate(signal) {
        const [key] = await everyKey(sound);
        if (key !== undefined) {
          await sound.delete(key);
          await sound.put(key, Buffer.from('changed'));
        }
        yield* sound.rotate(signal);
      },
    }),
  },
  {
    fault: 'says that all is done and does nothing',
    fails: ['rotate: afterwards', 'rotate: may be ended', 'rotate: every other'],
    breaks: (sound) => ({
      async *rotate() {
        const total = (await everyKey(sound)).length;
        yield { done: total, total };
      },
    }),
  },
  {
    fault: 'tells nothing where there is nothing to do',
    fails: ['rotate: succeeds where'],
    breaks: (sound) => ({
      async *rotate(signal) {
        for await (const progress of sound.rotate(signal)) if (progress.total > 0) yield progress;
      },
    }),
  },
  {
    fault: 'puts nothing while it rotates',
    fails: ['rotate: every other'],
    breaks(sound) {
      let rotating = false;
      return {
        async *rotate(signal) {
          rotating = true;
          yield* sound.rotate(signal);
          rotating = false;
        },
        async put(key, value) {
          if (rotating) throw new GoferError('UNAVAILABLE', 'a rotation is under way');
          await sound.put(key, value);
        },
      };
    },
  },
  {
    fault: 'finds only what is rotated already',
    fails: ['rotate: every other', 'rotate: may be ended'],
    breaks(sound) {
      let isDone = true;
      return {
        async *rotate(signal) {
          isDone = false;
          for await (const progress of sound.rotate(signal)) {
            isDone = progress.done === progress.total;
            yield progress;
          }
        },
        async get(key) {
          if (!isDone) throw new GoferError('DATA_LOSS', 'it is under the former key');
          return sound.get(key);
        },
      };
    },
  },
  {
    fault: 'is stuck once a rotation was left',
    fails: ['rotate: may be ended', 'rotate: rejects with CANCELLED'],
    breaks(sound) {
      let begun = false;
      return {
        async *rotate(signal) {
          if (begun) throw new GoferError('FAILED_PRECONDITION', 'a rotation has begun');
          begun = true;
          yield* sound.rotate(signal);
          begun = false;
        },
      };
    },
  },
  {
    fault: 'does not hear an abort of rotate',
    fails: ['rotate: rejects with CANCELLED'],
    breaks: (sound) => ({ rotate: () => sound.rotate(NEVER) }),
  },
  {
    fault: 'hears an abort of rotate only before it begins',
    fails: ['rotate: rejects with CANCELLED'],
    breaks: (sound) => ({ rotate: (signal) => sound.rotate(signal.aborted ? signal : NEVER) }),
  },
];
