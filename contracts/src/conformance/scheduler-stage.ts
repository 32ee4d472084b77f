/**
 * Where a law meets the plugin: one open instance, hosted directly or behind a port, and the attempts that laws have started on it,
 * which are removed behind each law. Everything that the instance returns is checked to be plain data.
 */
import { randomUUID } from 'node:crypto';
import { MessageChannel } from 'node:worker_threads';
import type { PluginHost, PluginInstance } from '../plugin.ts';
import { connectScheduler } from '../port/connect-scheduler.ts';
import { hostScheduler } from '../port/host-scheduler.ts';
import type { LogChunk, LogsRequest, Scheduler, StartUpdate, TaskExit, TaskHandle, TaskSpec } from '../scheduler.ts';
import { assert, assertEqual, begun, LawBroken } from './assertions.ts';
import { checkedScheduler } from './checked-scheduler.ts';
import { type Hosting, NEVER } from './law.ts';
import type { SchedulerHarness } from './scheduler-harness.ts';
import type { TaskProgram } from './task-program.ts';
import { shellProgram } from './task-program.ts';
import type { Stage } from './trial.ts';

export type OpenScheduler = Scheduler & PluginInstance;

export interface Started {
  readonly handle: TaskHandle;
  readonly startedAt: number;
  readonly spec: TaskSpec;
}

export interface Output {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly chunks: readonly LogChunk[];
}

const MOST_OUTPUT = 32 * 1024 * 1024;

export class SchedulerStage implements Stage {
  readonly harness: SchedulerHarness;
  readonly hosting: Hosting;
  /** Carried by every attempt of this stage. */
  readonly labels: Readonly<Record<string, string>>;
  #host: PluginHost;
  #logged: string[] = [];
  #scheduler: OpenScheduler | undefined;
  #started = new Map<string, { handle: TaskHandle; scheduler: OpenScheduler }>();

  private constructor(harness: SchedulerHarness, hosting: Hosting, dataDirectory: string) {
    this.harness = harness;
    this.hosting = hosting;
    const id = randomUUID();
    this.labels = { 'gofer.conformance': id };
    this.#host = {
      instanceId: `conformance-${id}`,
      dataDirectory,
      log: (...line) => void this.#logged.push(JSON.stringify(line)),
    };
  }

  static async open(harness: SchedulerHarness, hosting: Hosting, dataDirectory: string): Promise<SchedulerStage> {
    const stage = new SchedulerStage(harness, hosting, dataDirectory);
    stage.#scheduler = await stage.#create();
    return stage;
  }

  /** Every line that the plugin has given to its host's log, as JSON. */
  get logged(): readonly string[] {
    return this.#logged;
  }

  /** The plugin's own directory. */
  get dataDirectory(): string {
    return this.#host.dataDirectory;
  }

  get scheduler(): OpenScheduler {
    assert(this.#scheduler !== undefined, 'the stage is closed');
    return this.#scheduler;
  }

  /** Closes the instance and creates another over the same data, as a restart of the server does. */
  async reopen(): Promise<void> {
    await this.#scheduler?.close();
    this.#scheduler = await this.#create();
  }

  async #create(): Promise<OpenScheduler> {
    const instance = await this.harness.create(this.#host);
    if (this.hosting === 'directly') return checkedScheduler(instance);
    const { port1, port2 } = new MessageChannel();
    hostScheduler(instance, port1);
    return checkedScheduler(await connectScheduler(port2));
  }

  spec(program: TaskProgram, changes: Partial<TaskSpec> = {}): TaskSpec {
    const attemptId = randomUUID();
    const base = {
      attemptId,
      image: this.harness.image,
      env: {},
      pullPolicy: 'missing' as const,
      limits: {},
      ports: [],
    };
    return {
      ...base,
      ...(this.harness.express ?? shellProgram)(program),
      ...changes,
      labels: { ...this.labels, 'gofer.attempt': attemptId, ...changes.labels },
    };
  }

  async start(program: TaskProgram, changes: Partial<TaskSpec> = {}): Promise<Started> {
    return this.startSpec(this.spec(program, changes));
  }

  /** Starts and checks the updates: `started` once, last. */
  async startSpec(spec: TaskSpec, signal: AbortSignal = NEVER): Promise<Started> {
    const scheduler = this.scheduler;
    const updates: StartUpdate[] = [];
    for await (const update of scheduler.start(spec, signal)) {
      updates.push(update);
      if (update.kind === 'started') this.#started.set(spec.attemptId, { handle: update.handle, scheduler });
    }
    const last = updates.at(-1);
    assert(last?.kind === 'started', `start must end with "started"; it ended with ${last?.kind ?? 'nothing'}`);
    assert(updates.filter((update) => update.kind === 'started').length === 1, 'start must yield "started" once');
    assert(Number.isInteger(last.startedAt), 'startedAt must be whole epoch milliseconds');
    assert(JSON.stringify(JSON.parse(JSON.stringify(last.handle))) === JSON.stringify(last.handle), 'a handle must be JSON');
    return { handle: last.handle, startedAt: last.startedAt, spec };
  }

  wait(started: Started): Promise<TaskExit> {
    return begun(this.scheduler.wait(started.handle, NEVER));
  }

  /** Ends a task gracefully; the grace is one that no law waits out. */
  stop(started: Started, graceMs = 300_000): Promise<void> {
    return begun(this.scheduler.stop(started.handle, graceMs));
  }

  exitCode(started: Started): Promise<number> {
    const code = this.wait(started).then((end) => {
      if (end.kind !== 'exited') throw new LawBroken(`expected an exit, got lost: ${end.reason}`);
      return end.exitCode;
    });
    return begun(code);
  }

  async logs(started: Started, request: LogsRequest = { follow: true }): Promise<Output> {
    const chunks: LogChunk[] = [];
    let read = 0;
    for await (const chunk of this.scheduler.logs(started.handle, request, NEVER)) {
      chunks.push(chunk);
      read += chunk.bytes.byteLength;
      // Checked here too: what always has a next chunk ready would not let a timer fire.
      if (read > MOST_OUTPUT) throw new LawBroken(`logs gave more than ${MOST_OUTPUT} bytes; no law's task writes so much`);
    }
    return toOutput(chunks);
  }

  /** Reads until the task's standard output begins with `text`, leaves the task running, and gives what was read. */
  async seen(started: Started, text: string): Promise<readonly LogChunk[]> {
    const chunks: LogChunk[] = [];
    for await (const chunk of this.scheduler.logs(started.handle, { follow: true }, NEVER)) {
      chunks.push(chunk);
      if (new TextDecoder().decode(toOutput(chunks).stdout).startsWith(text)) return chunks;
    }
    throw new LawBroken(`logs with follow ended before "${text}" was read`);
  }

  /** The whole output, given what a reader has read of it and kept: only what follows has to be there still. */
  async restOf(started: Started, read: readonly LogChunk[]): Promise<Output> {
    const after = read.at(-1)?.cursor;
    const rest = await this.logs(started, after === undefined ? { follow: true } : { follow: true, after });
    return toOutput([...read, ...rest.chunks]);
  }

  /** The attempt ids of this stage that `list` reports. */
  async listed(labels: Readonly<Record<string, string>> = this.labels): Promise<readonly string[]> {
    const tasks = await this.scheduler.list(labels);
    return tasks.map((task) => task.labels['gofer.attempt'] ?? '').toSorted();
  }

  /** Removes what a law has started. */
  async sweep(): Promise<void> {
    const started = [...this.#started.values()];
    this.#started.clear();
    for (const { handle, scheduler } of started) await (this.#scheduler ?? scheduler).remove(handle);
  }

  async assertEmpty(): Promise<void> {
    assertEqual(await this.listed(), [], 'attempts left after all were removed');
  }

  async close(): Promise<void> {
    await this.#scheduler?.close();
    this.#scheduler = undefined;
  }
}

export function toOutput(chunks: readonly LogChunk[]): Output {
  const join = (stream: LogChunk['stream']): Uint8Array =>
    concat(chunks.filter((chunk) => chunk.stream === stream).map((chunk) => chunk.bytes));
  return { stdout: join('stdout'), stderr: join('stderr'), chunks };
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}
