/**
 * Schedulers that each break the contract in one way, made from the fake: the suite of the contract has to find every one of them.
 * `fails` names laws by the beginning of their names, each of which must find the fault.
 */

import type { ExecOutput, LogChunk, PluginHost, PluginInstance, Scheduler, StartUpdate, TaskHandle } from '@gofer/contracts';
import { GoferError } from '@gofer/contracts';
import type { FakeConfig } from './fake-config.ts';
import type { FakeScript } from './fake-script.ts';
import { INLINE_STEPS } from './fake-script.ts';

type Whole = Scheduler & PluginInstance;

export interface BrokenScheduler {
  readonly fault: string;
  readonly fails: readonly string[];
  readonly lacks?: NonNullable<FakeConfig['capabilities']>;
  /** What the plugin says of itself beside the truth. */
  readonly declares?: NonNullable<FakeConfig['capabilities']>;
  readonly script?: FakeScript;
  /** What replaces the methods of the sound scheduler. Called for each instance. */
  readonly breaks: (sound: Whole, host: PluginHost) => Partial<Whole>;
}

const NEVER = new AbortController().signal;
const gone = (): Promise<never> => new Promise(() => undefined);

/** Changes each chunk of the logs; what becomes `undefined` is dropped. */
const chunks =
  (change: (chunk: LogChunk) => LogChunk | undefined) =>
  (sound: Whole): Partial<Whole> => ({
    async *logs(...args) {
      for await (const chunk of sound.logs(...args)) {
        const changed = change(chunk);
        if (changed !== undefined) yield changed;
      }
    },
  });

/** Changes each item of `exec`. */
const execItems =
  (change: (item: ExecOutput) => ExecOutput | undefined) =>
  (sound: Whole): Partial<Whole> => ({
    async *exec(...args) {
      for await (const item of sound.exec(...args)) {
        const changed = change(item);
        if (changed !== undefined) yield changed;
      }
    },
  });

const inEnds = async (sound: Whole, handle: TaskHandle): Promise<boolean> => (await sound.inspect(handle)).state === 'exited';

const withoutCode = (error: unknown): Error => new Error(String(error));

class Opaque {
  readonly state = 'running';
  readonly endpoints = [];
}

const BROKEN_STARTS: readonly BrokenScheduler[] = [
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
    fails: ["start: neither a task's environment"],
    breaks: (sound, host) => ({
      start(spec, signal) {
        host.log('debug', 'starting', { spec });
        return sound.start(spec, signal);
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

const BROKEN_ENDS: readonly BrokenScheduler[] = [
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

const BROKEN_LOGS: readonly BrokenScheduler[] = [
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

const BROKEN_REST: readonly BrokenScheduler[] = [
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

export const BROKEN_SCHEDULERS: readonly BrokenScheduler[] = [...BROKEN_STARTS, ...BROKEN_ENDS, ...BROKEN_LOGS, ...BROKEN_REST];
