/**
 * Finds what earlier servers of this database left with a scheduler: attempts that have ended and were not removed, and attempts that
 * the database does not know (their run was deleted). Only what carries this server's own instance label is looked at.
 */
import type { PluginLog, Scheduler } from '@gofer/contracts';
import type { Store } from '../storage/store.ts';
import type { Removals } from './removals.ts';

export async function sweepLeftovers(
  engine: string,
  scheduler: Scheduler,
  store: Store,
  removals: Removals,
  log: PluginLog,
): Promise<void> {
  for (const attempt of store.attempts.endedButKept(engine)) {
    if (attempt.handle !== undefined) removals.add({ attemptUid: attempt.uid, scheduler, handle: attempt.handle });
  }
  for (const { handle, labels } of await scheduler.list({ instance: store.system.instanceId })) {
    const attemptUid = labels['attempt'];
    if (attemptUid === undefined) continue;
    const attempt = store.attempts.byUid(attemptUid);
    if (attempt !== undefined && (attempt.state !== 'complete' || attempt.handle !== undefined)) continue;
    log('info', 'removing a task that no run owns', { engine, attempt: attemptUid });
    removals.add({ attemptUid, scheduler, handle });
  }
}
