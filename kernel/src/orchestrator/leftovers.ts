/**
 * Finds what earlier servers of this database left with a scheduler: attempts that have ended and were not removed, and attempts that
 * the database does not know (their run was deleted). Only what carries this server's own instance label is looked at; containers of
 * extensions, which carry it too, have a sweep of their own.
 */
import { codeOf, type ListedTask, type PluginLog, type Scheduler } from '@gofer/contracts';
import { type Clock, pause } from '../clock/clock.ts';
import type { Store } from '../storage/store.ts';
import type { Removals } from './removals.ts';

export interface SweepContext {
  readonly store: Store;
  readonly removals: Removals;
  readonly log: PluginLog;
  readonly clock: Clock;
  readonly leave: AbortSignal;
}

const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;

/** However long the scheduler cannot be reached; rejects when it refuses for another reason or `leave` aborts. */
export async function sweepLeftovers(engine: string, scheduler: Scheduler, context: SweepContext): Promise<void> {
  const { store, removals, log } = context;
  for (const attempt of store.attempts.endedButKept(engine)) {
    if (attempt.handle !== undefined) removals.add({ attemptUid: attempt.uid, scheduler, handle: attempt.handle });
  }
  for (const { handle, labels } of await listWithPatience(scheduler, context)) {
    const attemptUid = labels['attempt'];
    if (attemptUid === undefined || labels['extension'] !== undefined) continue;
    const attempt = store.attempts.byUid(attemptUid);
    if (attempt !== undefined && (attempt.state !== 'complete' || attempt.handle !== undefined)) continue;
    log('info', 'removing a task that no run owns', { engine, attempt: attemptUid });
    removals.add({ attemptUid, scheduler, handle });
  }
}

async function listWithPatience(scheduler: Scheduler, { store, clock, leave }: SweepContext): Promise<readonly ListedTask[]> {
  for (let ms = FIRST_RETRY_MS; ; ms = Math.min(ms * 2, LAST_RETRY_MS)) {
    try {
      return await scheduler.list({ instance: store.system.instanceId });
    } catch (error) {
      if (codeOf(error) !== 'UNAVAILABLE') throw error;
      await pause(clock, ms, leave);
    }
  }
}
