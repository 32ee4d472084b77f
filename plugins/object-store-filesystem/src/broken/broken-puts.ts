/** What can be wrong with `put`. */
import { GoferError } from '@gofer/contracts';
import type { BrokenStore } from './broken-store.ts';
import { collected, given, NEVER, pieces, statOf } from './broken-store.ts';

export const BROKEN_PUTS: readonly BrokenStore[] = [
  {
    fault: 'loses the last byte of a piece',
    fails: ['put: keeps bodies of every size', 'put: keeps a body as it is however', 'put: keeps bodies that are put at the same time'],
    breaks: pieces((piece) => (piece.byteLength > 1 ? piece.subarray(0, -1) : piece)),
  },
  {
    fault: 'takes bytes for text',
    fails: ['put: keeps bodies of every size', 'put: asks for a piece'],
    breaks: pieces((piece) => new TextEncoder().encode(new TextDecoder().decode(piece))),
  },
  {
    fault: 'takes an empty piece for the end',
    fails: ['put: keeps a body as it is however'],
    breaks: (sound) => ({
      put: (key, signal, body) =>
        sound.put(
          key,
          signal,
          (async function* () {
            for await (const piece of body) {
              if (piece.byteLength === 0) return;
              yield piece;
            }
          })(),
        ),
    }),
  },
  {
    fault: 'does not count its bytes',
    fails: ['put: keeps bodies of every size', 'put: keeps a body as it is however'],
    breaks: (sound) => ({
      async put(...args) {
        await sound.put(...args);
        return { size: 0 };
      },
    }),
  },
  {
    fault: 'resolves with an object of a class',
    fails: ['put: keeps bodies of every size'],
    breaks: (sound) => ({
      async put(...args) {
        const { size } = await sound.put(...args);
        return new (class {
          readonly size = size;
        })();
      },
    }),
  },
  {
    fault: "keeps a piece's memory",
    fails: ["put: uses a piece's memory"],
    breaks: (sound) => ({
      async put(key, signal, body) {
        const kept: Uint8Array[] = [];
        for await (const piece of body) kept.push(piece);
        return sound.put(key, signal, given(kept));
      },
    }),
  },
  {
    fault: 'holds the whole body',
    fails: ['put: asks for a piece'],
    breaks: (sound) => ({ put: async (key, signal, body) => sound.put(key, signal, given(await collected(body))) }),
  },
  {
    fault: 'lets a body be seen before it is whole',
    fails: ['put: nobody sees the key', "put: rejects with the body's error", 'put: rejects with CANCELLED', 'put: what an instance'],
    breaks: (sound) => ({
      async put(key, signal, body) {
        await sound.put(key, NEVER, given([]));
        const whole = await collected(signalled(body, signal));
        await sound.delete(key);
        return sound.put(key, signal, given(whole));
      },
    }),
  },
  {
    fault: 'mixes up bodies that are put at the same time',
    fails: ['put: keeps bodies that are put at the same time'],
    breaks(sound) {
      let putting = 0;
      return {
        async put(key, signal, body) {
          putting++;
          try {
            return await sound.put(key, signal, (await collected(body)).length > 0 && putting > 4 ? given([new Uint8Array(7)]) : body);
          } finally {
            putting--;
          }
        },
      };
    },
  },
  {
    fault: 'replaces what is kept',
    fails: ['put: rejects with ALREADY_EXISTS', 'put: of two bodies'],
    breaks: (sound) => ({
      async put(key, signal, body) {
        const whole = await collected(body);
        await sound.delete(key);
        return sound.put(key, signal, given(whole)).catch(() => ({ size: 1 }));
      },
    }),
  },
  {
    fault: 'does not leave the body of a key that is kept',
    fails: ['put: rejects with ALREADY_EXISTS'],
    breaks: (sound) => ({
      async put(key, signal, body) {
        if ((await statOf(sound, key)) !== undefined) throw new GoferError('ALREADY_EXISTS', 'it is kept');
        return sound.put(key, signal, body);
      },
    }),
  },
  {
    fault: 'keeps the beginning of a body that fails',
    fails: ["put: rejects with the body's error"],
    breaks: (sound) => ({
      async put(key, signal, body) {
        let failure: unknown;
        const stat = await sound.put(
          key,
          signal,
          (async function* () {
            try {
              yield* body;
            } catch (error) {
              failure = error;
            }
          })(),
        );
        if (failure === undefined) return stat;
        throw failure;
      },
    }),
  },
  {
    fault: 'calls every failure its own',
    fails: ["put: rejects with the body's error"],
    breaks: (sound) => ({
      put: (...args) =>
        sound.put(...args).catch((cause: unknown) => {
          throw new GoferError('UNAVAILABLE', 'it failed', { cause });
        }),
    }),
  },
  {
    fault: 'does not hear an abort of put',
    fails: ['put: rejects with CANCELLED'],
    breaks: (sound) => ({ put: (key, _signal, body) => sound.put(key, NEVER, body) }),
  },
  {
    fault: 'does not leave the body when put is aborted',
    fails: ['put: rejects with CANCELLED'],
    breaks: (sound) => ({
      put: (key, signal, body) => sound.put(key, signal, { [Symbol.asyncIterator]: () => ({ next: unleft(body) }) }),
    }),
  },
  {
    fault: 'deletes a body when the signal of its put aborts later',
    fails: ['put: an abort after'],
    breaks: (sound) => ({
      async put(key, signal, body) {
        const stat = await sound.put(key, signal, body);
        signal.addEventListener('abort', () => void sound.delete(key));
        return stat;
      },
    }),
  },
  {
    fault: 'never keeps a key twice',
    fails: ['put: keeps another body', 'put: rejects with CANCELLED', "put: rejects with the body's error"],
    breaks(sound) {
      const seen = new Set<string>();
      return {
        async put(key, signal, body) {
          if (seen.has(key) && (await statOf(sound, key)) === undefined) throw new GoferError('ALREADY_EXISTS', 'it was kept');
          seen.add(key);
          return sound.put(key, signal, body);
        },
      };
    },
  },
];

const unleft = (body: AsyncIterable<Uint8Array>): (() => Promise<IteratorResult<Uint8Array>>) => {
  const source = body[Symbol.asyncIterator]();
  return () => source.next();
};

async function* signalled(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const piece of body) {
    if (signal.aborted) throw new GoferError('CANCELLED', 'given up');
    yield piece;
  }
}
