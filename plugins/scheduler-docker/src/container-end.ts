/** How a container is ended and removed. Each of these succeeds for one that has ended or is gone. */
import type { Engine } from './engine.ts';
import { isStatus } from './engine-error.ts';
import type { ExitWatch } from './exit-watch.ts';

const NEVER = new AbortController().signal;

/** SIGTERM, and SIGKILL once the grace is over. The engine's own `stop` counts in whole seconds and knows only one grace at a time. */
export async function stopContainer(engine: Engine, watch: ExitWatch, id: string, graceMs: number): Promise<void> {
  watch.expectEnd(id);
  if (graceMs > 0) {
    if (!(await kill(engine, id, 'SIGTERM'))) return;
    const grace = new AbortController();
    const timer = setTimeout(() => grace.abort(), graceMs);
    try {
      await watch.ending(id, grace.signal);
      return;
    } catch (error) {
      if (!grace.signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
    }
  }
  if (await kill(engine, id, 'SIGKILL')) await watch.ending(id, NEVER);
}

export async function removeContainer(engine: Engine, watch: ExitWatch, id: string): Promise<void> {
  watch.expectEnd(id);
  try {
    await engine.json({ method: 'DELETE', path: `/containers/${id}`, query: { force: '1', v: '1' } });
  } catch (error) {
    if (isStatus(error, 409)) await removed(engine, id);
    else if (!isStatus(error, 404)) throw error;
  }
}

/** Somebody else is removing it. */
async function removed(engine: Engine, id: string): Promise<void> {
  try {
    await engine.json({ method: 'POST', path: `/containers/${id}/wait`, query: { condition: 'removed' } });
  } catch (error) {
    if (!isStatus(error, 404)) throw error;
  }
}

/** False if it does not run. */
async function kill(engine: Engine, id: string, signal: string): Promise<boolean> {
  try {
    await engine.json({ method: 'POST', path: `/containers/${id}/kill`, query: { signal } });
    return true;
  } catch (error) {
    if (isStatus(error, 404, 409)) return false;
    throw error;
  }
}
