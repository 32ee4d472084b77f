/**
 * The tasks of one run that have been decided and have not ended: what is done with them, and what is written of it. Every method adds
 * to the step of the loop's turn; nothing is written or done before the loop commits that.
 */
import { retryPolicyOf } from '@gofer/contracts/pipeline';
import { uuidv7 } from 'uuidv7';
import { timeLeft } from '../clock/clock.ts';
import { changeTask, nextAttemptAfter, type TaskChange, type TaskLife } from '../domain/index.ts';
import type { AttemptRecord } from '../storage/attempts-table.ts';
import type { TaskCancellation, TaskRecord } from '../storage/task-executions-table.ts';
import { AttemptRunner, type AttemptRunnerListener } from './attempt-runner.ts';
import type { LiveAttempt, LiveTask } from './live-task.ts';
import type { RunContext } from './run-context.ts';
import type { RunMessage } from './run-message.ts';
import type { RunStep } from './run-step.ts';
import type { RunSubject } from './run-subject.ts';
import { cancelledBy, changeBy, isUnsuccessful, outcomeOf, type TaskOutcome, writeTaskEnd, writeUndecidedEnd } from './task-outcome.ts';
import { TaskTimers } from './task-timers.ts';

type Started = Extract<RunMessage, { kind: 'started' }>;
type Ended = Extract<RunMessage, { kind: 'ended' }>;

export class LiveTasks {
  readonly #subject: RunSubject;
  readonly #context: RunContext;
  readonly #listener: AttemptRunnerListener;
  readonly #runner: AttemptRunner;
  readonly #timers: TaskTimers;
  readonly #live = new Map<number, LiveTask>();
  /** Tasks that failed or were cancelled, in the order of their ends. */
  readonly #unsuccessful = new Set<string>();
  /** Slots that were taken for this run and not given back. */
  #held = 0;

  constructor(subject: RunSubject, context: RunContext, listener: AttemptRunnerListener) {
    this.#subject = subject;
    this.#context = context;
    this.#listener = listener;
    this.#runner = new AttemptRunner(subject, context, listener);
    this.#timers = new TaskTimers(context, (message) => listener.post(message));
  }

  get unsuccessfulTaskIds(): readonly string[] {
    return [...this.#unsuccessful];
  }

  taskIds(): string[] {
    return [...this.#live.keys()].map((task) => this.#subject.taskId(task));
  }

  get(task: number): LiveTask | undefined {
    return this.#live.get(task);
  }

  /** Tasks that nobody moves on: a fault of this program. */
  neglected(): readonly LiveTask[] {
    const { slots } = this.#context;
    const isLeft = ({ owner, task }: LiveTask): boolean =>
      owner === undefined || (owner === 'slot' && !slots.isWaiting(this.#subject.run.uid, task));
    return [...this.#live.values()].filter(isLeft);
  }

  /** A task that ended under an earlier server. */
  recall(taskId: string, status: TaskRecord['status']): void {
    if (isUnsuccessful(status)) this.#unsuccessful.add(taskId);
  }

  /** A task that an earlier server had decided: it is watched again, or waits for a slot or its next attempt again. */
  takeUp(task: number, record: TaskRecord, step: RunStep): void {
    const latest = this.#context.store.attempts.listOfTask(record.runUid, record.taskId).at(-1);
    const attempt = latest === undefined || latest.state === 'complete' ? undefined : recallAttempt(latest);
    const live = this.#create(task, {
      variables: record.variables,
      life: record.state === 'running' ? { state: 'running', startedAt: record.started } : { state: 'processing' },
      readyAt: attempt?.created ?? (record.retryAt > 0 ? record.retryAt : record.created),
    });
    live.made = latest?.number ?? 0;
    live.attempt = attempt;
    live.cancellation = record.cancellation;
    live.cancelGraceMs = record.cancelGraceMs;
    // Its slot was counted when the server came back.
    if (attempt !== undefined) this.#held += 1;
    if (attempt === undefined && live.cancellation !== undefined) return this.#endCancelled(live, live.cancellation, step);
    if (attempt === undefined && record.retryAt > 0) {
      live.retry = { at: record.retryAt, since: latest?.ended ?? record.created, failure: latest?.statusReason?.description ?? '' };
    }
    // It may be ended in the same step.
    step.act(() => this.adopt(task));
  }

  /** Its parents have let it run. */
  makeReady(task: number, step: RunStep): void {
    const { store, slots, clock } = this.#context;
    const readyAt = clock.now();
    const life = changeTask({ state: 'waiting' }, { kind: 'ready' });
    const live = this.#create(task, { variables: this.#subject.variablesOf(task, 1), life, readyAt });
    step.write(() => {
      store.taskExecutions.insert(this.#subject.run.uid, live.definition.id, readyAt, live.variables);
      store.events.emit('created_task_execution', { ...this.#subject.names(), task_execution_id: live.definition.id }, readyAt);
    });
    if (!slots.tryTake()) {
      step.act(() => this.#timers.armStartLimit(live));
      return this.#waitForSlot(live);
    }
    this.#held += 1;
    this.#startAttempt(live, step);
    step.act(() => this.#timers.armStartLimit(live));
  }

  /** A slot was taken for a task that may have ended meanwhile. */
  useSlot(task: number, step: RunStep): void {
    const live = this.#live.get(task);
    if (live === undefined || live.attempt !== undefined) step.act(() => this.giveBackSlot());
    else this.#startAttempt(live, step);
  }

  giveBackSlot(): void {
    if (this.#held === 0) return;
    this.#held -= 1;
    this.#context.slots.release();
  }

  started(message: Started, step: RunStep): void {
    const { store } = this.#context;
    step.writeSoon(() => store.attempts.start(message.attemptUid, message.handle, message.startedAt));
    const live = this.#live.get(message.task);
    const attempt = live?.attempt;
    if (live === undefined || attempt === undefined || attempt.uid !== message.attemptUid) return;
    attempt.handle = message.handle;
    // It started after all, before its start could be taken back.
    if (attempt.overdue?.limit === 'start_timeout') attempt.overdue = undefined;
    if (live.life.state === 'processing') live.life = changeTask(live.life, { kind: 'started', at: message.startedAt });
    const taskId = live.definition.id;
    step.writeSoon(() => {
      store.taskExecutions.start(this.#subject.run.uid, taskId, message.startedAt);
      // One start and one end a task, as those who follow events know it.
      if (attempt.number > 1) return;
      store.events.emit('started_task_execution', { ...this.#subject.names(), task_execution_id: taskId }, message.startedAt);
    });
    const grace = live.cancelGraceMs;
    if (grace !== undefined) step.act(() => this.#runner.stop(attempt, grace));
    else step.actSoon(() => this.#timers.armTimeout(live, attempt, message.startedAt));
  }

  ended(message: Ended, step: RunStep): void {
    const { store, log, clock, environments, random } = this.#context;
    const live = this.#live.get(message.task);
    const attempt = live?.attempt;
    const { end } = message;
    if (live === undefined || attempt === undefined || attempt.uid !== message.attemptUid) {
      log('warn', 'a late result of an attempt that was given up changes nothing', { attempt: message.attemptUid, end: end.kind });
      const description = end.kind === 'refused' ? end.reason : (end.exit.reason ?? 'it ended');
      const exitCode = end.kind === 'ended' && end.exit.kind === 'exited' ? { exitCode: end.exit.exitCode } : {};
      step.writeSoon(() => store.attempts.setLate(message.attemptUid, { ...exitCode, description, seen: clock.now() }));
      return;
    }
    const life = changeTask(live.life, changeBy(end, live, attempt, clock.now()));
    const outcome = outcomeOf(life);
    step.writeSoon(() => {
      store.attempts.end(attempt.uid, { ...outcome, log: end.log });
      // The scheduler leaves nothing of a start that it rejects.
      if (end.kind === 'refused') store.attempts.markRemoved(attempt.uid);
      // The log is sealed: nothing is masked in it any more.
      if (attempt.given !== undefined) environments.letGo(attempt.uid, attempt.given);
    });
    if (attempt.given !== undefined) step.actSoon(() => environments.collect());
    const failure = { cause: outcome.reason?.cause, exitCode: outcome.exitCode };
    const pauseMs = nextAttemptAfter(live.policy, attempt.number, failure, random());
    if (pauseMs === undefined) this.#end(live, life, step);
    else this.#retryLater(live, outcome, pauseMs, step);
    this.giveBackSlot();
    const { handle } = attempt;
    const isLost = end.kind === 'ended' && end.exit.kind === 'lost';
    if (handle !== undefined) step.actSoon(() => this.#runner.remove(attempt, handle, isLost));
  }

  /** The pause behind a failed attempt is over. */
  tryAgain(task: number): void {
    const live = this.#live.get(task);
    if (live?.retry === undefined) return;
    live.retry = undefined;
    live.readyAt = this.#context.clock.now();
    this.#timers.armStartLimit(live);
    this.#waitForSlot(live);
  }

  /** It has taken too long to start, or to end. */
  overdue({ task, limit, of }: Extract<RunMessage, { kind: 'overdue' }>, step: RunStep): void {
    const { store, clock, stopGraceMs } = this.#context;
    const live = this.#live.get(task);
    if (live === undefined || live.cancellation !== undefined) return;
    const { attempt } = live;
    const at = clock.now();
    if (limit === 'timeout') {
      if (attempt === undefined || attempt.uid !== of || attempt.overdue !== undefined) return;
      attempt.overdue = { limit, at };
      step.write(() => store.attempts.markTimedOut(attempt.uid));
      step.act(() => this.#runner.stop(attempt, stopGraceMs));
      return;
    }
    if (live.readyAt !== of || attempt?.handle !== undefined || live.retry !== undefined) return;
    if (attempt !== undefined) {
      attempt.overdue = { limit, at };
      // It may have started in this same turn: then it is in time.
      step.act(() => attempt.overdue !== undefined && this.#runner.stop(attempt, 0));
      return;
    }
    this.#context.slots.giveUp(this.#subject.run.uid, task);
    const description = `it had not started within its start_timeout of ${live.definition.startTimeout} s`;
    this.#end(live, changeTask(live.life, { kind: 'failed', reason: 'scheduler_error', cause: limit, description, at }), step);
  }

  /** A task that never became ready. */
  endUndecided(task: number, change: TaskChange, step: RunStep): void {
    const taskId = this.#subject.taskId(task);
    const end = outcomeOf(changeTask({ state: 'waiting' }, change));
    if (isUnsuccessful(end.status)) this.#unsuccessful.add(taskId);
    step.write(() => writeUndecidedEnd(this.#context.store, this.#subject, taskId, end));
  }

  /** The first who asks is the one who did it. A shorter grace than one given before is passed on; a longer one changes nothing. */
  cancel(live: LiveTask, cancellation: TaskCancellation, graceMs: number, step: RunStep): void {
    const { store, clock } = this.#context;
    if (live.cancelGraceMs !== undefined && live.cancelGraceMs <= graceMs) return;
    live.cancellation ??= cancellation;
    live.cancelGraceMs = graceMs;
    const { attempt, definition } = live;
    step.write(() => {
      const timeout = Math.round(graceMs / 1000);
      store.taskExecutions.requestCancel(this.#subject.run.uid, definition.id, cancellation, graceMs);
      const names = { ...this.#subject.names(), task_execution_id: definition.id };
      store.events.emit('started_task_execution_cancellation', { ...names, timeout }, clock.now());
    });
    if (attempt === undefined) this.#endCancelled(live, live.cancellation, step);
    else step.act(() => this.#runner.stop(attempt, graceMs));
  }

  /** `force`: those that are marked `always` too. */
  cancelAll(cancellation: TaskCancellation, graceMs: number, force: boolean, step: RunStep): void {
    for (const live of this.#live.values()) {
      if (force || live.definition.always !== true) this.cancel(live, cancellation, graceMs, step);
    }
  }

  /** Gives up all of them at once: slots and starts are taken back. */
  letGo(): void {
    this.#context.slots.giveUpAll(this.#subject.run.uid);
    for (const live of this.#live.values()) {
      this.#timers.forget(live);
      live.attempt?.cancelStart.abort();
    }
    this.#live.clear();
    while (this.#held > 0) this.giveBackSlot();
  }

  startedTooLate({ attemptUid, handle }: Started): void {
    this.#runner.startedTooLate(attemptUid, handle);
  }

  /** Gives a task the owner that it should have. */
  #moveOn(live: LiveTask): void {
    const { attempt, retry } = live;
    if (attempt !== undefined) {
      this.#runner.watch(live, attempt, true);
      if (live.cancelGraceMs !== undefined) this.#runner.stop(attempt, live.cancelGraceMs);
      else if (attempt.overdue?.limit === 'timeout') this.#runner.stop(attempt, this.#context.stopGraceMs);
      else if (live.life.state === 'running') this.#timers.armTimeout(live, attempt, live.life.startedAt);
      else this.#timers.armStartLimit(live);
    } else if (retry !== undefined) {
      this.#timers.armRetry(live, timeLeft(this.#context.clock, retry.at, live.policy.backoff.maximum * 1000));
    } else {
      this.#timers.armStartLimit(live);
      this.#waitForSlot(live);
    }
  }

  /** Of a task that nobody moves on; nothing for one that has ended. */
  adopt(task: number): void {
    const live = this.#live.get(task);
    if (live !== undefined) this.#moveOn(live);
  }

  #create(task: number, { variables, life, readyAt }: Pick<LiveTask, 'variables' | 'life' | 'readyAt'>): LiveTask {
    const definition = this.#subject.definition(task);
    const live: LiveTask = {
      task,
      definition,
      policy: retryPolicyOf(this.#subject.pipelineDefinition, definition),
      variables,
      life,
      owner: undefined,
      attempt: undefined,
      made: 0,
      readyAt,
      retry: undefined,
      cancellation: undefined,
      cancelGraceMs: undefined,
      progress: undefined,
      timers: new Set(),
    };
    this.#live.set(task, live);
    return live;
  }

  #waitForSlot(live: LiveTask): void {
    live.owner = 'slot';
    this.#context.slots.wait(this.#subject.run.uid, live.task, () => {
      this.#held += 1;
      this.#listener.post({ kind: 'slot', task: live.task });
    });
  }

  /** The intent is committed before the scheduler hears of it. */
  #startAttempt(live: LiveTask, step: RunStep): void {
    const { store, current, clock } = this.#context;
    const attempt: LiveAttempt = {
      uid: uuidv7(),
      number: live.made + 1,
      engine: current.engine,
      created: clock.now(),
      handle: undefined,
      given: undefined,
      cancelStart: new AbortController(),
      overdue: undefined,
    };
    live.attempt = attempt;
    live.made = attempt.number;
    live.progress = undefined;
    const { uid, number, engine, created } = attempt;
    const [runUid, taskId] = [this.#subject.run.uid, live.definition.id];
    if (number > 1) live.variables = this.#subject.variablesOf(live.task, number);
    step.write(() => {
      if (number > 1) store.taskExecutions.beginAgain(runUid, taskId, live.variables);
      store.attempts.insert({ uid, runUid, taskId, number, engine, created });
    });
    step.act(() => this.#runner.watch(live, attempt, false));
  }

  #retryLater(live: LiveTask, { ended, reason }: TaskOutcome, pauseMs: number, step: RunStep): void {
    const { store, clock } = this.#context;
    this.#timers.forget(live);
    const since = clock.now();
    live.life = { state: 'processing' };
    live.attempt = undefined;
    live.owner = undefined;
    live.retry = { at: since + pauseMs, since: Math.max(ended, 0), failure: reason?.description ?? '' };
    step.write(() => store.taskExecutions.retry(this.#subject.run.uid, live.definition.id, since + pauseMs));
    step.act(() => this.#timers.armRetry(live, pauseMs));
  }

  #endCancelled(live: LiveTask, cancellation: TaskCancellation, step: RunStep): void {
    this.#context.slots.giveUp(this.#subject.run.uid, live.task);
    const at = this.#context.clock.now();
    this.#end(live, changeTask(live.life, { kind: 'cancelled', ...cancelledBy(cancellation), at }), step);
  }

  #end(live: LiveTask, life: TaskLife, step: RunStep): void {
    const taskId = live.definition.id;
    const end = outcomeOf(life);
    this.#timers.forget(live);
    live.life = life;
    this.#live.delete(live.task);
    if (isUnsuccessful(end.status)) this.#unsuccessful.add(taskId);
    step.finished.push({ task: live.task, status: end.status });
    step.writeSoon(() => writeTaskEnd(this.#context.store, this.#subject, taskId, end));
  }
}

function recallAttempt({ uid, number, engine, created, handle, given, stoppedFor }: AttemptRecord): LiveAttempt {
  const overdue = stoppedFor === undefined ? undefined : { limit: stoppedFor, at: created };
  return { uid, number, engine, created, handle, given, cancelStart: new AbortController(), overdue };
}
