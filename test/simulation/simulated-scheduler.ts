/**
 * The scheduler contract over the simulated engine, as one server has it: calls travel, take their time, arrive twice, find the engine
 * gone. Once the server is dead its calls are never answered, and what they were waiting for goes on or not as the engine likes.
 */
import {
  type ExecOutput,
  GoferError,
  type HostAccess,
  type ListedTask,
  type LogChunk,
  type LogsRequest,
  type PluginInstance,
  type Scheduler,
  type SchedulerCapabilities,
  type StartUpdate,
  type TaskExit,
  type TaskHandle,
  type TaskInspection,
  type TaskSpec,
} from '@gofer/contracts';
import type { SimulatedEngine } from './simulated-engine.ts';
import { SimulatedTask } from './simulated-task.ts';

/** The server whose calls these are. */
export interface Caller {
  readonly isDead: boolean;
  /** A moment at which the server may die. */
  point(name: string): void;
}

const LONGEST_TRAVEL_MS = 30_000;
const cancelled = (): GoferError => new GoferError('CANCELLED', 'the caller gave up');
const unavailable = (): GoferError => new GoferError('UNAVAILABLE', 'the simulated engine cannot be reached');

/** What a dead server waits for. */
function never(): Promise<never> {
  return new Promise(() => {});
}

export class SimulatedScheduler implements Scheduler, PluginInstance {
  readonly capabilities: SchedulerCapabilities;
  readonly #engine: SimulatedEngine;
  readonly #caller: Caller;
  /** Attempts whose output is being read. */
  readonly #read = new Set<string>();

  constructor(engine: SimulatedEngine, caller: Caller) {
    this.#engine = engine;
    this.#caller = caller;
    this.capabilities = { exec: false, endpoints: false, streams: true, replay: engine.replay, images: true, isolation: true };
  }

  async *start(spec: TaskSpec, signal: AbortSignal): AsyncGenerator<StartUpdate> {
    await this.#arrive('start', signal);
    const engine = this.#engine;
    let started = engine.start(spec);
    if (!(started instanceof SimulatedTask)) {
      for (let update = 0; update < started.behaviour.progress; update += 1) yield { kind: 'progress', message: `preparing ${update}` };
      if (engine.chance(engine.plan.doubleCall)) engine.start(spec);
      const launch = started;
      started = await this.#unlessAborted(launch.done, signal, () => launch.takeBack());
    }
    const task = started;
    await this.#return('start', signal, () => this.#takeBack(task));
    yield { kind: 'started', handle: task.handle, startedAt: task.startedAt };
  }

  async wait(handle: TaskHandle, signal: AbortSignal): Promise<TaskExit> {
    await this.#reach('wait', signal);
    const task = this.#find(handle);
    if (task === undefined) throw new GoferError('NOT_FOUND', 'it was removed');
    while (task.exit === undefined && !task.isRemoved) await this.#unlessAborted(task.changed(), signal);
    if (task.exit === undefined) throw new GoferError('NOT_FOUND', 'it was removed');
    await this.#reach('wait answers', signal);
    return task.exit;
  }

  async stop(handle: TaskHandle, graceMs: number): Promise<void> {
    await this.#arrive('stop');
    const task = this.#find(handle);
    if (task === undefined) return;
    task.stop(graceMs);
    if (this.#engine.chance(this.#engine.plan.doubleCall)) task.stop(graceMs);
    while (task.isRunning) await task.changed();
    await this.#return('stop');
  }

  async remove(handle: TaskHandle): Promise<void> {
    await this.#arrive('remove');
    const task = this.#find(handle);
    if (task !== undefined) this.#engine.remove(task);
    await this.#return('remove');
  }

  async inspect(handle: TaskHandle): Promise<TaskInspection> {
    await this.#arrive('inspect');
    const task = this.#find(handle);
    await this.#return('inspect');
    if (task === undefined) return { state: 'gone', endpoints: [] };
    return task.isRunning ? { state: 'running', endpoints: [] } : { state: 'exited', endpoints: [], ...(task.exit && { exit: task.exit }) };
  }

  async *logs(handle: TaskHandle, { after, follow }: LogsRequest, signal: AbortSignal): AsyncGenerator<LogChunk> {
    const { attempt } = handle;
    if (typeof attempt !== 'string') throw new GoferError('NOT_FOUND', 'no handle of this engine');
    if (this.#read.has(attempt)) this.#engine.witness.violated(`the output of an attempt had two readers at once`);
    this.#read.add(attempt);
    try {
      await this.#arrive('logs', signal);
      yield* this.#output(handle, Number(after ?? 0), follow, signal);
    } catch (error) {
      const task = this.#find(handle);
      if (task !== undefined) task.brokenSince = this.#engine.clock.monotonic();
      throw error;
    } finally {
      this.#read.delete(attempt);
    }
  }

  async *#output(handle: TaskHandle, from: number, follow: boolean, signal: AbortSignal): AsyncGenerator<LogChunk> {
    const engine = this.#engine;
    const task = this.#find(handle);
    if (task === undefined) throw new GoferError('NOT_FOUND', 'it was removed');
    for (let next = Math.max(from, task.forgotten); ; ) {
      if (signal.aborted) throw cancelled();
      if (task.isRemoved) throw new GoferError('NOT_FOUND', 'it was removed');
      await this.#reach('output', signal);
      if (engine.chance(engine.plan.brokenOutput))
        throw new GoferError(engine.random.pick(['UNAVAILABLE', 'INTERNAL']), 'the stream broke');
      const { behaviour, lostSince } = task;
      if (lostSince !== undefined && behaviour.lostOutput === 'is lost') throw new GoferError('DATA_LOSS', 'its output is lost');
      const chunk = task.chunks[next];
      if (chunk !== undefined) {
        yield chunk;
        next += 1;
        if (!engine.replay) task.forgotten = next;
        continue;
      }
      const isOver = lostSince === undefined ? !task.isRunning : behaviour.lostOutput === 'ends';
      if (isOver || !follow) return;
      await this.#unlessAborted(task.changed(), signal);
    }
  }

  // oxlint-disable-next-line require-yield -- the contract's way to refuse
  async *exec(): AsyncGenerator<ExecOutput> {
    throw new GoferError('UNSUPPORTED', 'a simulated task runs no further commands');
  }

  async list(labels: Readonly<Record<string, string>>): Promise<readonly ListedTask[]> {
    await this.#arrive('list');
    const wanted = Object.entries(labels);
    const listed = [...this.#engine.tasks.values()]
      .filter(({ spec }) => wanted.every(([key, value]) => spec.labels[key] === value))
      .map(({ handle, spec, isRunning }): ListedTask => ({ handle, labels: spec.labels, state: isRunning ? 'running' : 'exited' }));
    await this.#return('list');
    return listed;
  }

  async hostAccess(): Promise<HostAccess> {
    return {};
  }

  async health(): Promise<void> {
    if (!this.#engine.isReachable) throw unavailable();
  }

  async close(): Promise<void> {
    // Nothing of the engine belongs to one server.
  }

  #find({ attempt }: TaskHandle): SimulatedTask | undefined {
    return typeof attempt === 'string' ? this.#engine.tasks.get(attempt) : undefined;
  }

  /** A start that succeeded, and of which nobody has heard, leaves nothing behind where it is given up. */
  #takeBack(task: SimulatedTask): void {
    task.isTakenBack = true;
    this.#engine.remove(task);
  }

  /** Of a call that finds no engine: rejects at once, or when whoever sent it has waited for long enough. */
  async #arrive(name: string, signal?: AbortSignal): Promise<void> {
    this.#caller.point(name);
    const { random, isReachable } = this.#engine;
    if (!isReachable) {
      if (random.chance(0.3)) await this.#travel(random.between(0, LONGEST_TRAVEL_MS), signal);
      if (this.#caller.isDead) return never();
      throw signal?.aborted === true ? cancelled() : unavailable();
    }
    await this.#lag(signal);
    if (signal?.aborted === true) throw cancelled();
  }

  /** Of a call that outlasts the engine's absence. */
  async #reach(name: string, signal: AbortSignal): Promise<void> {
    if (this.#caller.isDead) return never();
    if (name !== 'output') this.#caller.point(name);
    if (!this.#engine.isReachable) await this.#unlessAborted(this.#engine.reachable(), signal);
    if (name !== 'output') await this.#lag(signal);
    if (signal.aborted) throw cancelled();
  }

  async #return(name: string, signal?: AbortSignal, onAbort?: () => void): Promise<void> {
    this.#caller.point(`${name} answers`);
    await this.#lag(signal);
    if (signal?.aborted !== true) return;
    onAbort?.();
    throw cancelled();
  }

  async #lag(signal?: AbortSignal): Promise<void> {
    const { random, plan } = this.#engine;
    if (this.#engine.chance(plan.slowCall)) await this.#travel(random.between(1, LONGEST_TRAVEL_MS), signal);
    else if (random.chance(0.3)) await new Promise(setImmediate);
    if (this.#caller.isDead) return never();
  }

  #travel(ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#engine.clock.after(ms, resolve);
    return signal === undefined ? promise : this.#unlessAborted(promise, signal, undefined, resolve);
  }

  /** Waits as the living do: a dead server's signal reaches nobody. `onAbort` undoes; `end` is called where the waiting just ends early. */
  async #unlessAborted<T>(waiting: Promise<T>, signal: AbortSignal, onAbort?: () => void, end?: () => void): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>();
    const abort = (): void => {
      if (this.#caller.isDead) return;
      onAbort?.();
      if (end === undefined) reject(cancelled());
      else end();
    };
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    try {
      const value = await Promise.race([waiting, promise]);
      if (this.#caller.isDead) return await never();
      return value;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }
}
