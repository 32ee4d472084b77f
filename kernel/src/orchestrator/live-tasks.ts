/**
 * The tasks of one run that have been decided and have not ended: what is done with them, and what is written of it. Every method adds
 * to the step of the loop's turn; nothing is written or done before the loop commits that.
 */

import type { TaskHandle } from '@gofer/contracts';
import { uuidv7 } from 'uuidv7';
import { changeTask, type TaskChange, type TaskLife } from '../domain/index.ts';
import type { TaskRecord } from '../storage/task-executions-table.ts';
import type { PreparedAttempt } from './attempt-environment.ts';
import { type AttemptEnd, type ReadyAttempt, stopWithPatience, watchAttempt } from './attempt-watch.ts';
import type { LiveAttempt, LiveTask } from './live-task.ts';
import type { RunContext } from './run-context.ts';
import type { RunMessage } from './run-message.ts';
import type { RunStep } from './run-step.ts';
import type { RunSubject } from './run-subject.ts';
import { CANCELLED, changeBy, isUnsuccessful, outcomeOf, writeTaskEnd, writeUndecidedEnd } from './task-outcome.ts';
import { taskSpec } from './task-spec.ts';

export interface LiveTasksListener {
  post(message: RunMessage): void;
  /** What the scheduler says of a start that takes its time. */
  progressed(): void;
}

type Started = Extract<RunMessage, { kind: 'started' }>;
type Ended = Extract<RunMessage, { kind: 'ended' }>;

export class LiveTasks {
  readonly #subject: RunSubject;
  readonly #context: RunContext;
  readonly #listener: LiveTasksListener;
  readonly #live = new Map<number, LiveTask>();
  /** Tasks that failed or were cancelled, in the order of their ends. */
  readonly #unsuccessful = new Set<string>();
  /** Slots that were taken for this run and not given back. */
  #held = 0;

  constructor(subject: RunSubject, context: RunContext, listener: LiveTasksListener) {
    this.#subject = subject;
    this.#context = context;
    this.#listener = listener;
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

  /** A task that ended under an earlier server. */
  recall(taskId: string, status: TaskRecord['status']): void {
    if (isUnsuccessful(status)) this.#unsuccessful.add(taskId);
  }

  /** A task that an earlier server had decided: it is watched again, or waits for a slot again. */
  takeUp(task: number, record: TaskRecord, step: RunStep): void {
    const { store, slots } = this.#context;
    const latest = store.attempts.listOfTask(record.runUid, record.taskId).at(-1);
    const attempt: LiveAttempt | undefined =
      latest === undefined
        ? undefined
        : { uid: latest.uid, number: latest.number, engine: latest.engine, handle: latest.handle, given: latest.given };
    const live: LiveTask = {
      task,
      variables: record.variables,
      life: record.state === 'running' ? { state: 'running', startedAt: record.started } : { state: 'processing' },
      attempt,
      cancelStart: new AbortController(),
      cancelGraceMs: record.cancelGraceMs,
      progress: undefined,
    };
    this.#live.set(task, live);
    if (attempt === undefined) {
      // After the commit, so that the slots of every other run found again were counted first.
      step.act(() => this.#waitForSlot(task));
      return;
    }
    slots.resume();
    this.#held += 1;
    step.act(() => {
      this.#watch(live, attempt, true);
      if (live.cancelGraceMs !== undefined) this.#stop(live, live.cancelGraceMs);
    });
  }

  /** Its parents have let it run. */
  makeReady(task: number, step: RunStep): void {
    const { store, slots, now } = this.#context;
    const live: LiveTask = {
      task,
      variables: this.#subject.variablesOf(task, 1),
      life: changeTask({ state: 'waiting' }, { kind: 'ready' }),
      attempt: undefined,
      cancelStart: new AbortController(),
      cancelGraceMs: undefined,
      progress: undefined,
    };
    this.#live.set(task, live);
    const created = now();
    step.write(() => store.taskExecutions.insert(this.#subject.run.uid, this.#subject.taskId(task), created, live.variables));
    if (!slots.tryTake()) return this.#waitForSlot(task);
    this.#held += 1;
    this.#startAttempt(live, step);
  }

  /** A slot was taken for a task that may have ended meanwhile. */
  useSlot(task: number, step: RunStep): void {
    const live = this.#live.get(task);
    if (live === undefined) step.act(() => this.giveBackSlot());
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
    if (live?.attempt === undefined || live.attempt.uid !== message.attemptUid) return;
    live.attempt.handle = message.handle;
    if (live.life.state === 'processing') live.life = changeTask(live.life, { kind: 'started', at: message.startedAt });
    const taskId = this.#subject.taskId(message.task);
    step.writeSoon(() => {
      store.taskExecutions.start(this.#subject.run.uid, taskId, message.startedAt);
      store.events.emit('started_task_execution', { ...this.#subject.names(), task_execution_id: taskId }, message.startedAt);
    });
    const grace = live.cancelGraceMs;
    if (grace !== undefined) step.act(() => this.#stop(live, grace));
  }

  ended(message: Ended, step: RunStep): void {
    const { store, log, now, environments } = this.#context;
    const live = this.#live.get(message.task);
    const attempt = live?.attempt;
    if (live === undefined || attempt === undefined || attempt.uid !== message.attemptUid) {
      log('warn', 'a late result of an attempt that was given up changes nothing', { attempt: message.attemptUid, end: message.end.kind });
      return;
    }
    const life = changeTask(live.life, changeBy(message.end, live, now()));
    const exitCode = message.end.kind === 'ended' && message.end.exit.kind === 'exited' ? message.end.exit.exitCode : undefined;
    this.#end(live, life, step);
    step.writeSoon(() => {
      const outcome = outcomeOf(life);
      store.attempts.end(attempt.uid, { ...outcome, exitCode: exitCode ?? outcome.exitCode, log: message.end.log });
      // The scheduler leaves nothing of a start that it rejects.
      if (message.end.kind === 'refused') store.attempts.markRemoved(attempt.uid);
      // The log is sealed: nothing is masked in it any more.
      if (attempt.given !== undefined) environments.letGo(attempt.uid, attempt.given);
    });
    if (attempt.given !== undefined) step.actSoon(() => environments.collect());
    this.giveBackSlot();
    const { handle } = attempt;
    if (handle !== undefined) step.actSoon(() => this.#remove(attempt.uid, attempt.engine, handle));
  }

  /** A task that never became ready. */
  endUndecided(task: number, change: TaskChange, step: RunStep): void {
    const taskId = this.#subject.taskId(task);
    const end = outcomeOf(changeTask({ state: 'waiting' }, change));
    if (isUnsuccessful(end.status)) this.#unsuccessful.add(taskId);
    step.write(() => writeUndecidedEnd(this.#context.store, this.#subject, taskId, end));
  }

  /** A shorter grace than one given before is passed on; a longer one changes nothing. */
  cancel(live: LiveTask, graceMs: number, step: RunStep): void {
    const { store, slots, now } = this.#context;
    if (live.cancelGraceMs !== undefined && live.cancelGraceMs <= graceMs) return;
    live.cancelGraceMs = graceMs;
    const taskId = this.#subject.taskId(live.task);
    step.write(() => {
      const timeout = Math.round(graceMs / 1000);
      store.taskExecutions.requestCancel(this.#subject.run.uid, taskId, graceMs);
      store.events.emit('started_task_execution_cancellation', { ...this.#subject.names(), task_execution_id: taskId, timeout }, now());
    });
    if (live.attempt === undefined) {
      slots.giveUp(this.#subject.run.uid, live.task);
      this.#end(live, changeTask(live.life, { kind: 'cancelled', description: CANCELLED, at: now() }), step);
    } else {
      step.act(() => this.#stop(live, graceMs));
    }
  }

  cancelAll(graceMs: number, step: RunStep): void {
    for (const live of this.#live.values()) this.cancel(live, graceMs, step);
  }

  /** Gives up all of them at once: slots and starts are taken back. */
  letGo(): void {
    this.#context.slots.giveUpAll(this.#subject.run.uid);
    for (const { cancelStart } of this.#live.values()) cancelStart.abort();
    this.#live.clear();
    while (this.#held > 0) this.giveBackSlot();
  }

  /** What a start brought about after the run was given up is taken away. */
  startedTooLate({ attemptUid, handle }: Started): void {
    const engine = this.#context.store.attempts.byUid(attemptUid)?.engine;
    if (engine !== undefined) this.#remove(attemptUid, engine, handle);
  }

  #waitForSlot(task: number): void {
    this.#context.slots.wait(this.#subject.run.uid, task, () => {
      this.#held += 1;
      this.#listener.post({ kind: 'slot', task });
    });
  }

  #remove(attemptUid: string, engine: string, handle: TaskHandle): void {
    const scheduler = this.#context.schedulerOf(engine);
    if (scheduler !== undefined) this.#context.removals.add({ attemptUid, scheduler, handle });
  }

  /** The intent is committed before the scheduler hears of it. */
  #startAttempt(live: LiveTask, step: RunStep): void {
    const { store, current, now } = this.#context;
    const attempt: LiveAttempt = {
      uid: uuidv7(),
      number: (live.attempt?.number ?? 0) + 1,
      engine: current.engine,
      handle: undefined,
      given: undefined,
    };
    live.attempt = attempt;
    const intent = {
      uid: attempt.uid,
      runUid: this.#subject.run.uid,
      taskId: this.#subject.taskId(live.task),
      number: attempt.number,
      engine: attempt.engine,
      created: now(),
    };
    step.write(() => store.attempts.insert(intent));
    step.act(() => this.#watch(live, attempt, false));
  }

  #watch(live: LiveTask, attempt: LiveAttempt, resumed: boolean): void {
    const { task } = live;
    const { logs, leave, log } = this.#context;
    const attemptUid = attempt.uid;
    const post = (end: AttemptEnd): void => this.#listener.post({ kind: 'ended', task, attemptUid, end });
    const scheduler = this.#context.schedulerOf(attempt.engine);
    if (scheduler === undefined) {
      post(this.#lost(`it was started by the scheduler '${attempt.engine}', which this server does not have any more`));
      return;
    }
    const { given } = attempt;
    const { environments } = this.#context;
    const begin =
      attempt.handle === undefined
        ? { prepare: () => this.#prepare(live, attempt), resumed }
        : { handle: attempt.handle, masking: given === undefined ? undefined : () => environments.maskingOf(given) };
    const signals = { cancelStart: live.cancelStart.signal, leave };
    const watching = watchAttempt(attemptUid, begin, { scheduler, logs }, signals, {
      progress: (message) => {
        live.progress = message;
        this.#listener.progressed();
      },
      started: (handle, startedAt) => this.#listener.post({ kind: 'started', task, attemptUid, handle, startedAt }),
      ended: post,
    });
    watching.catch((error: unknown) => {
      if (leave.aborted) return;
      log('error', 'watching a task failed', { attempt: attemptUid, error: String(error) });
      post(this.#lost(`watching it failed: ${error instanceof Error ? error.message : String(error)}`));
    });
  }

  #lost(reason: string): AttemptEnd {
    const log = { lines: 0, bytes: 0, sha256: '', complete: false, problem: reason };
    return { kind: 'ended', exit: { kind: 'lost', reason, endedAt: this.#context.now() }, log };
  }

  #prepare(live: LiveTask, attempt: LiveAttempt): ReadyAttempt | Promise<ReadyAttempt> {
    const { run, pipeline } = this.#subject;
    const task = this.#subject.definition(live.task);
    const { namespace_id: namespaceId, pipeline_id: pipelineId } = pipeline.metadata;
    const place = { namespaceId, pipelineId, pipelineUid: pipeline.uid, runUid: run.uid, runId: run.runId };
    const identity = { namespaceId, pipelineUid: pipeline.uid, runUid: run.uid, attemptUid: attempt.uid, engine: attempt.engine };
    const { environments, store } = this.#context;
    const subject = { ...place, attemptUid: attempt.uid, task, variables: live.variables, configVersion: run.configVersion };
    const toReady = ({ environment, masking, given }: PreparedAttempt): ReadyAttempt => {
      attempt.given = given;
      return { spec: taskSpec(task, environment, { ...identity, instanceId: store.system.instanceId }), masking };
    };
    const prepared = environments.prepare(subject, attempt.given);
    return prepared instanceof Promise ? prepared.then(toReady) : toReady(prepared);
  }

  #end(live: LiveTask, life: TaskLife, step: RunStep): void {
    const taskId = this.#subject.taskId(live.task);
    const end = outcomeOf(life);
    live.life = life;
    this.#live.delete(live.task);
    if (isUnsuccessful(end.status)) this.#unsuccessful.add(taskId);
    step.finished.push({ task: live.task, status: end.status });
    step.writeSoon(() => writeTaskEnd(this.#context.store, this.#subject, taskId, end));
  }

  #stop(live: LiveTask, graceMs: number): void {
    const { attempt } = live;
    const { leave, log } = this.#context;
    live.cancelStart.abort();
    if (attempt?.handle === undefined) return;
    const scheduler = this.#context.schedulerOf(attempt.engine);
    if (scheduler === undefined) return;
    stopWithPatience(scheduler, attempt.handle, graceMs, leave).catch((error: unknown) => {
      if (!leave.aborted) log('error', 'a task could not be stopped', { attempt: attempt.uid, error: String(error) });
    });
  }
}
