/**
 * One attempt from its intent to its sealed log, towards the scheduler and the log store: starts it (or finds it again: `start` is
 * idempotent), reads its output, waits for its end. What happens is told to the run's loop and to nobody else; nothing is decided here.
 */

import { codeOf, GoferError, type Scheduler, type TaskExit, type TaskHandle, type TaskSpec } from '@gofer/contracts';
import { type Clock, pause } from '../clock/clock.ts';
import { createTextMasker, type LogMasking, type LogSeal, type LogStore } from '../workers/logs/index.ts';
import { SilenceLimit } from './silence-limit.ts';

/** How it ended, with its whole log. */
export type AttemptEnd =
  | { readonly kind: 'ended'; readonly exit: TaskExit; readonly log: LogSeal }
  /** It never ran, for the reason that its log tells too: the scheduler refused it, or what it was to be given is not there. */
  | {
      readonly kind: 'refused';
      readonly cause: 'scheduler_error' | 'failed_precondition';
      /** Of the error that it was refused with, where that has one. */
      readonly code: string | undefined;
      readonly reason: string;
      readonly log: LogSeal;
    };

export interface AttemptListener {
  /** Why it has not started yet, in words. */
  progress(message: string): void;
  started(handle: TaskHandle, startedAt: number): void;
  ended(end: AttemptEnd): void;
}

export interface AttemptContext {
  readonly scheduler: Scheduler;
  readonly logs: LogStore;
  readonly clock: Clock;
}

/** While the scheduler cannot be reached, a start is tried again for this long before the task fails. */
const START_PATIENCE_MS = 5 * 60_000;
const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 10_000;
/** How long the output of a task that is lost may still take to end. */
const LOST_LOG_MS = 5_000;
/** For how long a source that fails is opened again once its task has ended. */
const ENDED_LOG_PATIENCE_MS = 60_000;
/** For how long one that neither fails nor ends may say nothing then; it may be waiting for an engine that is away. */
const SILENT_LOG_MS = 10 * 60_000;
const SILENT = `the task had ended, and for ${SILENT_LOG_MS / 60_000} minutes neither more of it came nor its end`;

/** What is masked in the log of an attempt; absent where nothing is. */
export interface ReadyAttempt {
  readonly spec: TaskSpec;
  readonly masking: LogMasking | undefined;
}

export type AttemptBegin =
  /** It was started; `masking` is absent where it was given no secrets. */
  | { readonly handle: TaskHandle; readonly masking: (() => Promise<LogMasking | undefined>) | undefined }
  /** `resumed`: an earlier server may have started it without having written down its handle. */
  | { readonly prepare: () => ReadyAttempt | Promise<ReadyAttempt>; readonly resumed: boolean };

/**
 * Resolves once `ended` was told, or once `signal` aborted while the attempt was running: then it goes on without us. An abort before
 * it has started ends it as refused, unless `leave` says that the server is going away.
 */
export async function watchAttempt(
  attemptUid: string,
  begin: AttemptBegin,
  context: AttemptContext,
  signals: Signals,
  listener: AttemptListener,
): Promise<void> {
  const started = await ('handle' in begin
    ? recall(begin, signals, listener, context.clock)
    : prepareAndStart(attemptUid, begin, context, signals, listener));
  if (started === undefined) return;
  const { handle } = started;
  const conceal = createConcealer(started.masking);
  const log = collectLog(attemptUid, started, context, signals.leave);
  try {
    const exit = concealExit(await context.scheduler.wait(handle, signals.leave), conceal);
    if (exit.kind === 'lost') log.isLost(exit.reason);
    else log.hasEnded();
    listener.ended({ kind: 'ended', exit, log: await log.seal });
  } catch (error) {
    if (signals.leave.aborted) {
      await log.seal.catch(() => {
        // The log is left where it is, to be resumed by the next server; there is nothing to report.
      });
      return;
    }
    const reason = `the scheduler could not say how it ended: ${conceal(messageOf(error))}`;
    log.isLost(reason);
    listener.ended({ kind: 'ended', exit: { kind: 'lost', reason, endedAt: context.clock.now() }, log: await log.seal });
  }
}

/** An attempt that runs, and what of its output must not be written. */
interface StartedAttempt {
  readonly handle: TaskHandle;
  readonly masking: LogMasking | undefined;
  /** Why its log cannot be kept: what is to be masked in it is not known any more. */
  readonly unmaskable?: string;
}

type Conceal = (text: string) => string;

function createConcealer(masking: LogMasking | undefined): Conceal {
  return masking === undefined ? (text) => text : createTextMasker(masking.values);
}

/** An engine's own words may repeat what a task was given. */
function concealExit(exit: TaskExit, conceal: Conceal): TaskExit {
  return exit.reason === undefined ? exit : { ...exit, reason: conceal(exit.reason) };
}

interface Signals {
  readonly cancelStart: AbortSignal;
  readonly leave: AbortSignal;
}

async function recall(
  { handle, masking }: Extract<AttemptBegin, { handle: TaskHandle }>,
  { leave }: Signals,
  listener: AttemptListener,
  clock: Clock,
): Promise<StartedAttempt | undefined> {
  if (masking === undefined) return { handle, masking: undefined };
  try {
    return { handle, masking: await withPatience(masking, 'the secret store', leave, listener, clock) };
  } catch (error) {
    if (leave.aborted) return undefined;
    return { handle, masking: undefined, unmaskable: `the secrets to be masked in it could not be read: ${messageOf(error)}` };
  }
}

/** Undefined where the end has been told, or this server leaves. */
async function prepareAndStart(
  attemptUid: string,
  begin: Extract<AttemptBegin, { resumed: boolean }>,
  context: AttemptContext,
  signals: Signals,
  listener: AttemptListener,
): Promise<StartedAttempt | undefined> {
  let ready: ReadyAttempt | undefined;
  try {
    const preparing = begin.prepare();
    ready =
      preparing instanceof Promise
        ? await withPatience(
            begin.prepare,
            'the store of secrets and objects',
            AbortSignal.any([signals.cancelStart, signals.leave]),
            listener,
            context.clock,
            preparing,
          )
        : preparing;
    const handle = await startWithPatience(ready.spec, begin.resumed, context, signals, listener, createConcealer(ready.masking));
    return { handle, masking: ready.masking };
  } catch (error) {
    if (signals.leave.aborted) return undefined;
    const reason = signals.cancelStart.aborted ? 'cancelled before it had started' : createConcealer(ready?.masking)(messageOf(error));
    const cause = ready === undefined ? 'failed_precondition' : 'scheduler_error';
    const code = codeOf(error);
    // Of what was started before and is not known any more nobody can tell what it has written.
    const log = await sealRefusal(attemptUid, reason, code === 'TASK_LOST' ? reason : undefined, context.logs);
    listener.ended({ kind: 'refused', cause, code, reason, log });
    return undefined;
  }
}

/** Asks again while a store cannot be reached or has no room. `first`: the first asking, where it is under way. */
async function withPatience<T>(
  ask: () => T | Promise<T>,
  what: string,
  signal: AbortSignal,
  listener: AttemptListener,
  clock: Clock,
  first?: Promise<T>,
): Promise<T> {
  const giveUpAt = clock.monotonic() + START_PATIENCE_MS;
  let answer: T | Promise<T> | undefined = first;
  for (let ms = FIRST_RETRY_MS; ; ms = Math.min(ms * 2, LAST_RETRY_MS)) {
    try {
      return await (answer ?? ask());
    } catch (error) {
      const mayPass = codeOf(error) === 'UNAVAILABLE' || codeOf(error) === 'STORAGE_FULL';
      if (!mayPass || signal.aborted || clock.monotonic() + ms > giveUpAt) throw error;
      listener.progress(`${what} cannot be used, trying again: ${messageOf(error)}`);
      answer = undefined;
      await pause(clock, ms, signal);
    }
  }
}

async function isKnown(spec: TaskSpec, scheduler: Scheduler): Promise<boolean> {
  const { instance, attempt } = spec.labels;
  if (instance === undefined || attempt === undefined) return false;
  return (await scheduler.list({ instance, attempt })).length > 0;
}

/**
 * An earlier server may have sealed the log of an attempt that its engine refused, and have died before it wrote that down: started now,
 * its output would have no place.
 */
async function refuseIfGivenUp(attemptUid: string, logs: LogStore): Promise<void> {
  try {
    if ((await logs.stat(attemptUid)).seal === undefined) return;
  } catch (error) {
    if (codeOf(error) === 'NOT_FOUND') return;
    throw error;
  }
  throw new GoferError('FAILED_PRECONDITION', 'it could not be started before the server was restarted; its log says why');
}

async function startWithPatience(
  spec: TaskSpec,
  resumed: boolean,
  { scheduler, logs, clock }: AttemptContext,
  signals: Signals,
  listener: AttemptListener,
  conceal: Conceal,
): Promise<TaskHandle> {
  const both = AbortSignal.any([signals.cancelStart, signals.leave]);
  let giveUpAt = clock.monotonic() + START_PATIENCE_MS;
  for (let ms = FIRST_RETRY_MS; ; ms = Math.min(ms * 2, LAST_RETRY_MS)) {
    // What may run already is taken up before it is stopped, however long that takes: given up, it would run on without an owner.
    let mayRun = resumed;
    let signal = mayRun ? signals.leave : both;
    try {
      if (resumed && !(await isKnown(spec, scheduler))) {
        await refuseIfGivenUp(spec.attemptId, logs);
        mayRun = false;
        signal = both;
      }
      for await (const update of scheduler.start(spec, signal)) {
        if (update.kind === 'progress') {
          listener.progress(conceal(update.message));
        } else {
          listener.started(update.handle, update.startedAt);
          return update.handle;
        }
      }
      throw new Error('the scheduler neither started the task nor said why');
    } catch (error) {
      if (mayRun) giveUpAt = clock.monotonic() + START_PATIENCE_MS;
      if (codeOf(error) !== 'UNAVAILABLE' || signal.aborted || clock.monotonic() + ms > giveUpAt) throw error;
      listener.progress(`the scheduler cannot be reached, trying again: ${conceal(messageOf(error))}`);
      await pause(clock, ms, signal);
    }
  }
}

/**
 * Reads the log to its end, or until its source falls silent once the task has ended. While the task runs a failing source is opened again,
 * since a task whose output nobody takes may stand still.
 */
function collectLog(
  attemptUid: string,
  { handle, masking, unmaskable }: StartedAttempt,
  context: AttemptContext,
  leave: AbortSignal,
): { seal: Promise<LogSeal>; hasEnded(): void; isLost(reason: string): void } {
  const { scheduler, logs, clock } = context;
  const lost = new AbortController();
  let problem: string | undefined;
  let giveUpAt = Number.POSITIVE_INFINITY;
  const signal = AbortSignal.any([leave, lost.signal]);
  const silence = new SilenceLimit(clock, SILENT_LOG_MS, () => {
    problem ??= SILENT;
    lost.abort();
  });
  const conceal = createConcealer(masking);
  const options = { replay: scheduler.capabilities.replay, ...(masking === undefined ? {} : { masking }) };
  const collect = async (): Promise<LogSeal> => {
    for (let ms = FIRST_RETRY_MS; ; ms = Math.min(ms * 2, LAST_RETRY_MS)) {
      try {
        return await logs.collect(
          attemptUid,
          (after, reading) =>
            silence.listened(scheduler.logs(handle, after === undefined ? { follow: true } : { after, follow: true }, reading)),
          signal,
          options,
        );
      } catch (error) {
        if (leave.aborted) throw error;
        const text = problem ?? conceal(messageOf(error));
        const isFinal = codeOf(error) === 'NOT_FOUND' || codeOf(error) === 'DATA_LOSS';
        if (lost.signal.aborted || problem !== undefined || isFinal || clock.monotonic() > giveUpAt)
          return await logs.seal(attemptUid, `the output could not be read to its end: ${text}`);
        await pause(clock, ms, signal).catch(() => {
          // Woken early, by the task's end or by ours: the next turn of the loop finds out which.
        });
      }
    }
  };
  const seal = unmaskable === undefined ? collect() : logs.seal(attemptUid, unmaskable);
  // It may fail while the task's end is still waited for, which is when nobody looks at it; whoever waits for it hears of it.
  seal.catch(() => {});
  return {
    seal,
    hasEnded() {
      giveUpAt = clock.monotonic() + ENDED_LOG_PATIENCE_MS;
      silence.turnOn();
    },
    isLost(reason) {
      problem = reason;
      clock.after(LOST_LOG_MS, () => lost.abort());
    },
  };
}

async function sealRefusal(attemptUid: string, reason: string, problem: string | undefined, logs: LogStore): Promise<LogSeal> {
  try {
    await logs.note(attemptUid, reason);
    return await logs.seal(attemptUid, problem);
  } catch (error) {
    return await logs
      .seal(attemptUid, messageOf(error))
      .catch(() => ({ lines: 0, bytes: 0, sha256: '', complete: false, problem: messageOf(error) }));
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Stops a task, however long the scheduler cannot be reached; rejects when it refuses for another reason or `leave` aborts. */
export async function stopWithPatience(
  scheduler: Scheduler,
  handle: TaskHandle,
  graceMs: number,
  leave: AbortSignal,
  clock: Clock,
): Promise<void> {
  for (let ms = FIRST_RETRY_MS; ; ms = Math.min(ms * 2, LAST_RETRY_MS)) {
    try {
      await scheduler.stop(handle, graceMs);
      return;
    } catch (error) {
      if (codeOf(error) !== 'UNAVAILABLE') throw error;
      await pause(clock, ms, leave);
    }
  }
}
