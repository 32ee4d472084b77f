/** What can be wrong with `logs`. */
import type { LogChunk } from '@gofer/contracts';
import type { BrokenScheduler } from './broken-scheduler.ts';
import { chunks, execItems, inEnds, NEVER } from './broken-scheduler.ts';

const gone = (): Promise<never> => new Promise(() => undefined);

export const BROKEN_LOGS: readonly BrokenScheduler[] = [
  {
    fault: 'loses the last byte of a chunk',
    fails: ['logs: gives every byte', 'wait: a task that ends at once', 'exec: gives every byte'],
    breaks: (sound) => ({
      ...chunks((chunk) => (chunk.bytes.byteLength < 2 ? undefined : { ...chunk, bytes: chunk.bytes.slice(0, -1) }))(sound),
      ...execItems((item) => (item.kind === 'data' ? { ...item, bytes: item.bytes.slice(0, -1) } : item))(sound),
    }),
  },
  {
    fault: 'takes bytes for text',
    fails: ['logs: gives every byte'],
    breaks: chunks((chunk) => ({ ...chunk, bytes: new TextEncoder().encode(new TextDecoder().decode(chunk.bytes)) })),
  },
  {
    fault: 'adds a newline at the end of a chunk',
    fails: ['logs: gives every byte', 'logs: gives 10 MiB'],
    breaks: chunks((chunk) => ({ ...chunk, bytes: Uint8Array.from([...chunk.bytes, 10]) })),
  },
  {
    fault: 'does not tell the streams apart',
    fails: ['logs: gives every byte', 'logs: gives the whole output'],
    breaks: chunks((chunk) => ({ ...chunk, stream: 'stdout' })),
  },
  {
    fault: 'gives one stream behind the other',
    fails: ['logs: gives the two streams'],
    breaks: (sound) => ({
      async *logs(...args) {
        const errors: LogChunk[] = [];
        for await (const chunk of sound.logs(...args)) {
          if (chunk.stream === 'stderr') errors.push(chunk);
          else yield chunk;
        }
        yield* errors;
      },
    }),
  },
  {
    fault: 'gives an empty chunk',
    fails: ['logs: gives every byte'],
    breaks: chunks((chunk) => ({ ...chunk, bytes: new Uint8Array() })),
  },
  {
    fault: 'never ends the logs',
    fails: ['logs: ends at once', 'logs: follow gives'],
    breaks: (sound) => ({
      async *logs(...args) {
        yield* sound.logs(...args);
        await gone();
      },
    }),
  },
  {
    fault: 'takes no follow for follow',
    fails: ['logs: without follow'],
    breaks: (sound) => ({ logs: (handle, request, signal) => sound.logs(handle, { ...request, follow: true }, signal) }),
  },
  {
    fault: 'takes follow for no follow',
    fails: ['logs: follow gives'],
    breaks: (sound) => ({ logs: (handle, request, signal) => sound.logs(handle, { ...request, follow: false }, signal) }),
  },
  {
    fault: 'has no output for one who comes late',
    fails: ['logs: gives the whole output'],
    breaks: (sound) => ({
      async *logs(handle, request, signal) {
        if (!(await inEnds(sound, handle))) yield* sound.logs(handle, request, signal);
      },
    }),
  },
  {
    fault: 'gives its output once though it promises replay',
    fails: ['logs: with replay gives'],
    lacks: { replay: false },
    declares: { replay: true },
    breaks: () => ({}),
  },
  {
    fault: 'repeats the last chunk to one who resumes',
    fails: ['logs: with replay, what follows', 'logs: a reader that leaves', 'logs: a cursor is good'],
    breaks(sound) {
      const before = new Map<string, string | undefined>();
      return {
        async *logs(handle, request, signal) {
          const after = request.after === undefined ? undefined : before.get(request.after);
          let previous = after;
          for await (const chunk of sound.logs(handle, after === undefined ? { follow: request.follow } : { ...request, after }, signal)) {
            before.set(chunk.cursor, previous);
            previous = chunk.cursor;
            yield chunk;
          }
        },
      };
    },
  },
  {
    fault: 'forgets a chunk before its reader has kept it',
    fails: ['logs: a chunk is still there'],
    lacks: { replay: false },
    breaks: (sound) => ({
      async *logs(...args) {
        const source = sound.logs(...args)[Symbol.asyncIterator]();
        let coming = source.next();
        for (let item = await coming; item.done !== true; item = await coming) {
          coming = source.next();
          yield item.value;
        }
      },
    }),
  },
  {
    fault: 'does not hear an abort of logs',
    fails: ['logs: rejects with CANCELLED'],
    breaks: (sound) => ({ logs: (handle, request) => sound.logs(handle, request, NEVER) }),
  },
  {
    fault: 'reads ahead without bound',
    fails: ['logs: waits for a reader'],
    breaks: (sound) => ({
      async *logs(...args) {
        const ahead: LogChunk[] = [];
        for await (const chunk of sound.logs(...args)) ahead.push(chunk);
        yield* ahead;
      },
    }),
  },
];
