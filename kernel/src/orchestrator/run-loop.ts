/**
 * The one owner of an active run. Everything that happens to the run is a message; the messages that have come are handled in order:
 * decide (pure), commit (one transaction with everything that changes), act (start, stop, remove). The database is the truth: a loop
 * that dies with its server is built again from it by `resume`, and every act can be repeated.
 */
import { codeOf, type TaskHandle } from '@gofer/contracts';
import { pause } from '../clock/clock.ts';
import {
  applyDecision,
  type Cancelled,
  changeRun,
  countersFrom,
  createRunCounters,
  type Decision,
  type FinalStatus,
  finalStatusOf,
  type RunCancellation,
  type RunCounters,
  type RunLife,
  type Waiting,
} from '../domain/index.ts';
import type { TaskCancellation, TaskRecord } from '../storage/task-executions-table.ts';
import { abandonTasks } from './abandon-run.ts';
import { LiveTasks } from './live-tasks.ts';
import type { RunContext } from './run-context.ts';
import { RunLimits } from './run-limits.ts';
import type { RunMessage } from './run-message.ts';
import { RunStep } from './run-step.ts';
import type { RunSubject } from './run-subject.ts';
import { explainRun, explainTask, type RunSituation } from './run-waiting.ts';

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

export class RunLoop {
  readonly subject: RunSubject;
  readonly #context: RunContext;
  readonly #listener: RunListener;
  readonly #tasks: LiveTasks;
  #mailbox: RunMessage[] = [];
  /** Of attempts whose start the database has not heard of, by attempt. */
  readonly #uncommitted = new Map<string, TaskHandle>();
  #postponed: { readonly step: RunStep; readonly forget: () => void } | undefined;
  #busy = false;
  #isAskedToEnd = false;
  #life: RunLife;
  #counters: RunCounters;
  /** When it began; 0 before. */
  #begun: number;
  /** Why the database does not take what has happened, and since when. */
  #trouble: { readonly detail: string; readonly since: number } | undefined;
  readonly #limits: RunLimits;
  /** Those who wait for their request to be on the disk. */
  readonly #asked = new Set<() => void>();

  constructor(subject: RunSubject, context: RunContext, listener: RunListener) {
    this.subject = subject;
    this.#context = context;
    this.#listener = listener;
    this.#tasks = new LiveTasks(subject, context, { post: (message) => this.post(message), progressed: () => listener.changed() });
    this.#limits = new RunLimits(subject, context, (message) => this.post(message));
    const { state, cancellation, begun } = subject.run;
    this.#life = state === 'running' ? { state, ...(cancellation === undefined ? {} : { cancellation }) } : { state: 'pending' };
    this.#begun = begun;
    this.#counters = createRunCounters(subject.graph);
    // What was taken over, or cancelled in the queue, has ended though the run has not begun: it must not be ended again with the run.
    if (state === 'pending') this.#recallEnded();
  }

  get cancellation(): RunCancellation | undefined {
    return this.#life.state === 'running' ? this.#life.cancellation : undefined;
  }

  /** It has ended or was asked to, whether or not that is on the disk. */
  get isEnding(): boolean {
    return this.#isAskedToEnd || this.#life.state === 'complete' || this.cancellation !== undefined;
  }

  get isPending(): boolean {
    return this.#life.state === 'pending';
  }

  /** A server that leaves decides nothing any more: what it would have heard, the next one finds out. */
  post(message: RunMessage): void {
    if (this.#context.leave.aborted) return;
    if (message.kind === 'cancel-run') this.#isAskedToEnd = true;
    if (this.#life.state === 'complete' && !this.#busy) return this.#discard(message);
    this.#mailbox.push(message);
    if (this.#busy) return;
    this.#busy = true;
    void this.#drain();
  }

  /** What the run waits for; a queued run is known to the admission. */
  waiting(): Waiting {
    return explainRun(this.#situation());
  }

  /** What a task waits for; undefined for one that has ended. */
  taskWaiting(taskId: string): Waiting | undefined {
    const task = this.subject.taskNumber(taskId);
    return task === undefined ? undefined : explainTask(this.#situation(), task);
  }

  /** What nobody would move on, in words: a fault of this program. Undefined while anything is under way. */
  neglect(isQueued: boolean): string | undefined {
    if (this.#busy || this.#postponed !== undefined || this.#life.state === 'complete') return undefined;
    if (this.#life.state === 'pending') return isQueued ? undefined : 'it has not begun, and is in no queue';
    const neglected = this.#tasks.neglected().map(({ definition }) => definition.id);
    if (neglected.length > 0) return `nobody moves on the tasks ${neglected.join(', ')}`;
    return this.#tasks.taskIds().length === 0 ? 'it has begun, and none of its tasks is under way' : undefined;
  }

  #situation(): RunSituation {
    const { subject, cancellation } = this;
    return {
      subject,
      cancellation,
      life: this.#life,
      counters: this.#counters,
      begun: this.#begun,
      trouble: this.#trouble,
      tasks: this.#tasks,
      context: this.#context,
    };
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
    else if (message.kind === 'cancel-task') message.done();
  }

  async #turn(messages: readonly RunMessage[]): Promise<void> {
    const step = this.#takePostponed();
    for (const message of messages) this.#handle(message, step);
    let decision: Decision | undefined;
    if (step.needsDecision && this.#life.state !== 'pending') {
      const cancelled = this.#cancelled();
      const options = cancelled === undefined ? {} : { cancelled };
      decision = await this.#context.dag.decide(this.subject.graph, this.#counters, step.finished, options);
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
    if (this.#life.state !== 'complete') return this.#listener.changed();
    this.#limits.forget();
    this.#listener.ended();
  }

  /** What has not begun cleans nothing up. */
  #cancelled(): Cancelled | undefined {
    if (this.#life.state === 'complete') return 'entirely';
    if (this.cancellation === undefined) return undefined;
    return this.cancellation.force ? 'entirely' : 'sparing-always';
  }

  #postpone(step: RunStep): void {
    this.#postponed = { step, forget: this.#context.clock.after(SOON_MS, () => this.post({ kind: 'write' })) };
  }

  /** The step to go on with: the one that was postponed, or an empty one. */
  #takePostponed(): RunStep {
    const postponed = this.#postponed;
    if (postponed === undefined) return new RunStep();
    postponed.forget();
    this.#postponed = undefined;
    return postponed.step;
  }

  #handle(message: RunMessage, step: RunStep): void {
    switch (message.kind) {
      case 'write':
        return;
      case 'queued':
        return this.#limits.watch('start_timeout', this.subject.run.started);
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
      case 'retry':
        return step.act(() => this.#tasks.tryAgain(message.task));
      case 'overdue':
        return this.#tasks.overdue(message, step);
      case 'run-overdue':
        return this.#overdue(message.limit, step);
      case 'cancel-run':
        return this.#cancelRun(message.cancellation, step);
      case 'cancel-task':
        this.#asked.add(message.done);
        step.act(() => this.#answer(message.done));
        return this.#cancelTask(message.task, message.cancellation, message.graceMs, step);
      case 'mend':
        return this.#mend(step);
    }
  }

  #answer(done: () => void): void {
    this.#asked.delete(done);
    done();
  }

  #begin(step: RunStep): void {
    if (this.#life.state !== 'pending') return;
    const { store, clock } = this.#context;
    const begun = clock.now();
    this.#begun = begun;
    this.#life = changeRun(this.#life, { kind: 'admitted' });
    step.mustDecide = true;
    step.write(() => {
      store.runs.setRunning(this.subject.run.uid, begun);
      store.events.emit('started_run', this.subject.names(), begun);
    });
    step.act(() => this.#limits.watch('timeout', begun));
  }

  /** Before their run has begun, under an earlier server perhaps; what ends later is told to the loop. */
  #recallEnded(): void {
    for (const { taskId, status } of this.#takeStock()) this.#tasks.recall(taskId, status);
  }

  /** Takes up what the database says: what has ended is counted, what is with a scheduler is watched, the rest is decided again. */
  #resume(step: RunStep): void {
    for (const record of this.#takeStock()) {
      if (record.state === 'complete') this.#tasks.recall(record.taskId, record.status);
      else this.#tasks.takeUp(this.#numberOf(record), record, step);
    }
    // Whoever asked for its end was answered as soon as that was on the disk, which may be before any task had heard of it.
    if (this.cancellation !== undefined) this.#cancelTasks(this.cancellation, step);
    step.mustDecide = true;
    this.#limits.watch('timeout', this.#begun);
  }

  #mend(step: RunStep): void {
    if (this.#life.state !== 'running') return;
    for (const { task } of this.#tasks.neglected()) step.act(() => this.#tasks.adopt(task));
    if (this.#tasks.taskIds().length > 0) return;
    this.#takeStock();
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
    const at = this.#context.clock.now();
    for (const task of decision.ready) {
      if (this.#tasks.get(task) === undefined) this.#tasks.makeReady(task, step);
    }
    for (const { task, because } of decision.skipped) {
      this.#tasks.endUndecided(task, { kind: 'skipped', parentId: this.subject.taskId(because), at }, step);
    }
    const description = this.#life.state === 'complete' ? 'its run ended before it began' : 'cancelled with its run';
    const { cause = 'run_cancelled', by } = this.cancellation === undefined ? {} : toTaskCancellation(this.cancellation);
    for (const task of decision.cancelled)
      this.#tasks.endUndecided(task, { kind: 'cancelled', cause, description, ...(by === undefined ? {} : { by }), at }, step);
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

  #cancelRun(cancellation: RunCancellation, step: RunStep): void {
    const { store, clock } = this.#context;
    if (this.#life.state === 'complete') return;
    const isFirst = this.#life.state === 'pending' || this.#life.cancellation === undefined;
    this.#life = changeRun(this.#life, { kind: 'cancelled', cancellation, at: clock.now() });
    // A later request may be the one that spares nothing.
    step.mustDecide = true;
    step.write(() => {
      store.runs.requestCancel(this.subject.run.uid, cancellation);
      if (isFirst) store.events.emit('started_run_cancellation', this.subject.names(), clock.now());
    });
    this.#cancelTasks(cancellation, step);
  }

  #cancelTasks(cancellation: RunCancellation, step: RunStep): void {
    this.#tasks.cancelAll(toTaskCancellation(cancellation), cancellation.graceMs, cancellation.force, step);
  }

  #cancelTask(task: number, cancellation: TaskCancellation, graceMs: number, step: RunStep): void {
    if (finalStatusOf(this.#counters, task) !== undefined || step.finished.some((finished) => finished.task === task)) return;
    const live = this.#tasks.get(task);
    if (live !== undefined) return this.#tasks.cancel(live, cancellation, graceMs, step);
    const { cause, by, at } = cancellation;
    const description = `${cancellation.description}, before its parents had ended`;
    step.finished.push({ task, status: 'cancelled' });
    this.#tasks.endUndecided(task, { kind: 'cancelled', cause, description, ...(by === undefined ? {} : { by }), at }, step);
  }

  #overdue(limit: 'timeout' | 'start_timeout', step: RunStep): void {
    if (limit === 'start_timeout' && this.#life.state === 'pending') {
      this.#life = changeRun(this.#life, this.#limits.queuedTooLong);
      step.mustDecide = true;
    } else if (limit === 'timeout' && this.#life.state === 'running' && this.#life.cancellation === undefined) {
      this.#cancelRun(this.#limits.tookTooLong, step);
    }
  }

  /** A full disk is waited for, with the reason in plain sight: what has happened is not forgotten meanwhile. */
  async #commit(step: RunStep): Promise<void> {
    const { clock, leave, log, store } = this.#context;
    for (let ms = FIRST_RETRY_MS; ; ms = Math.min(ms * 2, LAST_RETRY_MS)) {
      try {
        await store.commit(() => step.performWrites());
        this.#trouble = undefined;
        return;
      } catch (error) {
        const code = codeOf(error);
        if (leave.aborted || (code !== 'STORAGE_FULL' && code !== 'UNAVAILABLE')) throw error;
        const detail = error instanceof Error ? error.message : String(error);
        this.#trouble = { detail, since: this.#trouble?.since ?? clock.now() };
        log('error', 'a run waits for the database', { run: this.subject.run.uid, reason: detail });
        this.#listener.changed();
        await pause(clock, ms, leave);
      }
    }
  }

  /** A bug of ours ends the run, loudly: better than a run that nobody owns. */
  async #giveUp(cause: unknown): Promise<void> {
    const { clock, log } = this.#context;
    const description = `internal error: ${cause instanceof Error ? cause.message : String(cause)}`;
    log('error', 'a run was given up', { run: this.subject.run.uid, error: cause instanceof Error ? cause.stack : String(cause) });
    this.#tasks.letGo();
    this.#limits.forget();
    const reason = { reason: 'scheduler_error', cause: 'internal', description } as const;
    this.#life = { state: 'complete', status: 'failed', reason, endedAt: clock.now() };
    try {
      const step = new RunStep();
      abandonTasks(this.subject, this.#context, this.#uncommitted, description, step);
      this.#writeEnd(step);
      await this.#commit(step);
      step.performActs();
    } catch (error) {
      log('error', 'the end of a run could not be written', { run: this.subject.run.uid, error: String(error) });
    }
    for (const done of this.#asked) this.#answer(done);
    this.#listener.ended();
  }
}

function toTaskCancellation({ cause, description, by, at }: RunCancellation): TaskCancellation {
  return { cause: cause === 'timeout' ? 'run_timeout' : 'run_cancelled', description, ...(by === undefined ? {} : { by }), at };
}
