/**
 * One attempt from its intent to its sealed log, towards the scheduler and the log store: starts it (or finds it again: `start` is
 * idempotent), reads its output, waits for its end. What happens is told to the run's loop and to nobody else; nothing is decided here.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { codeOf, type Scheduler, type TaskExit, type TaskHandle, type TaskSpec } from '@gofer/contracts';
import type { LogSeal, LogStore } from '../workers/logs/log-store.ts';

/** How it ended, with its whole log. */
export type AttemptEnd =
  | { readonly kind: 'ended'; readonly exit: TaskExit; readonly log: LogSeal }
  /** It never ran: the scheduler refused it, for the reason that its log tells too. */
  | { readonly kind: 'refused'; readonly reason: string; readonly log: LogSeal };

export interface AttemptListener {
  /** Why it has not started yet, in words. */
  progress(message: string): void;
  started(handle: TaskHandle, startedAt: number): void;
  ended(end: AttemptEnd): void;
}

export interface AttemptContext {
  readonly scheduler: Scheduler;
  readonly logs: LogStore;
}

/** While the scheduler cannot be reached, a start is tried again for this long before the task fails. */
const START_PATIENCE_MS = 5 * 60_000;
const FIRST_RETRY_MS = 200;
const LAST_RETRY_MS = 10_000;
/** How long the output of a task that is lost may still take to end. */
const LOST_LOG_MS = 5_000;
/** For how long a source that fails is opened again once its task has ended. */
const ENDED_LOG_PATIENCE_MS = 60_000;

/** `resumed`: an earlier server may have started it without having written down its handle. */
export type AttemptBegin = { readonly handle: TaskHandle } | { readonly spec: () => TaskSpec; readonly resumed: boolean };

/**
 * Resolves once `ended` was told, or once `signal` aborted while the attempt was running: then it goes on without us. An abort before
 * it has started ends it as refused, unless `leave` says that the server is going away.
 */
export async function watchAttempt(
  attemptUid: string,
  begin: AttemptBegin,
  context: AttemptContext,
  signals: { readonly cancelStart: AbortSignal; readonly leave: AbortSignal },
  listener: AttemptListener,
): Promise<void> {
  let handle: TaskHandle;
  if ('handle' in begin) {
    handle = begin.handle;
  } else {
    try {
      handle = await startWithPatience(begin, context.scheduler, signals, listener);
    } catch (error) {
      if (signals.leave.aborted) return;
      const reason = signals.cancelStart.aborted ? 'cancelled before it had started' : messageOf(error);
      listener.ended({ kind: 'refused', reason, log: await sealRefusal(attemptUid, reason, context.logs) });
      return;
    }
  }
  const log = collectLog(attemptUid, handle, context, signals.leave);
  try {
    const exit = await context.scheduler.wait(handle, signals.leave);
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
    const exit: TaskExit = { kind: 'lost', reason: `the scheduler could not say how it ended: ${messageOf(error)}`, endedAt: Date.now() };
    log.isLost(exit.reason);
    listener.ended({ kind: 'ended', exit, log: await log.seal });
  }
}

async function isKnown(spec: TaskSpec, scheduler: Scheduler): Promise<boolean> {
  const { instance, attempt } = spec.labels;
  if (instance === undefined || attempt === undefined) return false;
  return (await scheduler.list({ instance, attempt })).length > 0;
}

async function startWithPatience(
  begin: { readonly spec: () => TaskSpec; readonly resumed: boolean },
  scheduler: Scheduler,
  signals: { readonly cancelStart: AbortSignal; readonly leave: AbortSignal },
  listener: AttemptListener,
): Promise<TaskHandle> {
  const spec = begin.spec();
  const both = AbortSignal.any([signals.cancelStart, signals.leave]);
  const giveUpAt = performance.now() + START_PATIENCE_MS;
  for (let pause = FIRST_RETRY_MS; ; pause = Math.min(pause * 2, LAST_RETRY_MS)) {
    let signal = both;
    try {
      // What runs already is taken up before it is stopped: a start that is taken back would leave it without an owner.
      if (begin.resumed && (await isKnown(spec, scheduler))) signal = signals.leave;
      for await (const update of scheduler.start(spec, signal)) {
        if (update.kind === 'progress') {
          listener.progress(update.message);
        } else {
          listener.started(update.handle, update.startedAt);
          return update.handle;
        }
      }
      throw new Error('the scheduler neither started the task nor said why');
    } catch (error) {
      if (codeOf(error) !== 'UNAVAILABLE' || signal.aborted || performance.now() + pause > giveUpAt) throw error;
      listener.progress(`the scheduler cannot be reached, trying again: ${messageOf(error)}`);
      await delay(pause, undefined, { signal });
    }
  }
}

/** Reads the log to its end; while the task runs a failing source is opened again, since a task whose output nobody takes may stand still. */
function collectLog(
  attemptUid: string,
  handle: TaskHandle,
  context: AttemptContext,
  leave: AbortSignal,
): { seal: Promise<LogSeal>; hasEnded(): void; isLost(reason: string): void } {
  const { scheduler, logs } = context;
  const lost = new AbortController();
  let problem: string | undefined;
  let giveUpAt = Number.POSITIVE_INFINITY;
  const signal = AbortSignal.any([leave, lost.signal]);
  const options = { replay: scheduler.capabilities.replay };
  const collect = async (): Promise<LogSeal> => {
    for (let pause = FIRST_RETRY_MS; ; pause = Math.min(pause * 2, LAST_RETRY_MS)) {
      try {
        return await logs.collect(
          attemptUid,
          (after, reading) => scheduler.logs(handle, after === undefined ? { follow: true } : { after, follow: true }, reading),
          signal,
          options,
        );
      } catch (error) {
        if (leave.aborted) throw error;
        const text = problem ?? messageOf(error);
        if (lost.signal.aborted || problem !== undefined || codeOf(error) === 'NOT_FOUND' || performance.now() > giveUpAt)
          return await logs.seal(attemptUid, `the output could not be read to its end: ${text}`);
        await delay(pause, undefined, { signal }).catch(() => {
          // Woken early, by the task's end or by ours: the next turn of the loop finds out which.
        });
      }
    }
  };
  return {
    seal: collect(),
    hasEnded() {
      giveUpAt = performance.now() + ENDED_LOG_PATIENCE_MS;
    },
    isLost(reason) {
      problem = reason;
      setTimeout(() => lost.abort(), LOST_LOG_MS).unref();
    },
  };
}

async function sealRefusal(attemptUid: string, reason: string, logs: LogStore): Promise<LogSeal> {
  try {
    await logs.note(attemptUid, reason);
    return await logs.seal(attemptUid);
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
export async function stopWithPatience(scheduler: Scheduler, handle: TaskHandle, graceMs: number, leave: AbortSignal): Promise<void> {
  for (let pause = FIRST_RETRY_MS; ; pause = Math.min(pause * 2, LAST_RETRY_MS)) {
    try {
      await scheduler.stop(handle, graceMs);
      return;
    } catch (error) {
      if (codeOf(error) !== 'UNAVAILABLE') throw error;
      await delay(pause, undefined, { signal: leave });
    }
  }
}
