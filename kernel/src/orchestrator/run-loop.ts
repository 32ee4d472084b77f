/**
 * The one owner of an active run. Everything that happens to the run is a message; the messages that have come are handled in order:
 * decide (pure), commit (one transaction with everything that changes), act (start, stop, remove). The database is the truth: a loop
 * that dies with its server is built again from it by `resume`, and every act can be repeated.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf, type TaskHandle } from '@gofer/contracts';
import {
  applyDecision,
  changeRun,
  countersFrom,
  createRunCounters,
  type Decision,
  describeWaiting,
  type FinalStatus,
  finalStatusOf,
  type RunCancellation,
  type RunCounters,
  type RunLife,
} from '../domain/index.ts';
import type { RunRecord } from '../storage/runs-table.ts';
import type { TaskRecord } from '../storage/task-executions-table.ts';
import { abandonTasks } from './abandon-run.ts';
import { waitingReasonOf } from './live-task.ts';
import { LiveTasks } from './live-tasks.ts';
import type { RunContext } from './run-context.ts';
import type { RunMessage } from './run-message.ts';
import { RunStep } from './run-step.ts';
import type { RunSubject } from './run-subject.ts';

export interface RunListener {
  /** After every commit that changed the run, and when the reason that it waits for has changed. */
  changed(): void;
  /** Once, after the commit that ended it. */
  ended(): void;
}

/** How long what nothing follows from (a task has started, one of many parents has ended) may wait for a commit to share. */
const SOON_MS = 10;
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;

function foundRunning(cancelReason: RunRecord['cancelReason']): RunLife {
  if (cancelReason !== 'user_cancelled' && cancelReason !== 'admin_cancelled') return { state: 'running' };
  return { state: 'running', cancellation: { reason: cancelReason, description: 'cancelled before the server was restarted' } };
}

export class RunLoop {
  readonly subject: RunSubject;
  readonly #context: RunContext;
  readonly #listener: RunListener;
  readonly #tasks: LiveTasks;
  #mailbox: RunMessage[] = [];
  /** Of attempts whose start the database has not heard of, by attempt. */
  readonly #uncommitted = new Map<string, TaskHandle>();
  #postponed: { readonly step: RunStep; readonly timer: NodeJS.Timeout } | undefined;
  #busy = false;
  #life: RunLife;
  #counters: RunCounters;
  /** Why the database does not take what has happened. */
  #trouble: string | undefined;

  constructor(subject: RunSubject, context: RunContext, listener: RunListener) {
    this.subject = subject;
    this.#context = context;
    this.#listener = listener;
    this.#tasks = new LiveTasks(subject, context, { post: (message) => this.post(message), progressed: () => listener.changed() });
    this.#life = subject.run.state === 'running' ? foundRunning(subject.run.cancelReason) : { state: 'pending' };
    this.#counters = createRunCounters(subject.graph);
  }

  /** A server that leaves decides nothing any more: what it would have heard, the next one finds out. */
  post(message: RunMessage): void {
    if (this.#context.leave.aborted) return;
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
    const taskIds = this.#tasks.taskIds();
    if (taskIds.length === 0) return describeWaiting({ kind: this.subject.run.state === 'running' ? 'recovering' : 'starting' });
    const waiting = describeWaiting({ kind: 'parents', taskIds });
    return this.#life.cancellation === undefined ? waiting : describeWaiting({ kind: 'cancelling', detail: waiting });
  }

  /** Why a task does not go on; undefined for one that runs or has ended. */
  taskWaitingReason(taskId: string): string | undefined {
    if (this.#trouble !== undefined) return this.#trouble;
    const { graph } = this.subject;
    const task = this.subject.taskNumber(taskId);
    if (task === undefined || finalStatusOf(this.#counters, task) !== undefined) return undefined;
    const live = this.#tasks.get(task);
    if (live !== undefined) {
      const reason = waitingReasonOf(live, this.#context.slots.capacity);
      return reason === undefined ? undefined : describeWaiting(reason);
    }
    const parents = graph.parents.subarray(graph.parentOffsets[task], graph.parentOffsets[task + 1]);
    const waiting = [...parents].filter((parent) => finalStatusOf(this.#counters, parent) === undefined);
    if (waiting.length === 0) return describeWaiting({ kind: 'starting' });
    return describeWaiting({ kind: 'parents', taskIds: waiting.map((parent) => this.subject.taskId(parent)) });
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
      for (const message of this.#mailbox.splice(0)) this.post(message);
    }
  }

  /** What comes after the end changes nothing, but what was granted or started meanwhile is given back. */
  #discard(message: RunMessage): void {
    if (message.kind === 'slot') this.#tasks.giveBackSlot();
    else if (message.kind === 'started') this.#tasks.startedTooLate(message);
  }

  async #turn(messages: readonly RunMessage[]): Promise<void> {
    const step = this.#takePostponed();
    for (const message of messages) this.#handle(message, step);
    let decision: Decision | undefined;
    if (step.needsDecision && this.#life.state !== 'pending') {
      const cancelled = this.#life.state === 'complete' || (this.#life.state === 'running' && this.#life.cancellation !== undefined);
      decision = await this.#context.dag.decide(this.subject.graph, this.#counters, step.finished, { cancelled });
      this.#follow(decision, step);
    }
    if (step.isEmpty) return;
    // Nothing follows from it yet: what has finished is decided on again with what finishes meanwhile.
    if (!step.isUrgent && messages.every((message) => message.kind !== 'write')) return this.#postpone(step);
    await this.#commit(step);
    this.#uncommitted.clear();
    if (decision !== undefined) applyDecision(this.subject.graph, this.#counters, step.finished, decision);
    else if (step.finished.length > 0) this.#takeStock();
    step.performActs();
    if (this.#life.state === 'complete') this.#listener.ended();
    else this.#listener.changed();
  }

  #postpone(step: RunStep): void {
    this.#postponed = { step, timer: setTimeout(() => this.post({ kind: 'write' }), SOON_MS).unref() };
  }

  /** The step to go on with: the one that was postponed, or an empty one. */
  #takePostponed(): RunStep {
    const postponed = this.#postponed;
    if (postponed === undefined) return new RunStep();
    clearTimeout(postponed.timer);
    this.#postponed = undefined;
    return postponed.step;
  }

  #handle(message: RunMessage, step: RunStep): void {
    switch (message.kind) {
      case 'write':
        return;
      case 'begin':
        return this.#begin(step);
      case 'resume':
        return this.#resume(step);
      case 'slot':
        return this.#tasks.useSlot(message.task, step);
      case 'started':
        this.#uncommitted.set(message.attemptUid, message.handle);
        return this.#tasks.started(message, step);
      case 'ended':
        return this.#tasks.ended(message, step);
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
    for (const record of this.#takeStock()) this.#tasks.recall(record.taskId, record.status);
    step.mustDecide = true;
    step.write(() => {
      store.runs.setRunning(this.subject.run.uid);
      store.events.emit('started_run', this.subject.names(), now());
    });
  }

  /** Takes up what the database says: what has ended is counted, what is with a scheduler is watched, the rest is decided again. */
  #resume(step: RunStep): void {
    for (const record of this.#takeStock()) {
      if (record.state === 'complete') this.#tasks.recall(record.taskId, record.status);
      else this.#tasks.takeUp(this.#numberOf(record), record, step);
    }
    step.mustDecide = true;
  }

  /** Counts what the database has of the run: the tasks that have ended, and those that were decided and have not. */
  #takeStock(): readonly TaskRecord[] {
    const records = this.#context.store.taskExecutions.list(this.subject.run.uid);
    const statuses = new Map<number, FinalStatus>();
    const live: number[] = [];
    for (const record of records) {
      if (record.state !== 'complete') live.push(this.#numberOf(record));
      else if (record.status !== 'unknown') statuses.set(this.#numberOf(record), record.status);
    }
    this.#counters = countersFrom(this.subject.graph, statuses, live);
    return records;
  }

  #numberOf({ taskId }: TaskRecord): number {
    const task = this.subject.taskNumber(taskId);
    if (task === undefined) throw new Error(`the run has a task '${taskId}' that its definition does not have`);
    return task;
  }

  #follow(decision: Decision, step: RunStep): void {
    const at = this.#context.now();
    for (const task of decision.ready) {
      if (this.#tasks.get(task) === undefined) this.#tasks.makeReady(task, step);
    }
    for (const { task, because } of decision.skipped) {
      this.#tasks.endUndecided(task, { kind: 'skipped', parentId: this.subject.taskId(because), at }, step);
    }
    for (const task of decision.cancelled)
      this.#tasks.endUndecided(task, { kind: 'cancelled', description: 'cancelled with its run', at }, step);
    if (decision.runStatus === undefined) return;
    const { unsuccessfulTaskIds } = this.#tasks;
    if (this.#life.state !== 'complete') this.#life = changeRun(this.#life, { kind: 'finished', unsuccessfulTaskIds, at });
    this.#writeEnd(step);
  }

  #writeEnd(step: RunStep): void {
    const { store } = this.#context;
    const life = this.#life;
    if (life.state !== 'complete') return;
    step.write(() => {
      store.runs.complete(this.subject.run.uid, life.endedAt, life.status, life.reason);
      store.events.emit('completed_run', { ...this.subject.names(), status: life.status }, life.endedAt);
    });
  }

  #cancelRun(cancellation: RunCancellation, graceMs: number, step: RunStep): void {
    const { store, now } = this.#context;
    if (this.#life.state === 'complete') return;
    const isFirst = this.#life.state === 'pending' || this.#life.cancellation === undefined;
    this.#life = changeRun(this.#life, { kind: 'cancelled', cancellation, at: now() });
    if (isFirst) {
      step.mustDecide = true;
      step.write(() => {
        store.runs.requestCancel(this.subject.run.uid, cancellation.reason);
        store.events.emit('started_run_cancellation', this.subject.names(), now());
      });
    }
    this.#tasks.cancelAll(graceMs, step);
  }

  #cancelTask(task: number, graceMs: number, step: RunStep): void {
    if (finalStatusOf(this.#counters, task) !== undefined || step.finished.some((finished) => finished.task === task)) return;
    const live = this.#tasks.get(task);
    if (live !== undefined) return this.#tasks.cancel(live, graceMs, step);
    step.finished.push({ task, status: 'cancelled' });
    this.#tasks.endUndecided(
      task,
      { kind: 'cancelled', description: 'cancelled before its parents had ended', at: this.#context.now() },
      step,
    );
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
        this.#context.log('error', 'a run waits for the database', { run: this.subject.run.uid, reason: this.#trouble });
        this.#listener.changed();
        await delay(pause, undefined, { signal: this.#context.leave });
      }
    }
  }

  /** A bug of ours ends the run, loudly: better than a run that nobody owns. */
  async #giveUp(cause: unknown): Promise<void> {
    const { now, log } = this.#context;
    const description = `internal error: ${cause instanceof Error ? cause.message : String(cause)}`;
    log('error', 'a run was given up', { run: this.subject.run.uid, error: cause instanceof Error ? cause.stack : String(cause) });
    this.#tasks.letGo();
    this.#life = { state: 'complete', status: 'failed', reason: { reason: 'scheduler_error', description }, endedAt: now() };
    try {
      const step = new RunStep();
      abandonTasks(this.subject, this.#context, this.#uncommitted, description, step);
      this.#writeEnd(step);
      await this.#commit(step);
      step.performActs();
    } catch (error) {
      log('error', 'the end of a run could not be written', { run: this.subject.run.uid, error: String(error) });
    }
    this.#listener.ended();
  }
}
