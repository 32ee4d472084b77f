/** What one run asks of schedulers: to start, watch, stop and remove its attempts. What comes of it is told to the run's loop. */
import type { TaskHandle } from '@gofer/contracts';
import type { PreparedAttempt } from './attempt-environment.ts';
import { type AttemptEnd, type ReadyAttempt, stopWithPatience, watchAttempt } from './attempt-watch.ts';
import type { LiveAttempt, LiveTask } from './live-task.ts';
import type { RunContext } from './run-context.ts';
import type { RunMessage } from './run-message.ts';
import type { RunSubject } from './run-subject.ts';
import { taskSpec } from './task-spec.ts';

export interface AttemptRunnerListener {
  post(message: RunMessage): void;
  /** What the scheduler says of a start that takes its time. */
  progressed(): void;
}

export class AttemptRunner {
  readonly #subject: RunSubject;
  readonly #context: RunContext;
  readonly #listener: AttemptRunnerListener;

  constructor(subject: RunSubject, context: RunContext, listener: AttemptRunnerListener) {
    this.#subject = subject;
    this.#context = context;
    this.#listener = listener;
  }

  /** Starts it, or finds it again where an earlier server may have started it (`resumed`), and watches it to its end. */
  watch(live: LiveTask, attempt: LiveAttempt, resumed: boolean): void {
    const { task } = live;
    const { logs, leave, log, clock, environments } = this.#context;
    const attemptUid = attempt.uid;
    live.owner = 'watch';
    const post = (end: AttemptEnd): void => this.#listener.post({ kind: 'ended', task, attemptUid, end });
    const scheduler = this.#context.schedulerOf(attempt.engine);
    if (scheduler === undefined) {
      post(this.#lost(`it was started by the scheduler '${attempt.engine}', which this server does not have any more`));
      return;
    }
    const { given } = attempt;
    const begin =
      attempt.handle === undefined
        ? { prepare: () => this.#prepare(live, attempt), resumed }
        : { handle: attempt.handle, masking: given === undefined ? undefined : () => environments.maskingOf(given) };
    const signals = { cancelStart: attempt.cancelStart.signal, leave };
    const watching = watchAttempt(attemptUid, begin, { scheduler, logs, clock }, signals, {
      progress: (message) => {
        live.progress = { message, since: clock.now() };
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

  /** Takes back its start, or ends it: SIGTERM, and SIGKILL after `graceMs`. */
  stop(attempt: LiveAttempt, graceMs: number): void {
    const { leave, log, clock } = this.#context;
    attempt.cancelStart.abort();
    if (attempt.handle === undefined) return;
    const scheduler = this.#context.schedulerOf(attempt.engine);
    if (scheduler === undefined) return;
    stopWithPatience(scheduler, attempt.handle, graceMs, leave, clock).catch((error: unknown) => {
      if (!leave.aborted) log('error', 'a task could not be stopped', { attempt: attempt.uid, error: String(error) });
    });
  }

  /** `isLost`: its end was not observed; what the engine says of it before it is removed is kept as evidence. */
  remove({ uid, engine }: Pick<LiveAttempt, 'uid' | 'engine'>, handle: TaskHandle, isLost: boolean): void {
    const scheduler = this.#context.schedulerOf(engine);
    if (scheduler !== undefined) this.#context.removals.add({ attemptUid: uid, scheduler, handle, isLost });
  }

  /** What a start brought about after the run was given up is taken away. */
  startedTooLate(attemptUid: string, handle: TaskHandle): void {
    const engine = this.#context.store.attempts.byUid(attemptUid)?.engine;
    if (engine !== undefined) this.remove({ uid: attemptUid, engine }, handle, false);
  }

  #lost(reason: string): AttemptEnd {
    const log = { lines: 0, bytes: 0, sha256: '', complete: false, problem: reason };
    return { kind: 'ended', exit: { kind: 'lost', reason, endedAt: this.#context.clock.now() }, log };
  }

  #prepare(live: LiveTask, attempt: LiveAttempt): ReadyAttempt | Promise<ReadyAttempt> {
    const { run, pipeline } = this.#subject;
    const { definition: task } = live;
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
}
