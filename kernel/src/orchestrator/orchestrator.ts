/** Every unfinished run and its loop: takes new runs, finds the old ones again, and says what they wait for. */
import { GoferError, type PluginLog } from '@gofer/contracts';
import type { TaskAccess } from '../access/task-tokens.ts';
import { describeWaiting, effectiveRunLimit, type RunCancellation, unlimitedIfZero } from '../domain/index.ts';
import type { PipelineRecord } from '../storage/pipelines-table.ts';
import type { RunRecord } from '../storage/runs-table.ts';
import type { Store } from '../storage/store.ts';
import type { References } from '../stores/references.ts';
import type { SecretValues } from '../stores/secret-values.ts';
import type { DagEngine } from '../workers/dag/dag-engine.ts';
import type { LogStore } from '../workers/logs/log-store.ts';
import { Admission } from './admission.ts';
import { AttemptEnvironments } from './attempt-environment.ts';
import { CompiledConfigs } from './compiled-configs.ts';
import { sweepLeftovers } from './leftovers.ts';
import { Removals } from './removals.ts';
import type { NamedScheduler, RunContext } from './run-context.ts';
import { RunLoop } from './run-loop.ts';
import { RunSubject } from './run-subject.ts';
import { TaskSlots } from './task-slots.ts';

export interface OrchestratorOptions {
  readonly store: Store;
  readonly dag: DagEngine;
  readonly logs: LogStore;
  readonly references: References;
  readonly secrets: SecretValues;
  readonly taskAccess: TaskAccess;
  /** The first one takes new attempts; the others own attempts that they started earlier. */
  readonly schedulers: readonly [NamedScheduler, ...NamedScheduler[]];
  readonly limits: {
    /** Runs at once, in all and by pipeline; 0 for no limit. */
    readonly globalRuns: number;
    readonly pipelineRuns: number;
    /** Tasks with the scheduler at once; 0 for no limit. */
    readonly runningTasks: number;
  };
  /** Told of each run that has ended. */
  readonly runEnded?: (pipelineUid: string) => void;
  readonly log: PluginLog;
  readonly now?: () => number;
}

export class Orchestrator {
  readonly configs: CompiledConfigs;
  readonly #options: OrchestratorOptions;
  readonly #context: RunContext;
  readonly #admission: Admission;
  readonly #loops = new Map<string, RunLoop>();
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #leave = new AbortController();

  constructor(options: OrchestratorOptions) {
    const { store, dag, logs, schedulers, limits, log, references, secrets, taskAccess } = options;
    const now = options.now ?? Date.now;
    const leave = this.#leave.signal;
    this.#options = options;
    this.configs = new CompiledConfigs(store);
    const byEngine = new Map(schedulers.map(({ engine, scheduler }) => [engine, scheduler]));
    this.#context = {
      store,
      dag,
      logs,
      current: schedulers[0],
      schedulerOf: (engine) => byEngine.get(engine),
      slots: new TaskSlots(unlimitedIfZero(limits.runningTasks)),
      removals: new Removals(store, log),
      environments: new AttemptEnvironments({ store, references, secrets, taskAccess, logs, log, leave, now }),
      log,
      leave,
      now,
    };
    this.#admission = new Admission({ global: unlimitedIfZero(limits.globalRuns) }, (uid) => this.#loops.get(uid)?.post({ kind: 'begin' }));
  }

  get activeRuns(): number {
    return this.#loops.size;
  }

  /** What is taken of the server's limits now: runs that have begun, and tasks that are with a scheduler. */
  get load(): { readonly runs: number; readonly tasks: number } {
    return { runs: this.#admission.running, tasks: this.#context.slots.used };
  }

  /** Takes up every unfinished run of the database, those that had begun first, and removes what ended attempts left behind. */
  recover(): void {
    const { store } = this.#options;
    const unfinished = store.runs.unfinished();
    for (const run of unfinished.filter((candidate) => candidate.state === 'running')) this.#takeUp(run);
    for (const run of unfinished.filter((candidate) => candidate.state === 'pending')) this.#takeUp(run);
    for (const { engine, scheduler } of this.#options.schedulers) {
      sweepLeftovers(engine, scheduler, store, this.#context.removals, this.#context.log).catch((error: unknown) => {
        this.#context.log('warn', 'leftovers of ended tasks could not be looked for', { engine, reason: String(error) });
      });
    }
  }

  /** One that cannot be gone on with (a damaged or missing definition) ends as failed, and keeps no other from being found again. */
  #takeUp(run: RunRecord): void {
    try {
      this.#own(run);
    } catch (error) {
      const { store, now, log } = this.#context;
      const description = `it could not be taken up again: ${error instanceof Error ? error.message : String(error)}`;
      log('error', 'a run could not be taken up again', { run: run.uid, reason: description });
      const commit = store.commit(() => store.runs.complete(run.uid, now(), 'failed', { reason: 'failed_precondition', description }));
      commit.catch((reason: unknown) => log('error', 'the end of a run could not be written', { run: run.uid, error: String(reason) }));
    }
  }

  /** Takes a run that was just committed as `pending`. */
  submit(run: RunRecord): void {
    this.#own(run);
  }

  /** Asks for the end of the whole run. A run that has ended stays as it is. */
  cancelRun(runUid: string, cancellation: RunCancellation, graceMs: number): void {
    this.#loops.get(runUid)?.post({ kind: 'cancel-run', cancellation, graceMs });
  }

  /** Asks for the end of one task. One that has ended stays as it is. */
  cancelTask(runUid: string, taskId: string, graceMs: number): void {
    const loop = this.#loops.get(runUid);
    if (loop === undefined) return;
    const task = loop.subject.taskNumber(taskId);
    if (task !== undefined) loop.post({ kind: 'cancel-task', task, graceMs });
  }

  /** Why a run has not ended; undefined once it has. */
  runWaitingReason(run: RunRecord): string | undefined {
    const loop = this.#loops.get(run.uid);
    if (loop === undefined) return undefined;
    return this.#queueReason(run) ?? loop.waitingReason() ?? describeWaiting({ kind: 'starting' });
  }

  /** Why a task of an unfinished run does not go on; undefined for one that runs or has ended. */
  taskWaitingReason(runUid: string, taskId: string): string | undefined {
    const loop = this.#loops.get(runUid);
    const reason = loop?.taskWaitingReason(taskId);
    return reason === undefined || loop === undefined ? undefined : (this.#queueReason(loop.subject.run) ?? reason);
  }

  #queueReason(run: RunRecord): string | undefined {
    const queue = this.#admission.reason(run.uid, run.pipelineUid);
    if (queue === undefined) return undefined;
    const limit =
      queue.kind === 'pipeline-limit'
        ? ({ kind: 'pipeline-limit', runs: queue.limit } as const)
        : ({ kind: 'server-limit', runs: queue.limit } as const);
    return `${describeWaiting(limit)}; ${describeWaiting({ kind: 'queue', ahead: queue.ahead })}`;
  }

  isActive(runUid: string): boolean {
    return this.#loops.has(runUid);
  }

  /** Calls `listener` after each change of a run (it may have ended), until the returned function is called. */
  onChange(runUid: string, listener: () => void): () => void {
    let listeners = this.#listeners.get(runUid);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(runUid, listeners);
    }
    const kept = listeners;
    kept.add(listener);
    return () => {
      kept.delete(listener);
      if (kept.size === 0) this.#listeners.delete(runUid);
    };
  }

  /** Resolves when the run has ended (at once if it has); rejects with the signal's reason when that aborts first. */
  async whenEnded(runUid: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#loops.has(runUid)) return;
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        forget();
        reject(signal.reason);
      };
      const forget = this.onChange(runUid, () => {
        if (this.#loops.has(runUid)) return;
        forget();
        signal.removeEventListener('abort', abort);
        resolve();
      });
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  /** Leaves every run to the next server: nothing is stopped, nothing is decided any more. */
  async close(): Promise<void> {
    this.#leave.abort(new GoferError('CANCELLED', 'the server is stopping'));
    await this.#context.removals.close();
  }

  /** Resolves once every removal asked for so far has been done or has failed. */
  removalsDone(): Promise<void> {
    return this.#context.removals.drained();
  }

  #own(run: RunRecord): void {
    const { store, limits } = this.#options;
    const pipeline = store.pipelines.byUid(run.pipelineUid);
    if (pipeline === undefined) throw new Error(`run ${run.uid} has no pipeline`);
    const config = this.configs.get(run.pipelineUid, run.configVersion);
    const loop = new RunLoop(new RunSubject(run, pipeline, config), this.#context, {
      changed: () => this.#changed(run.uid),
      ended: () => this.#ended(run, pipeline),
    });
    this.#loops.set(run.uid, loop);
    if (run.state === 'running') {
      this.#admission.resume({ uid: run.uid, pipelineUid: run.pipelineUid });
      loop.post({ kind: 'resume' });
    } else {
      this.#admission.enqueue({
        uid: run.uid,
        pipelineUid: run.pipelineUid,
        limit: effectiveRunLimit(config.definition.parallelism, limits.pipelineRuns),
      });
    }
  }

  #ended(run: RunRecord, pipeline: PipelineRecord): void {
    this.#loops.delete(run.uid);
    this.#admission.finished(run.uid, pipeline.uid);
    this.#changed(run.uid);
    this.#options.runEnded?.(pipeline.uid);
  }

  #changed(runUid: string): void {
    const listeners = this.#listeners.get(runUid);
    if (listeners === undefined) return;
    for (const listener of listeners) listener();
  }
}
