import { randomUUID } from 'node:crypto';
import { GoferError, type Scheduler, type TaskHandle } from '@gofer/contracts';
import { plugin } from '@gofer/scheduler-fake';
import { describe, expect, it } from 'vitest';
import { SYSTEM_CLOCK } from '../clock/clock.ts';
import { quiet, VirtualClock } from '../clock/virtual-clock.ts';
import { ContainerHost } from './container-host.ts';
import { type ExtensionStart, NOWHERE, type RunningExtension } from './extension-host.ts';
import { sweepExtensionLeftovers } from './extension-leftovers.ts';

const NEVER = new AbortController().signal;
const REACHED = 'http://127.0.0.1:32768';

type FakeConfig = Parameters<typeof plugin.create>[0];
const RUNS = { steps: [{ print: 'ready\n' }, { sleep_ms: 600_000 }], endpoints: { '8082': REACHED } } as const;

const open = (config: FakeConfig) =>
  plugin.create(config, { instanceId: 'test', dataDirectory: randomUUID(), log: () => undefined }) as Promise<Scheduler>;
const hostOf = (scheduler: Scheduler, options: { useTls?: boolean; clock?: VirtualClock } = {}) =>
  new ContainerHost({ engine: 'fake', scheduler, instanceId: 'test', useTls: false, clock: SYSTEM_CLOCK, log: () => {}, ...options });
const start = (): ExtensionStart => ({
  uid: randomUUID(),
  extensionId: 'cron',
  extensionUid: 'extension-uid',
  image: 'example/cron',
  registryAuth: { username: 'me', password: 'hidden' },
  env: { GOFER_EXTENSION_SYSTEM_ID: 'cron' },
});

/** `scheduler` with its first answers to some methods replaced: each entry is thrown, or lets the call through. */
function disturbed(scheduler: Scheduler, faults: Partial<Record<keyof Scheduler, (GoferError | undefined)[]>>): Scheduler {
  return new Proxy(scheduler, {
    get(target, name: keyof Scheduler) {
      const method = target[name];
      if (typeof method !== 'function') return method;
      return (...args: never[]) => {
        const fault = faults[name]?.shift();
        if (fault === undefined) return Reflect.apply(method, target, args) as unknown;
        if (name === 'start' || name === 'logs')
          return {
            [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(fault) }),
          };
        return Promise.reject(fault);
      };
    },
  });
}
/** What a proxy hands out, which is no instance of the class itself. */
function bound(scheduler: Scheduler, name: keyof Scheduler): unknown {
  const member: unknown = scheduler[name];
  return typeof member === 'function' ? (member.bind(scheduler) as unknown) : member;
}
const away = () => new GoferError('UNAVAILABLE', 'the engine is away');

async function text(extension: RunningExtension): Promise<string> {
  let all = '';
  for await (const { bytes } of extension.logs(undefined, NEVER)) all += Buffer.from(bytes).toString();
  return all;
}

describe('extensions as tasks of a scheduler', () => {
  it('are started with a port, an address and labels, and stopped', async () => {
    const scheduler = await open({ script: [{ image: 'example/cron', ...RUNS, steps: [{ environment: true }, { sleep_ms: 600_000 }] }] });
    const begun = start();
    const extension = await hostOf(scheduler).start(begun, () => {}, NEVER);
    expect(extension.url).toBe(REACHED);
    const [task] = await scheduler.list({ instance: 'test', extension: 'extension-uid', attempt: begun.uid, engine: 'fake' });
    expect(task).toMatchObject({ state: 'running', handle: extension.handle });
    const written = text(extension);
    await extension.stop(60_000);
    expect(await extension.ended).toEqual({ exitCode: 143, reason: expect.stringContaining('exit code 143') });
    expect(await written).toBe('GOFER_EXTENSION_SYSTEM_ID=cron\nGOFER_EXTENSION_SYSTEM_BIND_ADDRESS=0.0.0.0:8082\n');
    await hostOf(scheduler).remove(extension.handle as TaskHandle);
    expect(await scheduler.list({})).toEqual([]);
  });

  it('are reached by HTTPS where they serve that', async () => {
    const scheduler = await open({ script: [RUNS] });
    const extension = await hostOf(scheduler, { useTls: true }).start(start(), () => {}, NEVER);
    expect(extension.url).toBe('https://127.0.0.1:32768');
    await extension.stop(0);
  });

  it('run from the image that is here where it cannot be pulled', async () => {
    for (const code of ['IMAGE_PULL_FAILED', 'IMAGE_NOT_FOUND'] as const) {
      const scheduler = await open({ script: [{ times: 1, refuse: { code, message: 'the registry is away' } }, RUNS] });
      const said: string[] = [];
      const extension = await hostOf(scheduler).start(start(), (message) => said.push(message), NEVER);
      expect(said).toEqual(['the image could not be pulled, trying the one that is here: the registry is away']);
      await extension.stop(0);
    }
  });

  it('that have no image anywhere are refused for what the registry said', async () => {
    const scheduler = await open({
      script: [
        { times: 1, refuse: { code: 'IMAGE_PULL_FAILED', message: 'the registry is away' } },
        { refuse: { code: 'IMAGE_NOT_FOUND', message: 'not here either' } },
      ],
    });
    await expect(hostOf(scheduler).start(start(), () => {}, NEVER)).rejects.toMatchObject({
      code: 'IMAGE_PULL_FAILED',
      message: 'the registry is away',
    });
    expect(await scheduler.list({})).toEqual([]);
  });

  it('cannot be run without ports, which is said with what can be done', async () => {
    const scheduler = await open({ capabilities: { endpoints: false } });
    await expect(hostOf(scheduler).start(start(), () => {}, NEVER)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/builtin:NAME.*docker/),
    });
  });

  it('that end at once can be read', async () => {
    const scheduler = await open({ script: [{ steps: [{ print: 'no key\n' }, { exit: 3 }] }] });
    const extension = await hostOf(scheduler).start(start(), () => {}, NEVER);
    expect(extension.url).toBe(NOWHERE);
    expect(await extension.ended).toEqual({ exitCode: 3, reason: expect.stringContaining('exit code 3') });
    expect(await text(extension)).toBe('no key\n');
  });

  it('wait for a scheduler that is away, and no longer than that is of use', async () => {
    const clock = new VirtualClock(0);
    const scheduler = disturbed(await open({ script: [RUNS] }), {
      start: [away(), away()],
      inspect: [away()],
      wait: [away()],
      stop: [away()],
    });
    const said: string[] = [];
    const starting = hostOf(scheduler, { clock }).start(start(), (message) => said.push(message), NEVER);
    const extension = await passTime(clock, starting);
    expect(extension.url).toBe(REACHED);
    expect(said).toEqual(Array.from({ length: 3 }, () => 'the scheduler cannot be reached, trying again: the engine is away'));
    await passTime(clock, extension.stop(0));
    expect(await passTime(clock, extension.ended)).toMatchObject({ exitCode: 137 });

    const gone = disturbed(await open({}), { start: Array.from({ length: 1000 }, away) });
    const error = passTime(
      clock,
      hostOf(gone, { clock })
        .start(start(), () => {}, NEVER)
        .catch((caught: unknown) => caught),
    );
    expect(await error).toMatchObject({ code: 'UNAVAILABLE' });
  });

  it('are not left running where nobody can say how they are reached, or the start is given up', async () => {
    const clock = new VirtualClock(0);
    const sound = await open({ script: [RUNS] });
    // Like an engine that has not published the port.
    const hidden = new Proxy(sound, {
      get(target, name: keyof Scheduler) {
        if (name === 'inspect') return async () => ({ state: 'running', endpoints: [] });
        return bound(target, name);
      },
    });
    const failing = hostOf(hidden, { clock }).start(start(), () => {}, NEVER);
    const error = await passTime(
      clock,
      failing.catch((caught: unknown) => caught),
    );
    expect(error).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('port 8082') });
    expect(await sound.list({})).toEqual([]);

    const abort = new AbortController();
    const given = hostOf(hidden, { clock }).start(start(), () => {}, abort.signal);
    await quiet();
    abort.abort();
    await expect(given).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await sound.list({})).toEqual([]);
  });

  it('are not left running where the scheduler went away while it started one', async () => {
    const clock = new VirtualClock(0);
    const sound = await open({ script: [RUNS] });
    const leaving = new Proxy(sound, {
      get(target, name: keyof Scheduler) {
        if (name !== 'start') return bound(target, name);
        return async function* (...args: Parameters<Scheduler['start']>) {
          for await (const update of target.start(...args)) if (update.kind === 'started') throw away();
          yield* [];
        };
      },
    });
    const abort = new AbortController();
    const given = hostOf(leaving, { clock }).start(start(), () => abort.abort(), abort.signal);
    await expect(given).rejects.toMatchObject({ code: 'CANCELLED' });
    await quiet();
    expect(await sound.list({})).toEqual([]);
  });

  it('are adopted while they run, and not once they have ended or are gone', async () => {
    const scheduler = await open({ script: [RUNS] });
    const host = hostOf(scheduler);
    const first = await host.start(start(), () => {}, NEVER);
    const handle = first.handle as TaskHandle;
    first.leave();
    const again = await host.adopt({ handle }, NEVER);
    expect(again).toMatchObject({ url: REACHED, handle });
    await again?.stop(0);
    expect(await again?.ended).toMatchObject({ exitCode: 137 });
    expect(await host.adopt({ handle }, NEVER)).toBeUndefined();
    await host.remove(handle);
    expect(await host.adopt({ handle }, NEVER)).toBeUndefined();
  });

  it('that are removed or lost have ended', async () => {
    const scheduler = await open({ script: [{ ...RUNS, steps: [{ lose: 'the disk is gone' }] }] });
    const lost = await hostOf(scheduler).start(start(), () => {}, NEVER);
    expect(await lost.ended).toEqual({ reason: 'it was lost: the disk is gone' });
    const removed = disturbed(await open({ script: [RUNS] }), { wait: [new GoferError('NOT_FOUND', 'no such container')] });
    const extension = await hostOf(removed).start(start(), () => {}, NEVER);
    expect(await extension.ended).toEqual({ reason: 'its container was removed' });
    await extension.stop(0);
  });
});

describe('the sweep of extensions', () => {
  it('removes those that nobody knows, of this instance only, and leaves tasks alone', async () => {
    const clock = new VirtualClock(0);
    const scheduler = await open({ script: [RUNS] });
    const host = hostOf(scheduler);
    const [known, unknown] = [start(), start()];
    for (const each of [known, unknown]) await host.start(each, () => {}, NEVER);
    await new ContainerHost({ engine: 'fake', scheduler, instanceId: 'another', useTls: false, clock, log: () => {} }).start(
      start(),
      () => {},
      NEVER,
    );
    const task = { ...spec(), labels: { instance: 'test', attempt: 'a-task' } };
    for await (const update of scheduler.start(task, NEVER)) expect(update.kind).toBe('started');

    const context = { instanceId: 'test', log: () => {}, clock, leave: NEVER };
    const sweeping = disturbed(scheduler, { list: [away()], remove: [away()] });
    await passTime(
      clock,
      sweepExtensionLeftovers('fake', sweeping, (uid) => uid === known.uid, context),
    );
    const left = (await scheduler.list({ instance: 'test' })).map(({ labels }) => labels['attempt']);
    expect(new Set(left)).toEqual(new Set([known.uid, 'a-task']));
    expect(await scheduler.list({ instance: 'another' })).toHaveLength(1);
    for (const { handle } of await scheduler.list({})) await scheduler.remove(handle);
  });
});

const spec = () => ({ attemptId: randomUUID(), image: 'task', env: {}, pullPolicy: 'missing', limits: {}, ports: [], labels: {} }) as const;

/** Turns `clock` until `promise` has settled. */
async function passTime<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  const over = new AbortController();
  promise.catch(() => {}).finally(() => over.abort());
  for (let steps = 0; !over.signal.aborted && steps < 10_000; steps += 1) {
    await quiet();
    if (!over.signal.aborted) clock.advance();
  }
  return await promise;
}
