/**
 * The one owner of an active run. Everything that happens to the run is a message; the messages that have come are handled in order:
 * decide (pure), commit (one transaction with everything that changes), act (start, stop, remove). The database is the truth: a loop
 * that dies with its server is built again from it by `resume`, and every act can be repeated.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf } from '@gofer/contracts';
import type { TaskDefinition } from '@gofer/contracts/pipeline';
import { uuidv7 } from 'uuidv7';
import {
  applyDecision,
  changeRun,
  changeTask,
  countersFrom,
  createRunCounters,
  type Decision,
  describeWaiting,
  type FinalStatus,
  finalStatusOf,
  mergeVariables,
  type RunCancellation,
  type RunCounters,
  type RunLife,
  systemVariables,
  type TaskChange,
  type TaskLife,
  type Variable,
} from '../domain/index.ts';
import type { PipelineRecord } from '../storage/pipelines-table.ts';
import type { RunRecord } from '../storage/runs-table.ts';
import type { TaskRecord } from '../storage/task-executions-table.ts';
import { type AttemptEnd, stopWithPatience, watchAttempt } from './attempt-watch.ts';
import type { CompiledConfig } from './compiled-configs.ts';
import { type LiveAttempt, type LiveTask, waitingReasonOf } from './live-task.ts';
import type { RunContext } from './run-context.ts';
import type { RunMessage } from './run-message.ts';
import { RunStep } from './run-step.ts';
import { taskSpec } from './task-spec.ts';

export interface RunListener {
  /** After every commit that changed the run. */
  changed(): void;
  /** Once, after the commit that ended it. */
  ended(): void;
}

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;

export class RunLoop {
  readonly run: RunRecord;
  readonly pipeline: PipelineRecord;
  readonly #config: CompiledConfig;
  readonly #context: RunContext;
  readonly #listener: RunListener;
  readonly #live = new Map<number, LiveTask>();
  readonly #unsuccessful = new Set<string>();
  #mailbox: RunMessage[] = [];
  #busy = false;
  #life: RunLife;
  #counters: RunCounters;
  #trouble: string | undefined;

  constructor(run: RunRecord, pipeline: PipelineRecord, config: CompiledConfig, context: RunContext, listener: RunListener) {
    this.run = run;
    this.pipeline = pipeline;
    this.#config = config;
    this.#context = context;
    this.#listener = listener;
    this.#life = run.state === 'running' ? { state: 'running' } : { state: 'pending' };
    this.#counters = createRunCounters(config.graph);
  }

  post(message: RunMessage): void {
    if (this.#life.state === 'complete' && !this.#busy) return this.#discard(message);
    this.#mailbox.push(message);
    if (this.#busy) return;
    this.#busy = true;
    void this.#drain();
  }

  /** Why the run does not go on, where that is known here (a queued run is known to the admission). */
  waitingReason(): string | undefined {
    if (this.#trouble !== undefined) return this.#trouble;
    if (this.#life.state !== 'running') return undefined;
    const names = [...this.#live.keys()].map((task) => this.#taskId(task));
    if (this.#life.cancellation !== undefined)
      return describeWaiting({ kind: 'cancelling', detail: `waiting for ${names.join(', ')} to end` });
    if (names.length === 0) return describeWaiting({ kind: 'recovering' });
    return describeWaiting({ kind: 'parents', taskIds: names });
  }

  /** Why a task does not go on; undefined for one that runs or has ended. */
  taskWaitingReason(taskId: string): string | undefined {
    if (this.#trouble !== undefined) return this.#trouble;
    const { graph } = this.#config;
    const task = graph.taskIds.indexOf(taskId);
    if (task < 0 || finalStatusOf(this.#counters, task) !== undefined) return undefined;
    const live = this.#live.get(task);
    if (live !== undefined) {
      const reason = waitingReasonOf(live, this.#context.slots.capacity);
      return reason === undefined ? undefined : describeWaiting(reason);
    }
    const parents = graph.parents.subarray(graph.parentOffsets[task], graph.parentOffsets[task + 1]);
    const taskIds = [...parents]
      .filter((parent) => finalStatusOf(this.#counters, parent) === undefined)
      .map((parent) => this.#taskId(parent));
    return taskIds.length > 0 ? describeWaiting({ kind: 'parents', taskIds }) : undefined;
  }

  async #drain(): Promise<void> {
    try {
      while (this.#mailbox.length > 0 && this.#life.state !== 'complete') {
        const messages = this.#mailbox;
        this.#mailbox = [];
        await this.#turn(messages);
      }
    } catch (error) {
      if (!this.#context.leave.aborted) await this.#giveUp(error);
    } finally {
      this.#busy = false;
      for (const message of this.#mailbox.splice(0)) {
        if (this.#life.state === 'complete') this.#discard(message);
        else this.post(message);
      }
    }
  }

  /** What comes after the end changes nothing, but a slot that was granted meanwhile is given back. */
  #discard(message: RunMessage): void {
    if (message.kind === 'slot') this.#context.slots.release();
  }

  async #turn(messages: readonly RunMessage[]): Promise<void> {
    const step = new RunStep();
    for (const message of messages) this.#handle(message, step);
    let decision: Decision | undefined;
    if (step.needsDecision) {
      const cancelled = this.#life.state === 'complete' || (this.#life.state === 'running' && this.#life.cancellation !== undefined);
      decision = await this.#context.dag.decide(this.#config.graph, this.#counters, step.finished, { cancelled });
      this.#follow(decision, step);
    }
    if (step.isEmpty) return;
    await this.#commit(step);
    if (decision !== undefined) applyDecision(this.#config.graph, this.#counters, step.finished, decision);
    step.performActs();
    this.#listener.changed();
    if (this.#life.state === 'complete') this.#listener.ended();
  }

  #handle(message: RunMessage, step: RunStep): void {
    switch (message.kind) {
      case 'begin':
        return this.#begin(step);
      case 'resume':
        return this.#resume(step);
      case 'slot': {
        const live = this.#live.get(message.task);
        if (live === undefined) return step.act(() => this.#context.slots.release());
        return this.#startAttempt(live, step);
      }
      case 'started':
        return this.#started(message, step);
      case 'ended':
        return this.#ended(message, step);
      case 'cancel-run':
        return this.#cancelRun(message.cancellation, message.graceMs, step);
      case 'cancel-task':
        return this.#cancelTask(message.task, message.graceMs, step);
    }
  }

  #begin(step: RunStep): void {
    if (this.#life.state !== 'pending') return;
    const { store, now } = this.#context;
    this.#life = changeRun(this.#life, { kind: 'admitted' });
    step.mustDecide = true;
    step.write(() => {
      store.runs.setRunning(this.run.uid);
      store.events.emit('started_run', this.#names(), now());
    });
  }

  /** Takes up what the database says: what has ended is counted, what is with a scheduler is watched, the rest is decided again. */
  #resume(step: RunStep): void {
    const { store } = this.#context;
    const statuses = new Map<number, FinalStatus>();
    for (const record of store.taskExecutions.list(this.run.uid)) {
      const task = this.#config.graph.taskIds.indexOf(record.taskId);
      if (record.state !== 'complete') {
        this.#takeUp(task, record, step);
      } else if (record.status !== 'unknown') {
        statuses.set(task, record.status);
        if (record.status === 'failed' || record.status === 'cancelled') this.#unsuccessful.add(record.taskId);
      }
    }
    this.#counters = countersFrom(this.#config.graph, statuses);
    step.mustDecide = true;
  }

  #takeUp(task: number, record: TaskRecord, step: RunStep): void {
    const { store, slots } = this.#context;
    const latest = store.attempts.listOfTask(this.run.uid, record.taskId).at(-1);
    const attempt: LiveAttempt | undefined =
      latest === undefined ? undefined : { uid: latest.uid, number: latest.number, engine: latest.engine, handle: latest.handle };
    const life: TaskLife = record.state === 'running' ? { state: 'running', startedAt: record.started } : { state: 'processing' };
    const live: LiveTask = {
      task,
      variables: record.variables,
      life,
      attempt,
      cancelStart: new AbortController(),
      cancelGraceMs: record.cancelGraceMs,
      progress: undefined,
    };
    this.#live.set(task, live);
    if (attempt === undefined) {
      slots.wait(this.run.uid, task, () => this.post({ kind: 'slot', task }));
      return;
    }
    slots.resume();
    step.act(() => {
      this.#watch(live, attempt);
      if (live.cancelGraceMs !== undefined) this.#stop(live, live.cancelGraceMs);
    });
  }

  #follow(decision: Decision, step: RunStep): void {
    for (const task of decision.ready) {
      if (!this.#live.has(task)) this.#makeReady(task, step);
    }
    for (const { task, because } of decision.skipped) {
      this.#endUndecided(task, { kind: 'skipped', parentId: this.#taskId(because), at: this.#context.now() }, step);
    }
    for (const task of decision.cancelled) {
      this.#endUndecided(task, { kind: 'cancelled', description: this.#cancelWords(), at: this.#context.now() }, step);
    }
    if (decision.runStatus === undefined) return;
    if (this.#life.state !== 'complete')
      this.#life = changeRun(this.#life, { kind: 'finished', unsuccessfulTaskIds: [...this.#unsuccessful], at: this.#context.now() });
    this.#writeEnd(step);
  }

  #writeEnd(step: RunStep): void {
    const { store } = this.#context;
    const life = this.#life;
    if (life.state !== 'complete') return;
    step.write(() => {
      store.runs.complete(this.run.uid, life.endedAt, life.status, life.reason);
      store.events.emit('completed_run', { ...this.#names(), status: life.status }, life.endedAt);
    });
  }

  #makeReady(task: number, step: RunStep): void {
    const { store, slots, now } = this.#context;
    const definition = this.#definition(task);
    const live: LiveTask = {
      task,
      variables: this.#variablesOf(definition, 1),
      life: changeTask({ state: 'waiting' }, { kind: 'ready' }),
      attempt: undefined,
      cancelStart: new AbortController(),
      cancelGraceMs: undefined,
      progress: undefined,
    };
    this.#live.set(task, live);
    const created = now();
    step.write(() => store.taskExecutions.insert(this.run.uid, definition.id, created, live.variables));
    if (slots.tryTake()) this.#startAttempt(live, step);
    else slots.wait(this.run.uid, task, () => this.post({ kind: 'slot', task }));
  }

  /** The intent is committed before the scheduler hears of it. */
  #startAttempt(live: LiveTask, step: RunStep): void {
    const { store, current, now } = this.#context;
    const attempt: LiveAttempt = { uid: uuidv7(), number: (live.attempt?.number ?? 0) + 1, engine: current.engine, handle: undefined };
    live.attempt = attempt;
    const created = now();
    step.write(() =>
      store.attempts.insert({
        uid: attempt.uid,
        runUid: this.run.uid,
        taskId: this.#taskId(live.task),
        number: attempt.number,
        engine: attempt.engine,
        created,
      }),
    );
    step.act(() => this.#watch(live, attempt));
  }

  #watch(live: LiveTask, attempt: LiveAttempt): void {
    const { task } = live;
    const { logs, leave } = this.#context;
    const scheduler = this.#context.schedulerOf(attempt.engine);
    const lost = (reason: string): void => {
      const log = { lines: 0, bytes: 0, sha256: '', complete: false, problem: reason };
      this.post({
        kind: 'ended',
        task,
        attemptUid: attempt.uid,
        end: { kind: 'ended', exit: { kind: 'lost', reason, endedAt: this.#context.now() }, log },
      });
    };
    if (scheduler === undefined) {
      lost(`it was started by the scheduler '${attempt.engine}', which this server does not have any more`);
      return;
    }
    const begin =
      attempt.handle === undefined
        ? { spec: () => taskSpec(this.#definition(task), live.variables, this.#identityOf(attempt)) }
        : { handle: attempt.handle };
    watchAttempt(
      attempt.uid,
      begin,
      { scheduler, logs },
      { cancelStart: live.cancelStart.signal, leave },
      {
        progress: (message) => {
          live.progress = message;
          this.#listener.changed();
        },
        started: (handle, startedAt) => this.post({ kind: 'started', task, attemptUid: attempt.uid, handle, startedAt }),
        ended: (end) => this.post({ kind: 'ended', task, attemptUid: attempt.uid, end }),
      },
    ).catch((error: unknown) => {
      if (leave.aborted) return;
      this.#context.log('error', 'watching a task failed', { attempt: attempt.uid, error: String(error) });
      lost(`watching it failed: ${error instanceof Error ? error.message : String(error)}`);
    });
  }

  #started(message: Extract<RunMessage, { kind: 'started' }>, step: RunStep): void {
    const { store } = this.#context;
    step.write(() => store.attempts.start(message.attemptUid, message.handle, message.startedAt));
    const live = this.#live.get(message.task);
    if (live?.attempt === undefined || live.attempt.uid !== message.attemptUid) return;
    live.attempt.handle = message.handle;
    if (live.life.state === 'processing') live.life = changeTask(live.life, { kind: 'started', at: message.startedAt });
    const taskId = this.#taskId(message.task);
    step.write(() => {
      store.taskExecutions.start(this.run.uid, taskId, message.startedAt);
      store.events.emit('started_task_execution', { ...this.#names(), task_execution_id: taskId }, message.startedAt);
    });
    const grace = live.cancelGraceMs;
    if (grace !== undefined) step.act(() => this.#stop(live, grace));
  }

  #ended(message: Extract<RunMessage, { kind: 'ended' }>, step: RunStep): void {
    const { store, slots } = this.#context;
    const live = this.#live.get(message.task);
    const attempt = live?.attempt;
    if (live === undefined || attempt === undefined || attempt.uid !== message.attemptUid) {
      this.#context.log('warn', 'a late result of an attempt that was given up changes nothing', {
        attempt: message.attemptUid,
        end: message.end.kind,
      });
      return;
    }
    const life = changeTask(live.life, endingOf(message.end, live, this.#context.now(), this.#cancelWords()));
    this.#endTask(live, life, step);
    const end = outcomeOf(life);
    const exitCode = message.end.kind === 'ended' && message.end.exit.kind === 'exited' ? message.end.exit.exitCode : end.exitCode;
    step.write(() => store.attempts.end(attempt.uid, { ...end, exitCode, log: message.end.log }));
    step.act(() => {
      slots.release();
      const scheduler = this.#context.schedulerOf(attempt.engine);
      if (attempt.handle !== undefined && scheduler !== undefined)
        this.#context.removals.add({ attemptUid: attempt.uid, scheduler, handle: attempt.handle });
    });
  }

  #endTask(live: LiveTask, life: TaskLife, step: RunStep): void {
    const { store } = this.#context;
    const taskId = this.#taskId(live.task);
    const end = outcomeOf(life);
    live.life = life;
    this.#live.delete(live.task);
    if (end.status === 'failed' || end.status === 'cancelled') this.#unsuccessful.add(taskId);
    step.finished.push({ task: live.task, status: end.status });
    step.write(() => {
      store.taskExecutions.end(this.run.uid, taskId, end);
      store.events.emit('completed_task_execution', { ...this.#names(), task_execution_id: taskId, status: end.status }, end.ended);
    });
  }

  /** A task that never became ready. */
  #endUndecided(task: number, change: TaskChange, step: RunStep): void {
    const { store } = this.#context;
    const taskId = this.#taskId(task);
    const end = outcomeOf(changeTask({ state: 'waiting' }, change));
    if (end.status === 'cancelled') this.#unsuccessful.add(taskId);
    step.write(() => {
      store.taskExecutions.insertEnded(this.run.uid, taskId, end);
      store.events.emit('completed_task_execution', { ...this.#names(), task_execution_id: taskId, status: end.status }, end.ended);
    });
  }

  #cancelRun(cancellation: RunCancellation, graceMs: number, step: RunStep): void {
    const { store, now } = this.#context;
    if (this.#life.state === 'complete') return;
    const first = this.#life.state === 'pending' || this.#life.cancellation === undefined;
    this.#life = changeRun(this.#life, { kind: 'cancelled', cancellation, at: now() });
    step.mustDecide = true;
    if (first) {
      step.write(() => {
        store.runs.requestCancel(this.run.uid, cancellation.reason);
        store.events.emit('started_run_cancellation', this.#names(), now());
      });
    }
    for (const live of [...this.#live.values()]) this.#cancelLive(live, graceMs, step);
  }

  #cancelTask(task: number, graceMs: number, step: RunStep): void {
    if (finalStatusOf(this.#counters, task) !== undefined || step.finished.some((finished) => finished.task === task)) return;
    const live = this.#live.get(task);
    if (live !== undefined) {
      this.#cancelLive(live, graceMs, step);
      return;
    }
    step.finished.push({ task, status: 'cancelled' });
    this.#endUndecided(
      task,
      { kind: 'cancelled', description: 'cancelled while it waited for its parents', at: this.#context.now() },
      step,
    );
  }

  #cancelLive(live: LiveTask, graceMs: number, step: RunStep): void {
    const { store, slots, now } = this.#context;
    if (live.cancelGraceMs !== undefined && live.cancelGraceMs <= graceMs) return;
    live.cancelGraceMs = graceMs;
    const taskId = this.#taskId(live.task);
    step.write(() => {
      store.taskExecutions.requestCancel(this.run.uid, taskId, graceMs);
      store.events.emit(
        'started_task_execution_cancellation',
        { ...this.#names(), task_execution_id: taskId, timeout: Math.round(graceMs / 1000) },
        now(),
      );
    });
    if (live.attempt === undefined) {
      slots.giveUp(this.run.uid, live.task);
      this.#endTask(live, changeTask(live.life, { kind: 'cancelled', description: this.#cancelWords(), at: now() }), step);
      return;
    }
    step.act(() => this.#stop(live, graceMs));
  }

  #stop(live: LiveTask, graceMs: number): void {
    const { attempt } = live;
    live.cancelStart.abort();
    if (attempt?.handle === undefined) return;
    const scheduler = this.#context.schedulerOf(attempt.engine);
    if (scheduler === undefined) return;
    stopWithPatience(scheduler, attempt.handle, graceMs, this.#context.leave).catch((error: unknown) => {
      if (this.#context.leave.aborted) return;
      this.#context.log('error', 'a task could not be stopped', { attempt: attempt.uid, error: String(error) });
    });
  }

  /** A full disk is waited for, with the reason in plain sight: what has happened is not forgotten meanwhile. */
  async #commit(step: RunStep): Promise<void> {
    for (let pause = FIRST_RETRY_MS; ; pause = Math.min(pause * 2, LAST_RETRY_MS)) {
      try {
        await this.#context.store.commit(() => step.performWrites());
        this.#trouble = undefined;
        return;
      } catch (error) {
        const code = codeOf(error);
        if (this.#context.leave.aborted || (code !== 'STORAGE_FULL' && code !== 'UNAVAILABLE')) throw error;
        this.#trouble = error instanceof Error ? error.message : String(error);
        this.#context.log('error', 'a run waits for the database', { run: this.run.uid, reason: this.#trouble });
        await delay(pause, undefined, { signal: this.#context.leave });
      }
    }
  }

  /** A bug of ours ends the run, loudly: better than a run that nobody owns. */
  async #giveUp(cause: unknown): Promise<void> {
    const { store, slots, now, log } = this.#context;
    const description = `internal error: ${cause instanceof Error ? cause.message : String(cause)}`;
    log('error', 'a run was given up', {
      run: this.run.uid,
      error: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
    });
    const step = new RunStep();
    for (const live of [...this.#live.values()]) {
      if (live.attempt === undefined) slots.giveUp(this.run.uid, live.task);
      else slots.release();
      this.#stop(live, 0);
      const life = changeTask(live.life, { kind: 'failed', reason: 'scheduler_error', description, at: now() });
      this.#endTask(live, life, step);
      const { attempt } = live;
      if (attempt !== undefined) step.write(() => store.attempts.end(attempt.uid, { ...outcomeOf(life), log: undefined }));
    }
    this.#life = { state: 'complete', status: 'failed', reason: { reason: 'scheduler_error', description }, endedAt: now() };
    this.#writeEnd(step);
    await this.#commit(step).catch((error: unknown) =>
      log('error', 'the end of a run could not be written', { run: this.run.uid, error: String(error) }),
    );
    this.#listener.changed();
    this.#listener.ended();
  }

  #variablesOf(definition: TaskDefinition, attempt: number): readonly Variable[] {
    const { namespace_id, pipeline_id } = this.pipeline.metadata;
    const options: Record<string, string> = {};
    for (const { key, value } of this.run.variables) options[key] = value;
    return mergeVariables({
      system: systemVariables({
        namespaceId: namespace_id,
        pipelineId: pipeline_id,
        runId: this.run.runId,
        taskId: definition.id,
        image: definition.image,
        attempt,
      }),
      run_options: options,
      pipeline_config: definition.variables,
    });
  }

  #identityOf(attempt: LiveAttempt) {
    return {
      instanceId: this.#context.store.instanceId,
      namespaceId: this.pipeline.metadata.namespace_id,
      pipelineUid: this.pipeline.uid,
      runUid: this.run.uid,
      attemptUid: attempt.uid,
      engine: attempt.engine,
    };
  }

  #names(): { namespace_id: string; pipeline_id: string; run_id: number } {
    const { namespace_id, pipeline_id } = this.pipeline.metadata;
    return { namespace_id, pipeline_id, run_id: this.run.runId };
  }

  #taskId(task: number): string {
    return this.#config.graph.taskIds[task] ?? '';
  }

  #definition(task: number): TaskDefinition {
    const definition = this.#config.definition.tasks[task];
    if (definition === undefined) throw new Error(`the graph has a task ${task} that the definition does not have`);
    return definition;
  }

  #cancelWords(): string {
    const whole = this.#life.state === 'running' || this.#life.state === 'complete' ? 'cancelled with the run' : 'cancelled';
    return this.#life.state === 'running' && this.#life.cancellation === undefined ? 'cancelled' : whole;
  }
}

function endingOf(end: AttemptEnd, live: LiveTask, now: number, cancelled: string): TaskChange {
  if (live.cancelGraceMs !== undefined) return { kind: 'cancelled', description: cancelled, at: now };
  if (end.kind === 'refused') return { kind: 'failed', reason: 'scheduler_error', description: end.reason, at: now };
  if (end.exit.kind === 'lost') return { kind: 'failed', reason: 'scheduler_error', description: end.exit.reason, at: end.exit.endedAt };
  const { exitCode, endedAt, reason } = end.exit;
  return { kind: 'exited', exitCode, at: endedAt, ...(reason === undefined ? {} : { note: reason }) };
}

function outcomeOf(life: TaskLife): {
  ended: number;
  status: FinalStatus;
  reason: Extract<TaskLife, { state: 'complete' }>['reason'];
  exitCode: number;
} {
  if (life.state !== 'complete') throw new Error(`a task that is ${life.state} has no outcome`);
  return { ended: life.endedAt, status: life.status, reason: life.reason, exitCode: life.exitCode };
}
