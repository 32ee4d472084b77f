/** Finds the containers of extensions that an earlier server has started and that the database does not know any more. */
import { type PluginLog, type Scheduler } from '@gofer/contracts';
import type { Clock } from '../clock/clock.ts';
import { withPatience } from './scheduler-patience.ts';

export interface ExtensionSweepContext {
  readonly instanceId: string;
  readonly log: PluginLog;
  readonly clock: Clock;
  readonly leave: AbortSignal;
}

/**
 * Removes them, those that run too, however long the scheduler cannot be reached. `isKnown` is asked of the uid of a start, after the
 * scheduler was: what is started meanwhile is safe where its uid is written down first. Rejects when the scheduler cannot list for another
 * reason than being away, and with `CANCELLED` when `leave` aborts; one that cannot be removed is logged.
 */
export async function sweepExtensionLeftovers(
  engine: string,
  scheduler: Scheduler,
  isKnown: (startUid: string) => boolean,
  { instanceId, log, clock, leave }: ExtensionSweepContext,
): Promise<void> {
  const patience = { clock, signal: leave };
  for (const { handle, labels } of await withPatience(() => scheduler.list({ instance: instanceId }), patience)) {
    const { extension, attempt } = labels;
    if (extension === undefined || attempt === undefined || isKnown(attempt)) continue;
    const names = { engine, extension, start: attempt };
    log('info', 'removing the container of an extension that nobody knows', names);
    try {
      await withPatience(() => scheduler.remove(handle), patience);
    } catch (error) {
      if (leave.aborted) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      log('warn', 'the container of an extension could not be removed; the next start tries again', { ...names, reason });
    }
  }
}
