/** Every unfinished run and its loop: takes new runs, finds the old ones again, and says what they wait for. */
import { GoferError, type PluginLog } from '@gofer/contracts';
import type { Concurrency } from '@gofer/contracts/pipeline';
import type { TaskAccess } from '../access/task-tokens.ts';
import { type Clock, SYSTEM_CLOCK } from '../clock/clock.ts';
import { effectiveRunLimit, type RunCancellation, runsThatGiveWay, unlimitedIfZero, type Waiting } from '../domain/index.ts';
import type { PipelineRecord } from '../storage/pipelines-table.ts';
import type { RunRecord } from '../storage/runs-table.ts';
import type { Store } from '../storage/store.ts';
import type { TaskCancellation } from '../storage/task-executions-table.ts';
import type { References } from '../stores/references.ts';
import type { SecretValues } from '../stores/secret-values.ts';
import type { DagEngine } from '../workers/dag/dag-engine.ts';
import type { LogStore } from '../workers/logs/log-store.ts';
import { abandonRecords } from './abandon-run.ts';
import { Admission } from './admission.ts';
import { AttemptEnvironments } from './attempt-environment.ts';
import { Beginnings } from './beginnings.ts';
import { CompiledConfigs } from './compiled-configs.ts';
import { sweepLeftovers } from './leftovers.ts';
import { neglectedRuns } from './neglected-runs.ts';
import { Recovery } from './recovery.ts';
import { Removals } from './removals.ts';
import type { NamedScheduler, RunContext } from './run-context.ts';
import { RunLoop } from './run-loop.ts';
import { RunStep } from './run-step.ts';
import { RunSubject } from './run-subject.ts';
import { TaskSlots } from './task-slots.ts';
import { Watchdog } from './watchdog.ts';

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
  /** Milliseconds between SIGTERM and SIGKILL where a limit ends a task or a run. */
  readonly stopGraceMs: number;
  readonly clock?: Clock;
  /** Evenly drawn from [0, 1); spreads retries. */
  readonly random?: () => number;
}

export class Orchestrator {
  readonly configs: CompiledConfigs;
  readonly #options: OrchestratorOptions;
  readonly #context: RunContext;
  readonly #admission: Admission;
  readonly #beginnings: Beginnings;
  readonly #loops = new Map<string, RunLoop>();
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #leave = new AbortController();
  readonly #recovery: Recovery;
  readonly #watchdog: Watchdog;
  /** When it began to take up what there was. */
  #recoveredAt = 0;

  constructor(options: OrchestratorOptions) {
    const { store, dag, logs, schedulers, limits, log, references, secrets, taskAccess } = options;
    const clock = options.clock ?? SYSTEM_CLOCK;
    const now = () => clock.now();
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
      removals: new Removals(store, log, clock),
      environments: new AttemptEnvironments({ store, references, secrets, taskAccess, logs, log, leave, now }),
      log,
      leave,
      clock,
      random: options.random ?? Math.random,
      stopGraceMs: options.stopGraceMs,
    };
    this.#beginnings = new Beginnings((uid) => this.#loops.get(uid)?.post({ kind: 'begin' }));
    this.#admission = new Admission({ global: unlimitedIfZero(limits.globalRuns) }, (uid) => this.#beginnings.add(uid));
    const inMemory = {
      store,
      loops: this.#loops,
      isQueued: (run: RunRecord) => this.#beginnings.isWaiting(run.uid) || this.#admission.reason(run.uid, run.pipelineUid) !== undefined,
      isActive: (runUid: string) => this.isActive(runUid),
      takeUp: (runUid: string) => this.#takeUpForgotten(runUid),
      enqueue: (loop: RunLoop) => this.#enqueue(loop),
    };
    this.#recovery = new Recovery((run) => this.#takeUp(run), leave);
    this.#watchdog = new Watchdog(() => neglectedRuns(inMemory), log, clock);
  }

  get activeRuns(): number {
    return this.#loops.size + this.#recovery.remaining;
  }

  /** Unfinished runs of an earlier server that are still to be taken up. */
  get recovering(): number {
    return this.#recovery.remaining;
  }

  get watchdog(): Watchdog {
    return this.#watchdog;
  }

  /** What is taken of the server's limits now: runs that have begun, and tasks that are with a scheduler. */
  get load(): { readonly runs: number; readonly tasks: number } {
    return { runs: this.#admission.running, tasks: this.#context.slots.used };
  }

  /** Takes up every unfinished run of the database, those that had begun first, and removes what ended attempts left behind. */
  recover(): void {
    const { store } = this.#options;
    const { slots, clock } = this.#context;
    this.#recoveredAt = clock.now();
    const unfinished = store.runs.unfinished();
    const begun = unfinished.filter(({ state }) => state === 'running');
    // All that runs is counted before anything new may begin.
    for (const run of begun) this.#admission.resume(run);
    slots.resume(store.attempts.countUnfinished());
    this.#recovery.begin([...begun, ...unfinished.filter(({ state }) => state === 'pending')]);
    for (const { engine, scheduler } of this.#options.schedulers) {
      sweepLeftovers(engine, scheduler, this.#context).catch((error: unknown) => {
        if (!this.#leave.signal.aborted)
          this.#context.log('warn', 'leftovers of ended tasks could not be looked for', { engine, reason: String(error) });
      });
    }
    this.#watchdog.start();
  }

  /** One that cannot be gone on with (a damaged or missing definition) ends as failed, and keeps no other from being found again. */
  #takeUp(run: RunRecord): void {
    try {
      this.#own(run);
    } catch (error) {
      const description = `it could not be taken up again: ${error instanceof Error ? error.message : String(error)}`;
      this.#context.log('error', 'a run could not be taken up again', { run: run.uid, reason: description });
      this.#admission.finished(run.uid, run.pipelineUid);
      this.#abandon(run, description).catch((fault: unknown) =>
        this.#context.log('error', 'the end of a run could not be written', { run: run.uid, error: String(fault) }),
      );
    }
  }

  /** Its slots were counted with all that had not ended. */
  async #abandon(run: RunRecord, description: string): Promise<void> {
    const { store, clock, slots } = this.#context;
    for (const { state } of store.attempts.listOfRun(run.uid)) if (state !== 'complete') slots.release();
    const metadata = store.pipelines.byUid(run.pipelineUid)?.metadata;
    const { namespace_id = '', pipeline_id = '' } = metadata ?? {};
    const named = { run, names: () => ({ namespace_id, pipeline_id, run_id: run.runId }) };
    const step = new RunStep();
    abandonRecords(named, this.#context, description, step);
    const ended = clock.now();
    step.write(() => {
      store.runs.complete(run.uid, ended, 'failed', { reason: 'failed_precondition', cause: 'internal', description });
      store.events.emit('completed_run', { ...named.names(), status: 'failed' }, ended);
    });
    await store.commit(() => step.performWrites());
    step.performActs();
    this.#changed(run.uid);
  }

  /** Takes a run that was just committed as `pending`. */
  submit(run: RunRecord): void {
    this.#beginnings.accepted();
    if (this.#recovery.remaining > 0) this.#recovery.append(run);
    else this.#own(run);
  }

  /** Asks for the end of the whole run. A run that has ended stays as it is. */
  cancelRun(runUid: string, cancellation: RunCancellation): void {
    this.#loopOf(runUid)?.post({ kind: 'cancel-run', cancellation });
  }

  /** Asks for the end of one task; resolves once that is on the disk. One that has ended stays as it is. */
  cancelTask(runUid: string, taskId: string, cancellation: TaskCancellation, graceMs: number): Promise<void> {
    const loop = this.#loopOf(runUid);
    const task = loop?.subject.taskNumber(taskId);
    if (loop === undefined || task === undefined) return Promise.resolve();
    const { leave } = this.#context;
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(leave.reason);
      leave.addEventListener('abort', abort, { once: true });
      const done = (): void => {
        leave.removeEventListener('abort', abort);
        resolve();
      };
      loop.post({ kind: 'cancel-task', task, cancellation, graceMs, done });
    });
  }

  /** What a run waits for; undefined once it has ended. */
  runWaiting(run: RunRecord): Waiting | undefined {
    if (this.#recovery.has(run.uid)) return { reason: { kind: 'recovering' }, since: this.#recoveredAt };
    const loop = this.#loops.get(run.uid);
    return loop === undefined ? undefined : (this.#queueing(loop) ?? loop.waiting());
  }

  /** What a task of an unfinished run waits for; undefined once it has ended. */
  taskWaiting(run: RunRecord, taskId: string): Waiting | undefined {
    const loop = this.#loops.get(run.uid);
    if (loop === undefined) return this.runWaiting(run);
    return this.#queueing(loop) ?? loop.taskWaiting(taskId);
  }

  #queueing({ subject }: RunLoop): Waiting | undefined {
    const { run, pipelineDefinition } = subject;
    const queue = this.#admission.reason(run.uid, run.pipelineUid);
    if (queue === undefined) return undefined;
    const kind = queue.kind === 'pipeline-limit' ? 'pipeline-limit' : 'server-limit';
    const { startTimeout } = pipelineDefinition;
    const limit = startTimeout === undefined ? {} : { until: run.started + startTimeout * 1000 };
    return { reason: { kind, runs: queue.limit, ahead: queue.ahead }, since: run.started, ...limit };
  }

  isActive(runUid: string): boolean {
    return this.#loops.has(runUid) || this.#recovery.has(runUid);
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
    if (!this.isActive(runUid)) return;
    await new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        forget();
        reject(signal.reason);
      };
      const forget = this.onChange(runUid, () => {
        if (this.isActive(runUid)) return;
        forget();
        signal.removeEventListener('abort', abort);
        resolve();
      });
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  /** Leaves every run to the next server: nothing is stopped, nothing is decided any more. */
  async close(): Promise<void> {
    this.#watchdog.stop();
    this.#leave.abort(new GoferError('CANCELLED', 'the server is stopping'));
    await this.#context.removals.close();
  }

  /** Resolves once every removal asked for so far has been done or has failed. */
  removalsDone(): Promise<void> {
    return this.#context.removals.drained();
  }

  #own(run: RunRecord): void {
    const { store } = this.#options;
    const pipeline = store.pipelines.byUid(run.pipelineUid);
    if (pipeline === undefined) throw new Error(`run ${run.uid} has no pipeline`);
    const config = this.configs.get(run.pipelineUid, run.configVersion);
    const loop = new RunLoop(new RunSubject(run, pipeline, config), this.#context, {
      changed: () => this.#changed(run.uid),
      ended: () => this.#ended(run, pipeline),
    });
    this.#loops.set(run.uid, loop);
    if (run.state === 'running') return loop.post({ kind: 'resume' });
    if (run.cancellation !== undefined) return loop.post({ kind: 'cancel-run', cancellation: run.cancellation });
    loop.post({ kind: 'queued' });
    this.#enqueue(loop);
    const { concurrency = 'queue', parallelism } = config.definition;
    if (concurrency !== 'queue') this.#makeRoom(run, concurrency, effectiveRunLimit(parallelism, this.#options.limits.pipelineRuns));
  }

  #enqueue({ subject }: RunLoop): void {
    const { run, pipelineDefinition } = subject;
    const limit = effectiveRunLimit(pipelineDefinition.parallelism, this.#options.limits.pipelineRuns);
    this.#admission.enqueue({ uid: run.uid, pipelineUid: run.pipelineUid, limit });
  }

  #takeUpForgotten(runUid: string): void {
    const run = this.#options.store.runs.byUid(runUid);
    if (run === undefined) return;
    const { store, slots } = this.#context;
    if (run.state === 'running') this.#admission.resume(run);
    // Whoever owned it has given back its slots.
    slots.resume(store.attempts.listOfRun(runUid).filter(({ state }) => state !== 'complete').length);
    this.#takeUp(run);
  }

  /** Found again from the database, so that it holds for every server that comes after. */
  #makeRoom(run: RunRecord, concurrency: Concurrency, limit: number): void {
    const { store, stopGraceMs, clock } = this.#context;
    const stay = store.runs
      .unfinishedOf(run.pipelineUid)
      .map(({ uid }) => this.#loops.get(uid))
      .filter((loop) => loop !== undefined && !loop.isEnding);
    for (const loop of runsThatGiveWay(concurrency, limit, stay)) {
      const description =
        concurrency === 'cancelOldest'
          ? `run ${run.runId} took its place (concurrency: cancel_oldest)`
          : `${limit === 1 ? 'another run' : `${limit} other runs`} had its place (concurrency: cancel_newest)`;
      const cancellation = { cause: 'concurrency', reason: 'admin_cancelled', description, at: clock.now() } as const;
      loop?.post({ kind: 'cancel-run', cancellation: { ...cancellation, graceMs: stopGraceMs, force: false } });
    }
  }

  #loopOf(runUid: string): RunLoop | undefined {
    this.#recovery.takeUp(runUid);
    return this.#loops.get(runUid);
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
