/**
 * Removes ended containers that were left behind. Only containers that carry this server's instance id, and only those that ended a
 * whole interval ago: by then the server has read their output and kept their exit codes. For the same reason the first prune comes
 * one interval after the start, not at once: a server that was away for long has reading to do.
 */
import { ATTEMPT_LABEL, LABEL_PREFIX } from './container-definition.ts';
import type { Container } from './container-state.ts';
import { toEpoch } from './container-state.ts';
import type { Engine } from './engine.ts';
import { isStatus } from './engine-error.ts';

interface Listed {
  readonly Id: string;
  /** Epoch seconds. */
  readonly Created: number;
}

/** Resolves with the number of containers removed. */
export async function pruneContainers(engine: Engine, instanceId: string, olderThanMs: number, now: number): Promise<number> {
  const filters = JSON.stringify({
    label: [ATTEMPT_LABEL, `${LABEL_PREFIX}instance=${instanceId}`],
    status: ['exited', 'dead'],
  });
  const listed = await engine.json<readonly Listed[]>({
    method: 'GET',
    path: '/containers/json',
    query: { all: '1', filters },
  });
  let removed = 0;
  for (const { Id: id, Created: created } of listed) {
    if (created * 1000 > now - olderThanMs) continue;
    try {
      const container = await engine.json<Container>({
        method: 'GET',
        path: `/containers/${id}/json`,
      });
      if (container.State.Status === 'running' || toEpoch(container.State.FinishedAt) > now - olderThanMs) continue;
      // Not by force: one that somebody has started again stays.
      await engine.json({
        method: 'DELETE',
        path: `/containers/${id}`,
        query: { v: '1' },
      });
      removed += 1;
    } catch (error) {
      // Gone, going or started again.
      if (!isStatus(error, 404, 409)) throw error;
    }
  }
  return removed;
}
