/**
 * Watches a run: a stream of logs for each task as it starts, all at once, until the run ends. Starts are learned from the event
 * stream and the end from a request that the server answers when the run has ended, so nothing is asked for twice.
 */
import { codeOf } from '@gofer/contracts';
import type { Event, LogMessage, Run, TaskExecution } from '@gofer/contracts/api';
import type { GoferClient } from '../api/gofer-client.ts';
import { followEvents } from './follow-events.ts';
import { followLog } from './follow-log.ts';
import { reconnecting } from './reconnect.ts';

export interface RunFollowerOptions {
  readonly client: GoferClient;
  readonly path: { readonly namespace_id: string; readonly pipeline_id: string; readonly run_id: number };
  /** False: what is there now, and no waiting. */
  readonly follow: boolean;
  /** False: one log after the other, in the order of their starts. */
  readonly together: boolean;
  /** Must resolve when there is room for more. */
  readonly onLines: (taskId: string, lines: LogMessage['lines']) => Promise<void>;
  /** A log that is not to be had, and why. */
  readonly onMissing: (taskId: string, why: string) => void;
  readonly onLost: () => void;
}

export interface FollowedRun {
  readonly run: Run;
  readonly tasks: readonly TaskExecution[];
}

/** Log streams open at a time; a task beyond them shows its whole log as soon as another has ended. */
const STREAMS_AT_ONCE = 256;
/** One answer of the server is waited for so long, in seconds; then it is asked again. */
const WAIT_SECONDS = 300;

export class RunFollower {
  readonly #options: RunFollowerOptions;
  readonly #begun = new Map<string, Promise<void>>();
  readonly #queue: (() => void)[] = [];
  readonly #failed = Promise.withResolvers<never>();
  #open = 0;

  constructor(options: RunFollowerOptions) {
    this.#options = options;
    // Whoever waits for the run hears of it; where nobody waits any more it must not end the process.
    this.#failed.promise.catch(() => undefined);
  }

  /** Resolves with the run as it ended (or, not following, as it is). Rejects if the server is lost for good, and when `signal` aborts. May be called once. */
  async follow(signal: AbortSignal): Promise<FollowedRun> {
    const watching = new AbortController();
    const reading = new AbortController();
    const readSignal = AbortSignal.any([signal, reading.signal]);
    try {
      // Listening before looking: what starts in between is seen by one of the two.
      if (this.#options.follow) await this.#watchStarts(AbortSignal.any([signal, watching.signal]), readSignal);
      this.#beginAll(await this.#tasks(), readSignal);
      const run = this.#options.follow ? await Promise.race([this.#untilEnded(signal), this.#failed.promise]) : await this.#run();
      watching.abort();
      const tasks = await this.#tasks();
      this.#beginAll(tasks, readSignal);
      await Promise.all(this.#begun.values());
      signal.throwIfAborted();
      return { run, tasks };
    } finally {
      watching.abort();
      reading.abort();
    }
  }

  /** Resolves once it listens; goes on until `signal` aborts. */
  #watchStarts(signal: AbortSignal, readSignal: AbortSignal): Promise<void> {
    const { client, onLost } = this.#options;
    const listening = Promise.withResolvers<void>();
    let opened = false;
    const onOpen = () => {
      listening.resolve();
      // After a gap: what began meanwhile is in the list, and was perhaps not among the events kept.
      if (opened) this.#tasks().then((tasks) => this.#beginAll(tasks, readSignal), this.#failed.reject);
      opened = true;
    };
    const watch = async () => {
      try {
        for await (const event of followEvents(client, { history: false, onOpen, onLost }, signal)) this.#see(event, readSignal);
      } catch (error) {
        // Whoever may not read events still may read this run: then every log is waited for from the beginning.
        if (codeOf(error) !== 'PERMISSION_DENIED' && codeOf(error) !== 'UNAUTHENTICATED') throw error;
        for (const { task_id } of await this.#tasks()) this.#begin(task_id, readSignal, false);
      } finally {
        listening.resolve();
      }
    };
    watch().catch(this.#failed.reject);
    return Promise.race([listening.promise, this.#failed.promise]);
  }

  #see(event: Event, signal: AbortSignal): void {
    const { namespace_id, pipeline_id, run_id } = this.#options.path;
    const { started_task_execution: start, completed_task_execution: end } = event.kind;
    const payload = start ?? end;
    // Of what ended without a start seen, only a failure has something to read: the reason.
    if (payload === undefined || (start === undefined && payload.status !== 'failed')) return;
    if (payload.namespace_id !== namespace_id || payload.pipeline_id !== pipeline_id || payload.run_id !== run_id) return;
    if (typeof payload.task_execution_id === 'string') this.#begin(payload.task_execution_id, signal, start !== undefined);
  }

  #beginAll(tasks: readonly TaskExecution[], signal: AbortSignal): void {
    const byStart = tasks.toSorted((one, other) => one.started - other.started);
    for (const { task_id, started, state, status, taken_from_run: from } of byStart) {
      // Its log is in the run that has run it.
      if (from !== undefined) continue;
      // What failed before it started has its reason in its log; what was skipped has none.
      const failedEarly = state === 'complete' && status === 'failed';
      if (started > 0 || failedEarly) this.#begin(task_id, signal, started > 0);
    }
  }

  /** `hasStarted`: it is known to have a log, so that a missing one is worth a word. */
  #begin(taskId: string, signal: AbortSignal, hasStarted: boolean): void {
    if (this.#begun.has(taskId)) return;
    const reading = this.#read(taskId, signal, hasStarted);
    reading.catch(this.#failed.reject);
    this.#begun.set(taskId, reading);
  }

  async #read(taskId: string, signal: AbortSignal, hasStarted: boolean): Promise<void> {
    const { client, path, follow, together, onLines, onMissing, onLost } = this.#options;
    if (this.#open >= (together ? STREAMS_AT_ONCE : 1)) await new Promise<void>((resolve) => this.#queue.push(resolve));
    this.#open += 1;
    try {
      for await (const { lines } of followLog(client, { ...path, task_id: taskId }, { follow, onLost }, signal))
        await onLines(taskId, lines);
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'NOT_FOUND' && code !== 'GONE') throw error;
      if (hasStarted) onMissing(taskId, error instanceof Error ? error.message : String(error));
    } finally {
      this.#open -= 1;
      this.#queue.shift()?.();
    }
  }

  async #untilEnded(signal: AbortSignal): Promise<Run> {
    const { client, path } = this.#options;
    async function* once(): AsyncGenerator<Run> {
      const { run } = await client.call(
        'get_run',
        { path, query: { wait: WAIT_SECONDS } },
        { silence: (WAIT_SECONDS + 60) * 1_000, signal },
      );
      yield run;
    }
    for (;;) {
      for await (const run of reconnecting(() => Promise.resolve(once()), { signal })) if (run.state === 'complete') return run;
      signal.throwIfAborted();
    }
  }

  async #run(): Promise<Run> {
    return (await this.#options.client.call('get_run', { path: this.#options.path })).run;
  }

  async #tasks(): Promise<TaskExecution[]> {
    return (await this.#options.client.call('list_task_executions', { path: this.#options.path })).task_executions;
  }
}
