/**
 * A scheduler without a back end: tasks are played from a script, in memory and at once. For tests, demonstrations, and for watching
 * what the server does when a back end misbehaves.
 */
import { readFile } from 'node:fs/promises';
import type {
  ExecInput,
  ExecOutput,
  ExecRequest,
  HostAccess,
  ListedTask,
  LogChunk,
  LogsRequest,
  PluginHost,
  PluginInstance,
  Scheduler,
  SchedulerCapabilities,
  StartUpdate,
  TaskExit,
  TaskHandle,
  TaskInspection,
  TaskSpec,
} from '@gofer/contracts';
import { definePlugin, GoferError } from '@gofer/contracts';
import type { FakeConfig } from './fake-config.ts';
import { fakeConfigSchema } from './fake-config.ts';
import { runExec } from './fake-exec.ts';
import { fromCursor } from './fake-output.ts';
import type { FakeRule, FakeScript, FakeStep } from './fake-script.ts';
import { commandLine, INLINE_STEPS, readScript, readSteps, ScriptMatcher } from './fake-script.ts';
import { cancelled, FakeTask, pause } from './fake-task.ts';
import { FakeWorld } from './fake-world.ts';

export const fakeScheduler = definePlugin<'scheduler', FakeConfig>({
  contract: 'scheduler',
  apiVersion: 1,
  name: 'fake',
  configSchema: fakeConfigSchema,
  async create(config, host) {
    return new FakeScheduler(config, await scriptOf(config), host);
  },
});

async function scriptOf({ script = [] }: FakeConfig): Promise<FakeScript> {
  if (typeof script !== 'string') return readScript(script, 'script');
  try {
    return readScript(JSON.parse(await readFile(script, 'utf8')), script);
  } catch (error) {
    if (error instanceof GoferError) throw error;
    throw new GoferError('CONFIG_INVALID', `the script ${script} of the fake scheduler cannot be read: ${String(error)}`, { cause: error });
  }
}

const NO_RULE: FakeRule = {};

class FakeScheduler implements Scheduler, PluginInstance {
  readonly capabilities: SchedulerCapabilities;
  #matcher: ScriptMatcher;
  #world: FakeWorld;
  #closed = false;

  constructor(config: FakeConfig, script: FakeScript, host: PluginHost) {
    const { exec = true, endpoints = true, streams = true, replay = true, images = true } = config.capabilities ?? {};
    this.capabilities = { exec, endpoints, streams, replay, images, isolation: true };
    this.#matcher = new ScriptMatcher(script);
    this.#world = FakeWorld.enter(host.dataDirectory);
  }

  async *start(spec: TaskSpec, signal: AbortSignal): AsyncGenerator<StartUpdate> {
    if (signal.aborted) throw cancelled();
    const world = this.#world;
    for (let other = world.starting.get(spec.attemptId); other !== undefined; other = world.starting.get(spec.attemptId)) await other;
    let task = world.tasks.get(spec.attemptId);
    if (task === undefined) {
      if (spec.ports.length > 0 && !this.capabilities.endpoints) {
        throw new GoferError('UNSUPPORTED', 'this fake has no endpoints: start the task without ports');
      }
      const rule = this.#matcher.take(spec) ?? NO_RULE;
      if (rule.progress !== undefined || rule.start_delay_ms !== undefined) yield* this.#prepare(spec, rule, signal);
      if (signal.aborted) throw cancelled();
      if (rule.refuse !== undefined && (this.capabilities.images || !rule.refuse.code.startsWith('IMAGE_')))
        throw new GoferError(rule.refuse.code, rule.refuse.message);
      task = new FakeTask(spec, world.handleOf(spec.attemptId), rule, rule.steps ?? stepsOf(spec));
      world.tasks.set(spec.attemptId, task);
      task.run();
    }
    yield { kind: 'started', handle: task.handle, startedAt: task.startedAt };
  }

  /** What takes time before a start; a second start of the same attempt waits meanwhile. */
  async *#prepare(spec: TaskSpec, rule: FakeRule, signal: AbortSignal): AsyncGenerator<StartUpdate> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#world.starting.set(spec.attemptId, promise);
    try {
      for (const message of rule.progress ?? [undefined]) {
        if (message !== undefined) yield { kind: 'progress', message };
        if (rule.start_delay_ms !== undefined) await pause(rule.start_delay_ms, signal);
      }
    } finally {
      this.#world.starting.delete(spec.attemptId);
      resolve();
    }
  }

  async wait(handle: TaskHandle, signal: AbortSignal): Promise<TaskExit> {
    if (signal.aborted) throw cancelled();
    const task = this.#world.find(handle);
    if (task === undefined) {
      if (!this.#world.isLost(handle)) throw notFound(handle);
      return { kind: 'lost', reason: 'a fake task dies with the process that played it', endedAt: Date.now() };
    }
    await task.told(signal);
    if (task.removed) throw notFound(handle);
    if (signal.aborted || task.exit === undefined) throw cancelled();
    return task.exit;
  }

  async stop(handle: TaskHandle, graceMs: number): Promise<void> {
    await this.#world.find(handle)?.stop(graceMs);
  }

  async remove(handle: TaskHandle): Promise<void> {
    const task = this.#world.find(handle);
    if (task === undefined) return;
    this.#world.tasks.delete(task.spec.attemptId);
    task.remove();
  }

  async inspect(handle: TaskHandle): Promise<TaskInspection> {
    const task = this.#world.find(handle);
    if (task === undefined) return { state: 'gone', endpoints: [] };
    task.tell();
    if (task.exit !== undefined) return { state: 'exited', exit: task.exit, endpoints: [] };
    const endpoints = task.spec.ports.map((port) => ({
      port,
      url: task.rule.endpoints?.[String(port)] ?? `http://${task.spec.attemptId}.fake.invalid:${port}`,
    }));
    return { state: 'running', endpoints };
  }

  async *logs(handle: TaskHandle, request: LogsRequest, signal: AbortSignal): AsyncGenerator<LogChunk> {
    if (signal.aborted) throw cancelled();
    const task = this.#world.find(handle);
    if (task === undefined) throw notFound(handle);
    let offset = fromCursor(request.after);
    for (;;) {
      if (signal.aborted) throw cancelled();
      const chunk = task.output.read(offset);
      if (typeof chunk !== 'string') {
        yield this.capabilities.streams ? chunk : { ...chunk, stream: 'stdout' };
        offset = fromCursor(chunk.cursor);
        if (!this.capabilities.replay) task.output.forget(offset);
      } else if (task.removed) {
        throw notFound(handle);
      } else if (chunk === 'end' || !request.follow) {
        return;
      } else {
        await task.output.changed(signal);
      }
    }
  }

  async *exec(handle: TaskHandle, request: ExecRequest, signal: AbortSignal, input?: AsyncIterable<ExecInput>): AsyncGenerator<ExecOutput> {
    if (!this.capabilities.exec) throw new GoferError('UNSUPPORTED', 'this fake runs no further commands inside a task');
    if (signal.aborted) throw cancelled();
    const task = this.#world.find(handle);
    if (task === undefined || task.exit !== undefined) throw new GoferError('FAILED_PRECONDITION', 'the task does not run');
    yield* runExec(task, task.rule.exec ?? stepsOf(request), request.tty, signal, input);
  }

  async list(labels: Readonly<Record<string, string>>): Promise<readonly ListedTask[]> {
    const wanted = Object.entries(labels);
    const listed: ListedTask[] = [];
    for (const task of this.#world.tasks.values()) {
      if (!wanted.every(([key, value]) => task.spec.labels[key] === value)) continue;
      listed.push({ handle: task.handle, labels: { ...task.spec.labels }, state: task.exit === undefined ? 'running' : 'exited' });
    }
    return listed;
  }

  async hostAccess(): Promise<HostAccess> {
    return { address: '127.0.0.1' };
  }

  async health(): Promise<void> {
    if (this.#closed) throw new GoferError('UNAVAILABLE', 'the fake scheduler is closed');
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#world.leave();
  }
}

/** What a command does that no rule speaks of. */
function stepsOf(task: Pick<TaskSpec, 'entrypoint' | 'command'>): readonly FakeStep[] {
  const [program, argument] = [...(task.entrypoint ?? []), ...(task.command ?? [])];
  if (program === INLINE_STEPS) return readSteps(argument ?? '', `the argument of ${INLINE_STEPS}`);
  return [{ print: `${commandLine(task)}\n` }];
}

function notFound(handle: TaskHandle): GoferError {
  return new GoferError('NOT_FOUND', `the fake scheduler has no attempt ${JSON.stringify(handle)}; it was removed`);
}
